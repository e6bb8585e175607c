/** One Store over two: Redis for live codes, their messages and limits; PostgreSQL for members, logins, notices and history. */

import type { MemberBatch, MemberUpdate } from '../administration.ts'
import { trackCalls } from '../calls.ts'
import type { ContactUndo, RecoveryApply, RecoveryStop } from '../contact-undo.ts'
import type { ContactChange, ContactSetting, Directory } from '../directory.ts'
import type { EngineOptions } from '../engine-options.ts'
import { openPostgres, type PostgresSettings } from '../postgres/postgres-store.ts'
import type { Store } from '../store.ts'
import type { IssueRequest, SubmissionRequest } from '../verifications.ts'
import type { Webhooks } from '../webhooks.ts'
import { actsById } from './acts-by-id.ts'
import { createArchive } from './archive.ts'
import { bothOutboxes } from './both-outboxes.ts'
import { createCalls } from './calls.ts'
import {
  applyRecovery,
  changeContact,
  deleteMembers,
  setContact,
  stopRecovery,
  undoContact,
  updateMember,
} from './change-contact.ts'
import { redisClaims } from './claims.ts'
import { createClient, ready, shardsOf } from './client.ts'
import { redisErasure } from './erasure.ts'
import { redisEvents } from './events.ts'
import { examine, meet, slotsOf, unavailable } from './examine.ts'
import { findInBoth } from './find.ts'
import { issue } from './issue.ts'
import { createLayout } from './layout.ts'
import { readLibrary } from './library.ts'
import { redisOutbox } from './outbox.ts'
import { proveWrites } from './prove-write.ts'
import { verificationOf } from './records.ts'
import type { RedisChoice } from './redis-choice.ts'
import { mastersOf } from './report.ts'
import { takeSubmission } from './take-submission.ts'
import { redisUses } from './use.ts'
import { redisVerifications } from './verifications.ts'
import { createWaitingDispatches } from './waiting-dispatches.ts'
import { createWaitingEvents } from './waiting-events.ts'

export type RedisSettings = EngineOptions & {
  readonly redis: RedisChoice
  readonly postgres: PostgresSettings
}

const startWithinMsByDefault = 5_000

/**
 * Connects to both, brings the schema up to date and loads the functions.
 * @throws AppError `store.schema-newer`, `store.moved`, `store.unavailable`, `config.invalid` for a Redis that
 *   may drop records.
 */
export async function openRedisStore(settings: RedisSettings): Promise<Store> {
  const { redis, startWithinMs = startWithinMsByDefault, onAwaited } = settings
  await using opened = new AsyncDisposableStack()
  const { store: cold, history } = await openPostgres(settings.postgres)
  opened.use(cold)
  const client = createClient(redis, () => undefined)
  opened.defer(() => client.disconnect())
  await ready(client, redis, startWithinMs, onAwaited)
  await examine(client, redis)

  const layout = createLayout(redis.prefix, shardsOf(redis))
  const slots = await slotsOf(client, layout)
  const calls = createCalls(client, readLibrary(), layout, slots, redis.wait)
  await meet(calls, layout)
  const verifications = redisVerifications(calls, layout)
  const uses = redisUses(calls, layout)
  const waitingEvents = createWaitingEvents(calls, layout, history)
  const events = redisEvents(cold.events, waitingEvents)
  const waiting = createWaitingDispatches(calls, layout, history, waitingEvents)
  /** The use is told in PostgreSQL, after what came before it, and with the dispatch that brought the code. */
  const tellBefore = async (until: number, verification: string) => {
    await events.beforeOthers(until)
    if (events.haveReaders()) await waiting.moveOf(until, verification)
  }
  const both = bothOutboxes(
    { store: cold, history },
    events.beforeOthers,
    redisOutbox(calls, layout, redisClaims(calls, layout, history)),
    waiting,
    layout.shards,
  )
  const underWay = trackCalls(settings)
  const archive = createArchive(calls, layout, history, waiting, waitingEvents, underWay.untilOf)
  const erasure = redisErasure(client, calls, layout, history, redis.prefix, underWay.untilOf)
  let isClosed = false

  const verb =
    <Args extends readonly unknown[], Result>(
      name: string,
      act: (until: number, ...args: Args) => Promise<Result>,
    ) =>
    (...args: Args): Promise<Result> =>
      underWay.call(name, (until) => act(until, ...args))

  /** Engine time of the first master that answers, if PostgreSQL does too. */
  async function now(): Promise<number> {
    const [time] = await Promise.all([
      Promise.any(mastersOf(client).map((node) => node.time())).catch(unavailable),
      cold.now(),
    ])
    return Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000)
  }

  const read = verb('verifications.get', async (until, id: string) => {
    const record = await verifications.get(until, id)
    return record ? verificationOf(record) : cold.verifications.get(id)
  })
  const byId = actsById(calls, layout, read, cold.verifications.get)

  const archiving = archive.start()

  const closing = opened.move()
  const directory: Directory = {
    ...cold.directory,
    changeContact: verb('directory.changeContact', (until, change: ContactChange) =>
      changeContact(uses, verifications, history, tellBefore, until, change),
    ),
    undoContact: verb('directory.undoContact', (until, undo: ContactUndo) =>
      undoContact(uses, verifications, history, tellBefore, until, undo),
    ),
    stopRecovery: verb('directory.stopRecovery', (until, stop: RecoveryStop) =>
      stopRecovery(uses, history, tellBefore, until, stop),
    ),
    applyRecovery: verb('directory.applyRecovery', (until, apply: RecoveryApply) =>
      applyRecovery(uses, verifications, history, until, apply),
    ),
    setContact: verb('directory.setContact', (until, setting: ContactSetting) =>
      setContact(uses, verifications, history, until, setting),
    ),
    updateMember: verb('directory.updateMember', (until, update: MemberUpdate) =>
      updateMember(uses, verifications, history, until, update),
    ),
    deleteMembers: verb('directory.deleteMembers', (until, batch: MemberBatch) =>
      deleteMembers(uses, verifications, history, until, batch),
    ),
  }
  return {
    // An issue for an address is counted on its shard, then on those of its other limits.
    reservesOnTheWay: redis.kind === 'cluster',
    verifications: {
      issue: verb('verifications.issue', (until, request: IssueRequest) =>
        issue(calls, layout, read, events.areRead, until, request),
      ),
      takeSubmission: verb('verifications.takeSubmission', (until, request: SubmissionRequest) =>
        takeSubmission(calls, layout, verifications.get, read, cold.verifications.get, until, request),
      ),
      use: verb('verifications.use', uses.use),
      resend: verb('verifications.resend', byId.resend),
      cancel: verb('verifications.cancel', byId.cancel),
      solve: verb('verifications.solve', byId.solve),
      look: verb('verifications.look', verifications.look),
      get: read,
      find: verb('verifications.find', (until, query: Parameters<Store['verifications']['find']>[0]) =>
        findInBoth(
          query,
          async () => ({ found: await verifications.find(until, query.address), next: null }),
          () => cold.verifications.find(query),
        ),
      ),
      list: verb('verifications.list', (until, query: Parameters<Store['verifications']['list']>[0]) =>
        findInBoth(
          query,
          () => verifications.list(until, query),
          () => cold.verifications.list(query),
        ),
      ),
      hasten: verb('verifications.hasten', byId.hasten),
      countLive: verb('verifications.countLive', verifications.countLive),
    },
    outbox: {
      queue: cold.outbox.queue,
      claim: verb('outbox.claim', both.claim),
      settle: verb('outbox.settle', both.settle),
      begin: verb('outbox.begin', both.begin),
      postpone: verb('outbox.postpone', both.postpone),
      release: verb('outbox.release', both.release),
      depth: verb('outbox.depth', (until) => both.depth(until, now())),
    },
    dispatches: {
      receive: verb('dispatches.receive', both.receive),
      of: verb('dispatches.of', both.of),
      // The history counts, so all ended records must be there first.
      tally: verb('dispatches.tally', async (_until, cursor: string | number, untilMs: number) => {
        await archive.catchUp()
        return cold.dispatches.tally(cursor, untilMs)
      }),
    },
    // Limiters of passwords and nonces are in PostgreSQL like logins, because a failover must not forget them.
    limiters: cold.limiters,
    journal: cold.journal,
    audit: cold.audit,
    consumptions: cold.consumptions,
    events: {
      setReaders: events.setReaders,
      append: verb('events.append', events.append),
      read: verb('events.read', events.read),
      // Ids come from pages that were read before, so these events are in PostgreSQL.
      find: cold.events.find,
      heads: verb('events.heads', events.heads),
    },
    webhooks: {
      ...cold.webhooks,
      // What happened before is moved first, so that the endpoint begins after it.
      add: verb('webhooks.add', async (until, ...args: Parameters<Webhooks['add']>) => {
        await events.moved(until)
        return cold.webhooks.add(...args)
      }),
      change: verb('webhooks.change', async (until, ...args: Parameters<Webhooks['change']>) => {
        await events.moved(until)
        return cold.webhooks.change(...args)
      }),
    },
    directory,
    keys: cold.keys,
    now: verb('now', now),
    proveWrite: verb('proveWrite', async (until) => {
      const [parts] = await Promise.all([proveWrites(client, calls, layout, slots, until), cold.proveWrite()])
      return parts
    }),
    erasures: {
      ...cold.erasures,
      async erase(people) {
        await erasure.end(people)
        await archive.catchUp()
        await erasure.drop(people)
        await cold.erasures.erase(people)
      },
    },
    async sweep(retentionMs) {
      await archive.catchUp()
      await cold.sweep(retentionMs)
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return
      isClosed = true
      await underWay.drain()
      await archiving.stop()
      // The dispatches of this process are in the history before it ends, unless PostgreSQL or Redis is away.
      await waiting.move(underWay.untilOf(), both.allShards).catch(() => undefined)
      await closing.disposeAsync()
    },
  }
}
