/**
 * Fills a store with records in the shape in which the engine itself leaves them: one life of a code goes through
 * the contract, and its rows are copied under other ids, numbers and times. So no table is described here.
 */

import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import type { Store } from '../src/store/store.ts'
import { liveOnce } from './drive-store.ts'

/** Copies are of twenty days until yesterday. */
const dayMs = 86_400_000
const spanMs = 19 * dayMs
const ageMs = 20 * dayMs
const firstNumber = 13_000_000_000
const numbers = 999_000_000
/** Numbers above are times: of this century, in ms. */
const leastTimeMs = 1e12

/** Of the life that is copied. */
type Sample = Awaited<ReturnType<typeof liveOnce>> & {
  /** Of the oldest copy. */
  readonly fromMs: number
}

async function sampleOf(store: Store): Promise<Sample> {
  return { ...(await liveOnce(store)), fromMs: Date.now() - ageMs }
}

export async function fillSqlite(path: string, store: Store, count: number): Promise<void> {
  const sample = await sampleOf(store)
  using db = new DatabaseSync(path)
  db.exec('pragma synchronous = off; pragma cache_size = -400000; pragma busy_timeout = 10000')
  const tables = db
    .prepare(`select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'`)
    .all() as { name: string }[]
  for (const { name } of tables) copyRows(db, name, sample, count)
  db.exec('pragma wal_checkpoint(truncate)')
}

function copyRows(db: DatabaseSync, table: string, sample: Sample, count: number): void {
  const rows = (db.prepare(`select * from "${table}"`).all() as Record<string, SQLInputValue>[]).filter(
    (row) => isOfSample(Object.values(row), sample),
  )
  const keys = db.prepare('select name, type from pragma_table_info(?) where pk > 0').all(table) as {
    name: string
    type: string
  }[]
  const isNumbered = keys.length === 1 && keys[0]!.type.toUpperCase() === 'INTEGER'
  for (const row of rows) {
    // A row's number is the engine's to give.
    const columns = Object.keys(row).filter((name) => !(isNumbered && name === keys[0]!.name))
    const insert = db.prepare(
      `insert into "${table}" (${columns.map((name) => `"${name}"`).join(', ')})
       values (${columns.map(() => '?').join(', ')})`,
    )
    for (let i = 0; i < count; ) {
      db.exec('begin')
      for (const end = Math.min(count, i + 100_000); i < end; i++)
        insert.run(...columns.map((name) => copied(row[name]!, sample, i, count)))
      db.exec('commit')
    }
  }
}

function isOfSample(values: readonly unknown[], { id, messageId }: Sample): boolean {
  return values.some(
    (value) => typeof value === 'string' && (value.includes(id) || value.includes(messageId)),
  )
}

function copied(value: SQLInputValue, sample: Sample, i: number, count: number): SQLInputValue {
  const at = sample.fromMs + Math.floor((i / count) * spanMs)
  if (typeof value === 'number' && value > leastTimeMs) return at + (value - sample.at)
  if (typeof value !== 'string') return value
  const time = at.toString(16).padStart(12, '0')
  const middle = i.toString(16).padStart(32, '0')
  return value
    .replaceAll(sample.id, `${time}${middle}${sample.id.slice(44)}`)
    .replaceAll(sample.messageId, `${time}${middle.slice(12)}`)
    .replaceAll(sample.number, String(firstNumber + (i % numbers)))
    .replaceAll(sample.subject, (i % 1_000_000).toString(16).padStart(32, '0'))
}

type Query = (text: string) => Promise<Record<string, string | null>[]>

export async function fillPostgres(query: Query, store: Store, count: number): Promise<void> {
  const sample = await sampleOf(store)
  const tables = await query(`select tablename as name from pg_tables where schemaname = 'public'`)
  await Promise.all(tables.map(({ name }) => copyRowsOfPostgres(query, name!, sample, count)))
  await query('checkpoint')
}

async function copyRowsOfPostgres(query: Query, table: string, sample: Sample, count: number) {
  const rows = (await query(`select to_jsonb(t)::text as row from "${table}" t`)).map(
    ({ row }) => JSON.parse(row!) as Record<string, unknown>,
  )
  const ours = rows.filter((row) => isOfSample(Object.values(row), sample))
  if (ours.length === 0) return
  const types = await query(`
    select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
    where attrelid = '"${table}"'::regclass and attnum > 0 and not attisdropped
      and attidentity = '' and attgenerated = '' and not coalesce(
        (select pg_get_expr(adbin, adrelid) like 'nextval%' from pg_attrdef d
         where d.adrelid = attrelid and d.adnum = attnum), false)`)
  for (const row of ours) {
    const columns = types.map(({ name }) => `"${name}"`).join(', ')
    const values = types.map(({ name, type }) => `(${sqlOf(row[name!], sample)})::${type}`).join(', ')
    // Emptied in the same transaction, as filling is then kept out of the log; only for what has one row.
    const empties = rows.length === 1 ? `truncate "${table}";` : ''
    await query(`begin; ${empties}
      insert into "${table}" (${columns}) select ${values}
      from (select n, ${sample.fromMs} + (n * ${spanMs}::bigint / ${count}) as at
        from generate_series(1, ${count}::bigint) as n) as r; commit`)
  }
  await query(`vacuum analyze "${table}"`)
}

/** An expression of `n` and `at`. */
function sqlOf(value: unknown, sample: Sample): string {
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'number' && value > leastTimeMs) return `at + ${value - sample.at}`
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  const parts: [string, string][] = [
    [sample.id, `lpad(to_hex(at), 12, '0') || md5(n::text) || '${sample.id.slice(44)}'`],
    [sample.messageId, `lpad(to_hex(at), 12, '0') || substr(md5(n::text), 13)`],
    [sample.number, `(${firstNumber} + n % ${numbers})::text`],
    [sample.subject, 'md5((n % 1000000)::text)'],
  ]
  let rest = [text]
  for (const [found] of parts)
    rest = rest.flatMap((piece) =>
      parts.some(([whole]) => whole === piece)
        ? [piece]
        : piece.split(found).flatMap((between, i) => (i === 0 ? [between] : [found, between])),
    )
  const known = new Map(parts)
  const pieces = rest.filter((piece) => piece !== '')
  if (pieces.length === 0) return `''`
  return pieces.map((piece) => known.get(piece) ?? `'${piece.replaceAll("'", "''")}'`).join(' || ')
}
