/** PostgreSQL as a Store for any number of processes: each call within its deadline, the calls of a turn in one commit. */

import { setTimeout as pause } from 'node:timers/promises'
import type { ClientConfig } from 'pg'
import { AppError } from '../../errors.ts'
import { randomHex } from '../../random.ts'
import { type AuditHeadRow, type AuditRow, auditEntryOf, auditHeadOf } from '../audit-rows.ts'
import { searchRows } from '../bounds.ts'
import { trackCalls } from '../calls.ts'
import type { EngineOptions } from '../engine-options.ts'
import { eraseAll } from '../erasure.ts'
import type { EventQuery } from '../events.ts'
import type { History } from '../history.ts'
import { idAt, stateNumber } from '../numbering.ts'
import type { Store } from '../store.ts'
import { inPieces } from '../sweep.ts'
import type { Verb } from '../unit-of-work.ts'
import { verbs } from '../verbs/verbs.ts'
import type { FoundVerifications } from '../verifications.ts'
import { auditHead, auditPage } from './audit.ts'
import { type BatchedVerb, createBatches } from './batches.ts'
import { openConnection, type PostgresConnection, PostgresError, unreachable } from './connection.ts'
import { postgresConsumptions } from './consumptions.ts'
import { postgresDirectory } from './directory.ts'
import { dispatchesOf, tally } from './dispatches.ts'
import { areErasuresLeft, claimErasures, erasePiece, renewErasures } from './erasure.ts'
import { eventHeads, findEvents, hasForeignEvents, orderAnew, readEvents } from './events.ts'
import { postgresHistory } from './history.ts'
import { journalEntryOf, readJournal, readJournalOfAddress } from './journal.ts'
import { postgresKeys } from './keys.ts'
import { listUnlisted } from './listings.ts'
import { migrate, refuseIfMoved } from './migrations.ts'
import { claim, depth, release } from './outbox.ts'
import { createPool } from './pool.ts'
import { type VerificationRow, verificationOf } from './rows.ts'
import { bind, engineTime, sql } from './statement.ts'
import { postgresSweeper } from './sweeper.ts'
import { createTransactions } from './transaction.ts'
import { decoyPrefix } from './verification-rows.ts'
import { postgresWebhooks } from './webhooks.ts'

export type PostgresSettings = EngineOptions & {
  readonly client: ClientConfig
  /** The most connections of this process. */
  readonly poolSize: number
}

export type PostgresEngine = { readonly store: Store; readonly history: History }

/** The most batches under way at once; see docs/decisions/0007. */
const lanes = 2
/** A start may wait longer than a call, for a server that starts at the same time. */
const startWithinMsByDefault = 5_000
const maxTryMs = 5_000
const betweenTriesMs = 250
/** For the events of 30 days. */
const orderMs = 600_000
/** cannot_connect_now, too_many_connections: a server that is starting, or that will soon have a free connection. */
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

const listed = sql(`
  select to_json(v) from verification v
  where v.id < $1 and v.id >= $2 and v.app = $3 and v.details is not null
    and ($4::text is null or v.member = $4::text) and ($5::text is null or v.address = $5::text)
  order by v.id desc limit $6::integer`)

/**
 * Connects, and brings the schema up to date.
 * @throws AppError `store.schema-newer`, `store.schema-older`, `store.moved`, `store.unavailable`.
 */
export async function openPostgresStore(settings: PostgresSettings): Promise<Store> {
  return (await openPostgres(settings)).store
}

/** Opens it with the history for a faster store. */
export async function openPostgres(settings: PostgresSettings): Promise<PostgresEngine> {
  const { client } = settings
  const first = await firstConnection(settings)
  try {
    await migrate(first, settings)
    await refuseIfMoved(first)
    if (settings.migrates !== false) {
      await orderRestored(first)
      await listUnlisted(first)
    }
  } catch (error) {
    throw error instanceof AppError ? error : unreachable(client, error)
  } finally {
    await first.close()
  }

  const pool = createPool({ client, size: settings.poolSize })
  const transactions = createTransactions(pool)
  const self = randomHex(16)
  const batches = createBatches(transactions, lanes, self)
  const underWay = trackCalls(settings)
  const { untilOf } = underWay
  /** A row of this process that the same commit removes, so that no process waits for another or leaves anything behind. */
  const proofName = `write-proof ${self}`
  const sweepPiece = postgresSweeper(transactions, untilOf, self)

  /** A verb that shares its transaction with the other calls of its turn. */
  const batched =
    <Args extends readonly unknown[], Result>(name: string, verb: Verb<Args, Result>) =>
    (...args: Args): Promise<Result> =>
      underWay.begin<Result>(name, (id, until) =>
        batches.add({
          // A batch holds verbs of all kinds; each is called with the arguments that stand beside it.
          verb: verb as unknown as BatchedVerb,
          args,
          until,
          resolve: (value) => underWay.settle(id, value),
          reject: (error) => underWay.fail(id, error),
        }),
      )

  /** An act with a transaction of its own. */
  const apart =
    <Args extends readonly unknown[], Result>(
      name: string,
      act: (until: number, ...args: Args) => Promise<Result>,
    ) =>
    (...args: Args): Promise<Result> =>
      underWay.call(name, (until) => act(until, ...args))

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

  /** Verbs that set their own deadlines, counted and measured by their names. */
  const timed = <T extends object>(part: string, verbs: T): T =>
    Object.fromEntries(
      Object.entries(verbs).map(([name, verb]) => [
        name,
        (...args: never[]) =>
          underWay.call(`${part}.${name}`, () => (verb as (...args: never[]) => Promise<unknown>)(...args)),
      ]),
    ) as T

  async function list(
    until: number,
    query: Parameters<Store['verifications']['list']>[0],
  ): Promise<FoundVerifications> {
    const { app, subject = null, address = null, max } = query
    const from = idAt(query.sinceMs)
    const before = query.before ?? afterAllIds
    const end = (await transactions.read(until, bind(endOfSearch, before, from)))[0]![0] as string | undefined
    const [rows] = await transactions.read(
      until,
      bind(listed, before, end ?? from, app, subject, address, max),
    )
    const found = (rows as VerificationRow[]).map(verificationOf)
    return { found, next: found.length === max ? found.at(-1)!.id : (end ?? null) }
  }

  const directory = postgresDirectory(transactions, untilOf)
  const history = postgresHistory(transactions, underWay.call)
  let isClosed = false
  const store: Store = {
    reservesOnTheWay: false,
    verifications: {
      issue: batched('verifications.issue', verbs['verifications.issue']),
      takeSubmission: batched('verifications.takeSubmission', verbs['verifications.takeSubmission']),
      use: batched('verifications.use', verbs['verifications.use']),
      resend: batched('verifications.resend', verbs['verifications.resend']),
      hasten: batched('verifications.hasten', verbs['verifications.hasten']),
      cancel: batched('verifications.cancel', verbs['verifications.cancel']),
      solve: batched('verifications.solve', verbs['verifications.solve']),
      look: batched('verifications.look', verbs['verifications.look']),
      get: apart('verifications.get', async (until, id: string) => {
        if (id.startsWith(decoyPrefix)) return undefined
        const row = (await transactions.read(until, bind(selectVerification, id)))[0]![0]
        return row === undefined ? undefined : verificationOf(row as VerificationRow)
      }),
      find: apart('verifications.find', find),
      list: apart('verifications.list', list),
      countLive: apart(
        'verifications.countLive',
        async (until) => (await transactions.read(until, bind(countLive)))[0]![0] as number,
      ),
    },
    outbox: {
      queue: batched('outbox.queue', verbs['outbox.queue']),
      settle: batched('outbox.settle', verbs['outbox.settle']),
      begin: batched('outbox.begin', verbs['outbox.begin']),
      postpone: batched('outbox.postpone', verbs['outbox.postpone']),
      claim: apart('outbox.claim', (until, most: number, lease: { owner: string; ms: number }) =>
        claim(transactions, until, most, lease),
      ),
      release: apart('outbox.release', (until, owner: string) => release(transactions, until, owner)),
      depth: apart('outbox.depth', (until) => depth(transactions, until)),
    },
    dispatches: {
      receive: async (receipts) => (await history.receive(untilOf(), receipts)).results,
      of: apart('dispatches.of', (until, verification: string) =>
        dispatchesOf(transactions, until, verification),
      ),
      tally: apart('dispatches.tally', (until, cursor: string | number, untilMs: number) =>
        tally(transactions, until, cursor, untilMs),
      ),
    },
    limiters: {
      acquire: batched('limiters.acquire', verbs['limiters.acquire']),
      refund: batched('limiters.refund', verbs['limiters.refund']),
      reserve: batched('limiters.reserve', verbs['limiters.reserve']),
      settle: batched('limiters.settle', verbs['limiters.settle']),
      isHeld: batched('limiters.isHeld', verbs['limiters.isHeld']),
    },
    journal: {
      append: batched('journal.append', verbs['journal.append']),
      read: apart('journal.read', async (until, query: Parameters<Store['journal']['read']>[0]) =>
        (await transactions.read(until, readJournal(query)))[0]!.map(journalEntryOf),
      ),
      ofAddress: apart(
        'journal.ofAddress',
        async (until, query: Parameters<Store['journal']['ofAddress']>[0]) =>
          (await transactions.read(until, readJournalOfAddress(query)))[0]!.map(journalEntryOf),
      ),
    },
    audit: {
      append: batched('audit.append', verbs['audit.append']),
      read: apart('audit.read', async (until, page: { after: number; most: number }) =>
        (await transactions.read(until, auditPage(page)))[0]!.map((row) => auditEntryOf(row as AuditRow)),
      ),
      head: apart('audit.head', async (until) => {
        const row = (await transactions.read(until, auditHead()))[0]![0] as AuditHeadRow | undefined
        return row && auditHeadOf(row)
      }),
    },
    directory: timed('directory', directory),
    webhooks: timed('webhooks', postgresWebhooks(transactions, untilOf)),
    keys: timed('keys', postgresKeys(transactions, untilOf)),
    consumptions: timed('consumptions', postgresConsumptions(transactions, untilOf)),
    events: {
      setReaders: async (apps) => transactions.setReaders(apps),
      append: batched('events.append', verbs['events.append']),
      read: apart('events.read', (until, query: EventQuery) => readEvents(transactions, until, query)),
      find: apart('events.find', (until, app: string, ids: readonly string[]) =>
        findEvents(transactions, until, app, ids),
      ),
      heads: apart('events.heads', (until, apps: readonly string[]) => eventHeads(transactions, until, apps)),
    },
    now: () => underWay.call('now', now),
    proveWrite: () => underWay.call('proveWrite', proveWrite),
    erasures: {
      claim: apart('erasures.claim', (until, most: number, leaseMs: number) =>
        claimErasures(transactions, until, most, leaseMs),
      ),
      renew: apart('erasures.renew', (until, members: readonly string[], leaseMs: number) =>
        renewErasures(transactions, until, members, leaseMs),
      ),
      areLeft: apart('erasures.areLeft', (until, members: readonly string[]) =>
        areErasuresLeft(transactions, until, members),
      ),
      erase: (people) =>
        eraseAll(
          (place) =>
            underWay.call('erasures.erase', (until) => erasePiece(transactions, until, people, place)),
          async () => undefined,
        ),
    },
    sweep: inPieces((retentionMs) => underWay.call('sweep', () => sweepPiece(retentionMs))),
    async [Symbol.asyncDispose]() {
      if (isClosed) return
      isClosed = true
      await underWay.drain()
      await batches.ended()
      await pool.close()
    },
  }
  return { store, history }
}

/** Events of a restored backup are read in their order, also if this server counts fewer transactions than the one before. */
async function orderRestored(connection: PostgresConnection): Promise<void> {
  const until = performance.now() + orderMs
  const [[isForeign]] = (await connection.run([bind(hasForeignEvents)], until)) as [[boolean]]
  if (isForeign) await connection.run([bind(orderAnew)], until)
}

/** @throws AppError `store.unavailable` if the server does not answer in time, or refuses. */
async function firstConnection(settings: PostgresSettings): Promise<PostgresConnection> {
  const { client, startWithinMs = startWithinMsByDefault, onAwaited } = settings
  const until = performance.now() + startWithinMs
  for (let isFirst = true; ; isFirst = false) {
    try {
      // Always the whole time: what ends a try that is cut short shows nothing of the server.
      return await openConnection(client, false, maxTryMs, () => undefined)
    } catch (error) {
      const isAway = error instanceof PostgresError && awayStates.includes(error.sqlState)
      if (!isAway || performance.now() + betweenTriesMs >= until) throw unreachable(client, error)
      if (isFirst) onAwaited?.(unreachable(client, error).message)
      await pause(betweenTriesMs)
    }
  }
}
