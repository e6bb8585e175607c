/** What stored verifications cost: an engine with many of them against one with few, in one run and by turns. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openPostgresStore } from '../src/store/postgres/postgres-store.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import type { Store } from '../src/store/store.ts'
import { startPostgres } from '../test/postgres.ts'
import { driveStore, issueMany } from './drive-store.ts'
import { type MeasuredRedis, pidOf } from './engines.ts'
import { median } from './figures.ts'
import { fillPostgres, fillSqlite } from './fill.ts'
import { patientMs } from './installations.ts'
import { familyCpuMs } from './process.ts'

export type StoredCost = {
  readonly fillMs: number
  readonly few: number
  readonly many: number
  /** Whole lives of a code a second, issued, settled, submitted and used, over both: the many against the few. */
  readonly ratios: readonly number[]
  readonly perSecondFew: number
  readonly perSecondMany: number
  readonly gibibytes: number
  /** Of the engine's processes, µs a life; null where it is none of its own. */
  readonly engineUsFew: number | null
  readonly engineUsMany: number | null
}

type Turns = { readonly rounds: number; readonly seconds: number }

async function byTurns(few: Store, many: Store, { rounds, seconds }: Turns, cpuMs?: () => number) {
  const counts = { few: [] as number[], many: [] as number[] }
  const spent = { few: [] as number[], many: [] as number[] }
  for (const store of [few, many]) await driveStore(store, 1)
  for (let round = 0; round < rounds; round++) {
    // Who is first takes turns too: the second finds the disk as the first has left it.
    const order = round % 2 === 0 ? (['few', 'many'] as const) : (['many', 'few'] as const)
    for (const side of order) {
      const before = cpuMs?.() ?? 0
      const perSecond = await driveStore(side === 'few' ? few : many, seconds)
      counts[side].push(perSecond)
      if (cpuMs) spent[side].push(((cpuMs() - before) * 1000) / (perSecond * seconds))
    }
  }
  return {
    ratios: counts.many.map((count, i) => count / counts.few[i]!),
    perSecondFew: median(counts.few),
    perSecondMany: median(counts.many),
    engineUsFew: cpuMs ? median(spent.few) : null,
    engineUsMany: cpuMs ? median(spent.many) : null,
  }
}

export async function storedInPostgres(few: number, many: number, turns: Turns): Promise<StoredCost> {
  await using stack = new AsyncDisposableStack()
  // `minimal` keeps the filling out of the log, as its tables are emptied in the same transaction.
  const settings = { wal_level: 'minimal', max_wal_senders: 0, max_wal_size: '8GB', shared_buffers: '2GB' }
  const postgres = stack.use(await startPostgres(settings))
  const open = async (database: string) =>
    stack.use(
      await openPostgresStore({
        client: postgres.client(database),
        poolSize: 6,
        deadlineMs: patientMs,
      }),
    )
  const [small, large] = [await postgres.newDatabase(), await postgres.newDatabase()]
  const stores = [await open(small), await open(large)] as const
  const startedAt = performance.now()
  for (const [i, [database, count]] of [[small, few] as const, [large, many] as const].entries())
    await fillPostgres((text) => postgres.query(text, database), stores[i]!, count)
  const fillMs = performance.now() - startedAt
  const pid = await pidOf(postgres)
  const figures = await byTurns(...stores, turns, () => familyCpuMs(pid))
  const [size] = await postgres.query('select pg_database_size(current_database()) as bytes', large)
  return { fillMs, few, many, ...figures, gibibytes: Number(size!.bytes) / 2 ** 30 }
}

export async function storedInSqlite(
  folder: string,
  few: number,
  many: number,
  turns: Turns,
): Promise<StoredCost> {
  await using stack = new AsyncDisposableStack()
  const open = async (name: string, count: number) => {
    const path = join(folder, name)
    const store = stack.use(await openSqliteStore({ path, deadlineMs: patientMs }))
    await fillSqlite(path, store, count)
    return store
  }
  const startedAt = performance.now()
  const stores = [await open('few.db', few), await open('many.db', many)] as const
  const fillMs = performance.now() - startedAt
  const figures = await byTurns(...stores, turns)
  using db = new DatabaseSync(join(folder, 'many.db'), { readOnly: true })
  const { bytes } = db
    .prepare('select page_count * page_size as bytes from pragma_page_count, pragma_page_size')
    .get() as { bytes: number }
  return { fillMs, few, many, ...figures, gibibytes: bytes / 2 ** 30 }
}

export type LiveCost = {
  /** Of memory, for each record that is alive. */
  readonly bytesEach: number
  readonly few: number
  readonly many: number
  readonly withFew: Lives
  readonly withMany: Lives
}

type Lives = { readonly perSecond: number; readonly redisUs: number }

/** Live records, as only those stay in memory: few, then many on top of them. */
export async function liveInRedis(
  store: Store,
  redis: MeasuredRedis,
  few: number,
  many: number,
  { rounds, seconds }: Turns,
): Promise<LiveCost> {
  const lives = async () => {
    const [all, spent] = [[] as number[], [] as number[]]
    for (let round = 0; round < rounds; round++) {
      const before = redis.cpuMs()
      const perSecond = await driveStore(store, seconds)
      all.push(perSecond)
      spent.push(((redis.cpuMs() - before) * 1000) / (perSecond * seconds))
    }
    return { perSecond: median(all), redisUs: median(spent) }
  }
  await issueMany(store, few, longestLifeMs)
  await lives()
  const withFew = await lives()
  const before = await redis.usedMemory()
  await issueMany(store, many, longestLifeMs)
  const bytesEach = ((await redis.usedMemory()) - before) / many
  return { bytesEach, few, many, withFew, withMany: await lives() }
}

/** As long as a code may live, so that all are alive together. */
const longestLifeMs = 600_000
