/** PostgreSQL as a Store, for any number of processes: each call within its deadline, those of a turn in one commit. */

import { setTimeout as pause } from 'node:timers/promises'
import type { ClientConfig } from 'pg'
import { dueBy } from '../../deadline.ts'
import { AppError } from '../../errors.ts'
import { randomHex } from '../../random.ts'
import { mostPending, searchRows } from '../bounds.ts'
import type { History } from '../history.ts'
import { idAt, stateNumber } from '../numbering.ts'
import type { SchemaOptions } from '../schema.ts'
import type { Store } from '../store.ts'
import { verbs } from '../verbs/verbs.ts'
import type { FoundVerifications } from '../verifications.ts'
import { type BatchedVerb, createBatches } from './batches.ts'
import { openConnection, type PostgresConnection, PostgresError, unreachable } from './connection.ts'
import { postgresDirectory } from './directory.ts'
import { dispatchesOf, tally } from './dispatches.ts'
import { postgresHistory } from './history.ts'
import { journalEntryOf, readJournal, readJournalOfAddress } from './journal.ts'
import { migrate, refuseIfMoved } from './migrations.ts'
import { claim, depth, release } from './outbox.ts'
import { outboxVerbs } from './outbox-verbs.ts'
import { createPool } from './pool.ts'
import { type VerificationRow, verificationOf } from './rows.ts'
import { bind, engineTime, sql } from './statement.ts'
import { postgresSweeper } from './sweeper.ts'
import { createTransactions, unavailable } from './transaction.ts'
import { decoyPrefix } from './verification-rows.ts'

export type PostgresSettings = SchemaOptions & {
  /** How long a server that is not there yet is waited for. Default 5 s. */
  readonly startWithinMs?: number
  readonly onAwaited?: (reason: string) => void
  readonly client: ClientConfig
  /** The most connections of this process. */
  readonly poolSize: number
  /** After so long a call is refused with `store.unavailable`. Default 800. */
  readonly deadlineMs?: number
  /** Told of each call that was answered: its verb and the ms from call to durable answer. */
  readonly onAnswered?: (verb: string, tookMs: number) => void
}

export type PostgresEngine = { readonly store: Store; readonly history: History }

/** Batches under way at once; see docs/decisions/0007. */
const lanes = 2
const checkDeadlinesMs = 25
const sweepPauseMs = 20
/** A start may wait longer than a call: for a server that starts at the same time. */
const startWithinMsByDefault = 5_000
const longestTryMs = 5_000
const betweenTriesMs = 250
/** cannot_connect_now, too_many_connections: a server that starts, or is about to have room. */
const awayStates: readonly string[] = ['', '57P03', '53300']

const afterAllIds = 'g'
const selectTime = sql(`select to_json(${engineTime})`)
const putProof = sql("insert into meta values ($1, '')")
const dropProof = sql('delete from meta where name = $1')
const selectVerification = sql('select to_json(v) from verification v where v.id = $1')
const countLive = sql(`select to_json(count(*)) from verification where state = ${stateNumber.live}`)
const endOfSearch = sql(`
  select to_json(id) from verification where id < $1 and id >= $2
  order by id desc limit 1 offset ${searchRows - 1}`)
const searched = sql(`
  select to_json(v) from verification v where v.id < $1 and v.id >= $2 and v.address = $3 order by v.id desc`)

/**
 * Connects, and brings the schema up to date.
 * @throws AppError `store.schema-newer`, `store.schema-older`, `store.moved`, `store.unavailable`.
 */
export async function openPostgresStore(settings: PostgresSettings): Promise<Store> {
  return (await openPostgres(settings)).store
}

/** The same with the history that a faster store keeps in it. */
export async function openPostgres(settings: PostgresSettings): Promise<PostgresEngine> {
  const { client, deadlineMs = 800, onAnswered } = settings
  const first = await firstConnection(settings)
  try {
    await migrate(first, settings)
    await refuseIfMoved(first)
  } catch (error) {
    throw error instanceof AppError ? error : unreachable(client, error)
  } finally {
    await first.close()
  }

  const pool = createPool({ client, size: settings.poolSize })
  const transactions = createTransactions(pool)
  const self = randomHex(16)
  const batches = createBatches(transactions, lanes, self)
  const untilOf = () => dueBy(performance.now() + deadlineMs)
  /** A row of its own that is gone with the same commit: no process waits for another, or leaves anything. */
  const proofName = `write-proof ${self}`
  const sweepPiece = postgresSweeper(transactions, untilOf, self)
  let pending = 0
  let isClosed = false
  let onSettled: (() => void) | undefined

  /** One verb: refused at once if it cannot be served, told with `store.unavailable` if it fails. */
  async function call<T>(verb: string, act: (until: number) => Promise<T>, until = untilOf()): Promise<T> {
    if (isClosed) throw new AppError('store.unavailable', 'the store is closed')
    if (pending >= mostPending) throw new AppError('store.unavailable', 'too many calls under way')
    pending++
    const startedAt = performance.now()
    try {
      return await act(until)
    } catch (error) {
      throw unavailable(error)
    } finally {
      pending--
      onAnswered?.(verb, performance.now() - startedAt)
      if (pending === 0) onSettled?.()
    }
  }

  /** Calls of batches that are not answered yet. */
  const awaited = new Map<number, { readonly until: number; refuse(): void }>()
  let lastCall = 0
  const deadlines = setInterval(() => {
    const time = performance.now()
    for (const [id, one] of awaited) {
      if (one.until > time) continue
      awaited.delete(id)
      one.refuse()
    }
  }, checkDeadlinesMs)
  deadlines.unref()

  function hot<Args extends readonly unknown[], Result>(
    name: string,
    verb: {
      needs(needs: never, ...args: Args): void
      decide(unit: never, ...args: Args): Result
    },
  ) {
    return (...args: Args): Promise<Result> =>
      call(
        name,
        (until) =>
          new Promise<Result>((resolve, reject) => {
            const id = ++lastCall
            awaited.set(id, {
              until,
              refuse: () => reject(new AppError('store.unavailable', `no answer within ${deadlineMs} ms`)),
            })
            batches.add({
              verb: verb as unknown as BatchedVerb,
              args,
              until,
              resolve(value) {
                awaited.delete(id)
                resolve(value as Result)
              },
              reject(error) {
                awaited.delete(id)
                reject(error)
              },
            })
          }),
      )
  }

  const cold =
    <Args extends readonly unknown[], Result>(
      name: string,
      act: (until: number, ...args: Args) => Promise<Result>,
    ) =>
    (...args: Args): Promise<Result> =>
      call(name, (until) => act(until, ...args))

  async function now(until: number): Promise<number> {
    return (await transactions.read(until, bind(selectTime)))[0]![0] as number
  }

  async function proveWrite(until: number): Promise<readonly string[]> {
    await transactions.write(until, bind(putProof, proofName), bind(dropProof, proofName))
    return []
  }

  async function find(
    until: number,
    query: { address: string; sinceMs: number; before?: string },
  ): Promise<FoundVerifications> {
    const from = idAt(query.sinceMs)
    const before = query.before ?? afterAllIds
    const end = (await transactions.read(until, bind(endOfSearch, before, from)))[0]![0] as string | undefined
    const [rows] = await transactions.read(until, bind(searched, before, end ?? from, query.address))
    return { found: (rows as VerificationRow[]).map(verificationOf), next: end ?? null }
  }

  const directory = postgresDirectory(transactions, untilOf)
  const history = postgresHistory(transactions, call)
  let sweeping: Promise<void> | undefined
  async function sweepAll(retentionMs: number): Promise<void> {
    while (await call('sweep', () => sweepPiece(retentionMs)))
      await pause(sweepPauseMs, undefined, { ref: false })
  }

  const store: Store = {
    reservesOnTheWay: false,
    verifications: {
      issue: hot('verifications.issue', verbs['verifications.issue']),
      takeSubmission: hot('verifications.takeSubmission', verbs['verifications.takeSubmission']),
      use: hot('verifications.use', verbs['verifications.use']),
      get: cold('verifications.get', async (until, id: string) => {
        if (id.startsWith(decoyPrefix)) return undefined
        const row = (await transactions.read(until, bind(selectVerification, id)))[0]![0]
        return row === undefined ? undefined : verificationOf(row as VerificationRow)
      }),
      find: cold('verifications.find', find),
      countLive: cold(
        'verifications.countLive',
        async (until) => (await transactions.read(until, bind(countLive)))[0]![0] as number,
      ),
    },
    outbox: {
      queue: hot('outbox.queue', outboxVerbs['outbox.queue']),
      settle: hot('outbox.settle', outboxVerbs['outbox.settle']),
      begin: hot('outbox.begin', outboxVerbs['outbox.begin']),
      postpone: hot('outbox.postpone', outboxVerbs['outbox.postpone']),
      claim: cold('outbox.claim', (until, most: number, lease: { owner: string; ms: number }) =>
        claim(transactions, until, most, lease),
      ),
      release: cold('outbox.release', (until, owner: string) => release(transactions, until, owner)),
      depth: cold('outbox.depth', (until) => depth(transactions, until)),
    },
    dispatches: {
      receive: async (receipts) => (await history.receive(untilOf(), receipts)).results,
      of: cold('dispatches.of', (until, verification: string) =>
        dispatchesOf(transactions, until, verification),
      ),
      tally: cold('dispatches.tally', (until, cursor: string | number, untilMs: number) =>
        tally(transactions, until, cursor, untilMs),
      ),
    },
    limiters: {
      acquire: hot('limiters.acquire', verbs['limiters.acquire']),
      refund: hot('limiters.refund', verbs['limiters.refund']),
      reserve: hot('limiters.reserve', verbs['limiters.reserve']),
      settle: hot('limiters.settle', verbs['limiters.settle']),
      isHeld: hot('limiters.isHeld', verbs['limiters.isHeld']),
    },
    journal: {
      append: hot('journal.append', verbs['journal.append']),
      read: cold('journal.read', async (until, query: Parameters<Store['journal']['read']>[0]) =>
        (await transactions.read(until, readJournal(query)))[0]!.map(journalEntryOf),
      ),
      ofAddress: cold(
        'journal.ofAddress',
        async (until, query: Parameters<Store['journal']['ofAddress']>[0]) =>
          (await transactions.read(until, readJournalOfAddress(query)))[0]!.map(journalEntryOf),
      ),
    },
    directory: Object.fromEntries(
      Object.entries(directory).map(([name, verb]) => [
        name,
        (...args: never[]) =>
          call(`directory.${name}`, () => (verb as (...args: never[]) => Promise<unknown>)(...args)),
      ]),
    ) as unknown as Store['directory'],
    now: () => call('now', now),
    proveWrite: () => call('proveWrite', proveWrite),
    sweep(retentionMs) {
      sweeping ??= sweepAll(retentionMs).finally(() => {
        sweeping = undefined
      })
      return sweeping
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return
      isClosed = true
      // What was asked is answered, at the latest by its deadline.
      if (pending > 0)
        await new Promise<void>((resolve) => {
          onSettled = resolve
        })
      await batches.ended()
      clearInterval(deadlines)
      await pool.close()
    },
  }
  return { store, history }
}

/** @throws AppError `store.unavailable` if the server is not there in time, or says no. */
async function firstConnection(settings: PostgresSettings): Promise<PostgresConnection> {
  const { client, startWithinMs = startWithinMsByDefault, onAwaited } = settings
  const until = performance.now() + startWithinMs
  for (let isFirst = true; ; isFirst = false) {
    const leftMs = until - performance.now()
    try {
      return await openConnection(client, false, Math.max(1, Math.min(longestTryMs, leftMs)), () => undefined)
    } catch (error) {
      const isAway = error instanceof PostgresError && awayStates.includes(error.sqlState)
      if (!isAway || leftMs < betweenTriesMs) throw unreachable(client, error)
      if (isFirst) onAwaited?.(unreachable(client, error).message)
      await pause(betweenTriesMs)
    }
  }
}
