/** personal-data.md says of every column and key what it holds of people, and no new one is without an entry. */

import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { createLayout } from '../src/store/redis/layout.ts'
import { dropStore, engine, openStoreOf, queryOf } from './engine.ts'
import { temporaryFolder } from './server.ts'

const page = readFileSync(join(import.meta.dirname, '../docs/personal-data.md'), 'utf8')
const rowsUnder = (heading: string) =>
  page
    .split(`\n## ${heading}\n`)[1]!
    .split('\n## ')[0]!
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
const namesIn = (cell: string | undefined) =>
  [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name!)

test('A-7: every column of the database is said to be of a person or of nobody, and when it goes', async (t) => {
  const folder = temporaryFolder()
  t.after(async () => {
    await dropStore(folder)
    rmSync(folder, { recursive: true })
  })
  await (await openStoreOf(folder))[Symbol.asyncDispose]()
  const told = new Set<string>()
  for (const [, table, ofPerson, ofNobody, until, erased] of rowsUnder('Tables')) {
    const name = namesIn(table)[0]!
    const people = namesIn(ofPerson)
    if (people.length > 0) assert.ok(until && erased && erased !== '–', `${name}: when, and by which act`)
    for (const column of [...people, ...namesIn(ofNobody)]) {
      assert.ok(!told.has(`${name}.${column}`), `${name}.${column} is there once`)
      told.add(`${name}.${column}`)
    }
  }
  const columns = await columnsOf(folder)
  assert.deepEqual(
    columns.filter((one) => !told.has(one)),
    [],
    'columns without an entry in docs/personal-data.md',
  )
  for (const one of columns) told.delete(one)
  /** What only the other engine has. */
  const others = engine === 'sqlite' ? /^proof\./ : /^(limiter_log|dispatch)\./
  assert.deepEqual(
    [...told].filter((one) => !others.test(one)),
    [],
    'entries without a column',
  )
})

test('A-7: every kind of key in Redis has an entry', () => {
  const layout = createLayout('p', 1)
  const told = new Set(rowsUnder('Keys in Redis').flatMap(([, keys]) => namesIn(keys)))
  const kinds = [
    ...Object.values(layout.of[0]!),
    layout.archiver,
    ...[layout.limiter('iu:t:m'), layout.member('t', 'm'), layout.proofs('t', 'm')].map(({ key }) => key),
    ...[layout.repeat(0, 'f'), layout.asked(0, 'a'), layout.once(0, 'k'), layout.onceClaim('k')],
  ].map((key) => /^p:\{0\}:([\w-]+:?)/.exec(key)![1]!)
  assert.deepEqual(
    kinds.filter((kind) => !told.has(kind)),
    [],
  )
})

async function columnsOf(folder: string): Promise<readonly string[]> {
  if (engine !== 'sqlite')
    return queryOf(
      folder,
      `select table_name || '.' || column_name as name from information_schema.columns where table_schema = 'public'`,
    )
  using db = new DatabaseSync(join(folder, 'countersign.db'))
  return db
    .prepare(
      `select t.name || '.' || c.name as name from sqlite_schema t, pragma_table_info(t.name) c
       where t.type in ('table', 'view') and t.name not like 'sqlite_%'`,
    )
    .all()
    .map(({ name }) => String(name))
}
