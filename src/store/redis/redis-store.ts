/** Redis for codes on their way and limits, with PostgreSQL for members, logins, notices and all history: one Store. */

import { Cluster } from 'ioredis'
import { dueBy } from '../../deadline.ts'
import { AppError } from '../../errors.ts'
import { createDeadlines } from '../deadlines.ts'
import type { ContactChange, ContactChangeResult, Directory } from '../directory.ts'
import type { Lease, OutboxEntry, Settlement } from '../outbox.ts'
import { openPostgres, type PostgresSettings } from '../postgres/postgres-store.ts'
import type { Store } from '../store.ts'
import type { FoundVerifications } from '../verifications.ts'
import { createArchive } from './archive.ts'
import { allWithin, createArrivals } from './arrivals.ts'
import { type Calls, createCalls } from './calls.ts'
import { type Client, createClient, type RedisChoice, ready, redisName, shardsOf } from './client.ts'
import { createLayout, type Layout } from './layout.ts'
import { readLibrary } from './library.ts'
import { redisOutbox } from './outbox.ts'
import { verificationOf } from './records.ts'
import { infoOf, mastersOf } from './report.ts'
import { redisVerifications, timeLeft, usedOf } from './verifications.ts'

export type RedisSettings = {
  readonly redis: RedisChoice
  readonly postgres: PostgresSettings
  /** After so long a call is refused with `store.unavailable`. Default 800. */
  readonly deadlineMs?: number
  /** Told of each call that was answered: its verb and the ms from call to durable answer. */
  readonly onAnswered?: (verb: string, tookMs: number) => void
}

const longestStartMs = 5_000
/** More calls than this under way means that the server cannot keep up: refuse at once. */
const mostPending = 20_000
const archivePauseMs = 500
/** Notices are not waited for longer, for codes have less time than they. */
const noticesMs = 200

/**
 * Connects to both, brings the schema up to date and loads the functions.
 * @throws AppError `store.schema-newer`, `store.moved`, `store.unavailable`, `config.invalid` for a Redis that
 *   may drop what it holds.
 */
export async function openRedisStore(settings: RedisSettings): Promise<Store> {
  const { redis, deadlineMs = 800, onAnswered } = settings
  await using opened = new AsyncDisposableStack()
  const { store: cold, history } = opened.use(
    Object.assign(await openPostgres(settings.postgres), {
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
  )
  opened.use(cold)
  const client = createClient(redis, () => undefined)
  opened.defer(() => client.disconnect())
  await ready(client, redis, longestStartMs)
  await examine(client, redis)

  const layout = createLayout(redis.prefix, shardsOf(redis))
  const calls = createCalls(client, readLibrary(), await slotsOf(client, layout), redis.wait)
  await meet(calls, layout)
  const verifications = redisVerifications(calls, layout)
  const outbox = redisOutbox(calls, layout, history)
  const deadlines = opened.use(createDeadlines())
  const untilOf = () => performance.now() + deadlineMs
  const archive = createArchive(calls, layout, history, untilOf)
  let pending = 0
  let isClosed = false
  let onSettled: (() => void) | undefined

  /** One verb: refused at once if it cannot be served, told with `store.unavailable` if it fails or is late. */
  async function call<T>(verb: string, act: (until: number) => Promise<T>): Promise<T> {
    if (isClosed) throw new AppError('store.unavailable', 'the store is closed')
    if (pending >= mostPending) throw new AppError('store.unavailable', 'too many calls under way')
    pending++
    const startedAt = performance.now()
    const until = dueBy(startedAt + deadlineMs)
    try {
      return await deadlines.within(until, act(until))
    } finally {
      pending--
      onAnswered?.(verb, performance.now() - startedAt)
      if (pending === 0) onSettled?.()
    }
  }

  const verb =
    <Args extends readonly unknown[], Result>(
      name: string,
      act: (until: number, ...args: Args) => Promise<Result>,
    ) =>
    (...args: Args): Promise<Result> =>
      call(name, (until) => act(until, ...args))

  /** Engine time of the first master that answers, if PostgreSQL does too. */
  async function now(): Promise<number> {
    const [time] = await Promise.all([
      Promise.any(mastersOf(client).map((node) => node.time())).catch(unavailable),
      cold.now(),
    ])
    return Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000)
  }

  /**
   * The verification is used up here first, so that one caller goes on; then the change is decided in one
   * transaction where the members are. If that says no, it is as if it had not been used; if that cannot be
   * known, it stays used.
   */
  async function changeContact(until: number, change: ContactChange): Promise<ContactChangeResult> {
    const { verification, tenant, app, member } = change
    const record = await verifications.useRecord(until, { id: verification, wrong: [], consumes: true })
    if (!record) return { kind: 'refused' }
    const of = { tenant, app, member }
    const proofMs = change.needsProof ? await verifications.takeProof(until, of) : 0
    if (change.needsProof && proofMs === 0) {
      await verifications.restore(record)
      return { kind: 'unproven' }
    }
    // Before the change, not after: should the process end in between, none of them may be left.
    await verifications.cancel(until, await verifications.idsOf(until, tenant, member))
    const { repeat, ...rest } = change
    const asked = { ...rest, wrong: [], needsProof: false }
    const remainingMs = record.expiresAt - record.now
    const result = await history.changeContact(until, asked, verificationOf(record), remainingMs)
    if (result.kind !== 'changed') {
      await verifications.restore(record)
      if (proofMs > 0) await verifications.putProof(until, of, proofMs)
      return result
    }
    // What is left is not worth failing for what has happened.
    await allWithin(timeLeft(until), [
      verifications.giveBack(until, change.wrong),
      ...(repeat === undefined ? [] : [verifications.rememberRepeat(until, record, repeat)]),
    ])
    return { ...result, used: usedOf(record) }
  }

  /** Messages that PostgreSQL gave out although they are of codes: from before Redis was added. */
  const coldCodes = new Set<string>()
  const keyOf = ({ queuedAt, messageId }: { queuedAt: number; messageId: string }) =>
    `${queuedAt} ${messageId}`
  const isCold = (one: { queuedAt: number; messageId: string; verification: string }) =>
    one.verification === '' || coldCodes.has(keyOf(one))
  const coldOf = (one: Settlement) =>
    isCold({ queuedAt: one.queuedAt, messageId: one.dispatch.messageId, verification: one.verification })

  const arrivals = createArrivals()
  let lookingForNotices: Promise<void> | undefined

  /** In both at once: where one hangs, what the other has is handed over. */
  async function claim(until: number, most: number, lease: Lease): Promise<readonly OutboxEntry[]> {
    lookingForNotices ??= cold.outbox
      .claim(most, lease)
      .then((entries) => arrivals.add(noted(entries)))
      .finally(() => {
        lookingForNotices = undefined
      })
    const notices = allWithin(noticesMs, [lookingForNotices])
    const failure = (await outbox.claim(until, most, lease, arrivals)) ?? (await notices)
    // Nobody waits for it any more: what is there is for the next look.
    const claimed = performance.now() < until ? arrivals.take() : []
    if (claimed.length === 0 && failure) throw failure
    return claimed
  }

  function noted(entries: readonly OutboxEntry[]): readonly OutboxEntry[] {
    for (const { verification, queuedAt, message } of entries)
      if (verification) coldCodes.add(keyOf({ queuedAt, messageId: message.id }))
    return entries
  }

  /** Recorded before it leaves the queue: it happened, whatever comes in between. */
  async function settle(until: number, settlements: readonly Settlement[]): Promise<void> {
    const { hot = [], cold: notices = [] } = Object.groupBy(settlements, (one) =>
      coldOf(one) ? 'cold' : 'hot',
    )
    await Promise.all([notices.length > 0 ? cold.outbox.settle(notices) : undefined, settleHot(until, hot)])
    for (const { queuedAt, dispatch } of notices)
      coldCodes.delete(keyOf({ queuedAt, messageId: dispatch.messageId }))
  }

  async function settleHot(until: number, settlements: readonly Settlement[]): Promise<void> {
    if (settlements.length === 0) return
    const recorded = new Set(await history.record(until, settlements))
    const isLate = await outbox.settle(until, settlements)
    const late = settlements.filter((one, i) => isLate[i] && recorded.has(one))
    if (late.length > 0) await history.markLate(until, late)
    const awaiting = settlements.filter(({ next }) => next.kind === 'second')
    if (awaiting.length > 0)
      await outbox.endWaits(until, await history.lookUp(until, awaiting.map(keyOfDispatch)))
    // Nothing reached the address, so asking again at once, corrected, is fair.
    const freed = settlements.filter(({ next }) => next.kind === 'failed' && next.isPermanent)
    await verifications.giveBack(
      until,
      freed.flatMap(({ message, queuedAt }) =>
        message.cooldown.map((key) => ({ key, form: 'events', at: queuedAt }) as const),
      ),
    )
  }

  async function find(
    until: number,
    query: { address: string; sinceMs: number; before?: string },
  ): Promise<FoundVerifications> {
    // Those that are here first; the rest of the pages are of the history, less what was told already.
    if (query.before === undefined) {
      const here = (await verifications.find(until, query.address))
        .filter((one) => one.issuedAt >= query.sinceMs)
        .toSorted((a, b) => (a.id < b.id ? 1 : -1))
      return {
        found: here.map(verificationOf),
        next: cursorOf(
          'g',
          here.map((one) => one.id),
        ),
      }
    }
    const [before, ...told] = query.before.split(',')
    const page = await cold.verifications.find({ ...query, before: before! })
    return {
      found: page.found.filter((one) => !told.includes(one.id)),
      next: page.next === null ? null : cursorOf(page.next, told),
    }
  }

  let archiving: Promise<unknown> = Promise.resolve()
  let archiveTimer: NodeJS.Timeout | undefined
  const archiveSoon = (afterMs: number) => {
    archiveTimer = setTimeout(
      () => {
        // What fails stays where it is, for the next time or another process.
        archiving = archive.move().then(
          (isMore) => archiveSoon(isMore ? 0 : archivePauseMs),
          () => archiveSoon(archivePauseMs),
        )
      },
      isClosed ? undefined : afterMs,
    )
    archiveTimer.unref()
  }
  archiveSoon(archivePauseMs)

  const closing = opened.move()
  const directory: Directory = {
    ...cold.directory,
    changeContact: verb('directory.changeContact', changeContact),
  }
  return {
    engine: 'redis',
    verifications: {
      issue: verb('verifications.issue', verifications.issue),
      takeSubmission: verb('verifications.takeSubmission', verifications.takeSubmission),
      use: verb('verifications.use', verifications.use),
      cancel: verb(
        'verifications.cancel',
        async (until, id: string) => (await verifications.cancel(until, [id])) === 1,
      ),
      get: verb('verifications.get', async (until, id: string) => {
        const record = await verifications.get(until, id)
        return record ? verificationOf(record) : cold.verifications.get(id)
      }),
      find: verb('verifications.find', find),
      countLive: verb('verifications.countLive', verifications.countLive),
    },
    outbox: {
      queue: cold.outbox.queue,
      claim: verb('outbox.claim', claim),
      settle: verb('outbox.settle', settle),
      postpone: verb(
        'outbox.postpone',
        async (until, entries: Parameters<Store['outbox']['postpone']>[0], afterMs: number) => {
          const { hot = [], cold: notices = [] } = Object.groupBy(entries, (one) =>
            isCold(one) ? 'cold' : 'hot',
          )
          await Promise.all([
            notices.length > 0 ? cold.outbox.postpone(notices, afterMs) : undefined,
            hot.length > 0 ? outbox.postpone(until, hot, afterMs) : undefined,
          ])
        },
      ),
      release: verb('outbox.release', async (until, owner: string) => {
        await Promise.all([cold.outbox.release(owner), outbox.release(until, owner)])
      }),
      depth: verb('outbox.depth', async (until) => {
        const [notices, codes] = await Promise.all([
          cold.outbox.depth(),
          now().then((time) => outbox.depth(until, time)),
        ])
        return { queued: notices.queued + codes.queued, oldestMs: Math.max(notices.oldestMs, codes.oldestMs) }
      }),
      ...(cold.outbox.onDue && { onDue: cold.outbox.onDue }),
    },
    dispatches: {
      receive: verb(
        'dispatches.receive',
        async (until, receipts: Parameters<Store['dispatches']['receive']>[0]) => {
          const { results, standing } = await history.receive(until, receipts)
          await outbox.endWaits(until, standing)
          return results
        },
      ),
      of: cold.dispatches.of,
      // Counted by the history, so all that is over must be there.
      tally: verb('dispatches.tally', async (_until, cursor: string | number, untilMs: number) => {
        await archive.catchUp()
        return cold.dispatches.tally(cursor, untilMs)
      }),
    },
    // Passwords and nonces: they go with logins, and must not be forgotten by a failover.
    ledgers: cold.ledgers,
    journal: cold.journal,
    directory,
    now: verb('now', now),
    async sweep(retentionMs) {
      await archive.catchUp()
      await cold.sweep(retentionMs)
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return
      isClosed = true
      clearTimeout(archiveTimer)
      if (pending > 0)
        await new Promise<void>((resolve) => {
          onSettled = resolve
        })
      await archiving
      clearTimeout(archiveTimer)
      await closing.disposeAsync()
    },
  }
}

function unavailable(error: unknown): never {
  // Of no master at all there is no error either.
  const cause = (error instanceof AggregateError ? error.errors[0] : error) as Error | undefined
  throw new AppError('store.unavailable', `Redis: ${cause?.message ?? 'no master'}`, { cause })
}

function keyOfDispatch({ verification, dispatch, dispatches }: Settlement) {
  return { verification, messageId: dispatch.messageId, nth: dispatches }
}

const cursorOf = (before: string, told: readonly string[]) => [before, ...told].join(',')

/** The hash slot of each shard, as the cluster itself reckons it. */
async function slotsOf(client: Client, layout: Layout): Promise<readonly number[]> {
  if (!(client instanceof Cluster)) return []
  return Promise.all(layout.of.map(({ records }) => client.cluster('KEYSLOT', records)))
}

/**
 * Asks every shard for nothing: so each has the functions, and the clock of each is known before a call hangs on it
 * being known when it must not be done any more. One that is away is met when it is back.
 */
async function meet(calls: Calls, layout: Layout): Promise<void> {
  const until = performance.now() + longestStartMs
  const asked = layout.of.map(({ ends, records }, shard) =>
    calls.call({ name: 'over', shard, keys: [ends, records], args: [0], until }),
  )
  await Promise.allSettled(asked)
}

/** What would lose or refuse records under load is refused at the start. */
async function examine(client: Client, choice: RedisChoice): Promise<void> {
  for (const node of mastersOf(client)) {
    const problem = problemOf(await infoOf(node).catch(unavailable), choice)
    if (problem) throw new AppError('config.invalid', `hot: ${redisName(choice)} ${problem}`)
  }
}

function problemOf(told: (name: string) => string, { kind, wait }: RedisChoice): string | undefined {
  const major = Number(told('redis_version').split('.')[0])
  if (major < 7) return `is version ${told('redis_version')}; functions need Redis 7, or Valkey`
  if (told('cluster_enabled') === '1' && kind !== 'cluster')
    return 'is a node of a cluster; state redis+cluster://HOST:PORT,HOST:PORT'
  if (told('cluster_enabled') === '0' && kind === 'cluster') return 'is no cluster; state redis://HOST:PORT'
  if (told('maxmemory') !== '0' && told('maxmemory_policy') !== 'noeviction')
    return `drops what it holds when its memory is full (maxmemory-policy ${told('maxmemory_policy')}); set noeviction`
  const [, minor] = told('redis_version').split('.')
  if (wait?.isOnDisk && major === 7 && Number(minor) < 2)
    return 'has no WAITAOF, which came with 7.2; state redis.waitFor: memory'
  return undefined
}
