/** All that a thief of a store would read, whatever the engine keeps it in. */

import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { databaseOf, engine, postgres, servers } from './engine.ts'
import { redisDump } from './redis-dump.ts'

export type Dump = {
  /** All that the engine keeps, as it keeps it. */
  readonly everything: string
  /** The rows of all tables but those that hold addresses, which are theirs to hold. */
  readonly aside: string
}

const mayHoldAddresses = ['member', 'member_listing', 'verification', 'outbox']

/** To be called when its server has ended. */
export async function dump(dataFolder: string): Promise<Dump> {
  if (engine === 'sqlite') {
    const files = readdirSync(dataFolder).filter((file) => file.startsWith('countersign.db'))
    const everything = files.map((file) => readFileSync(join(dataFolder, file), 'latin1')).join('')
    const db = new DatabaseSync(join(dataFolder, 'countersign.db'))
    const aside = db
      .prepare("select name from sqlite_schema where type = 'table'")
      .all()
      .filter(({ name }) => !mayHoldAddresses.includes(String(name)))
      .flatMap(({ name }) => db.prepare(`select * from ${name}`).all())
      .map((row) => JSON.stringify(row))
      .join('\n')
    db.close()
    return { everything, aside }
  }
  const database = await databaseOf(dataFolder)
  const except = mayHoldAddresses.map((table) => `--exclude-table=${table}*`)
  const [all, aside] = await Promise.all([pgDump(database), pgDump(database, '--data-only', ...except)])
  // Bytes are dumped in hexadecimal, where nothing would be found.
  const bytes = all
    .matchAll(/\\\\x([0-9a-f]+)/g)
    .map(([, hex]) => Buffer.from(hex!, 'hex').toString('latin1'))
  // Other tests of the run share the Redis, under other prefixes.
  const hot = servers.redis
    ? (await redisDump(servers.redis.masterPorts, servers.redis.password))
        .split('\n')
        .filter((line) => line.startsWith(`["${database}:`))
        .join('\n')
    : ''
  return { everything: [all, ...bytes, hot].join('\n'), aside }
}

/** All rows but those of the audit, in which the ids of members stay: it names nobody. */
export async function rowsWithoutAudit(dataFolder: string): Promise<string> {
  if (engine !== 'sqlite')
    return (await dump(dataFolder)).everything.replace(/\nCOPY public\.audit \([\s\S]*?\n\\\.\n/, '\n')
  using db = new DatabaseSync(join(dataFolder, 'countersign.db'))
  return db
    .prepare("select name from sqlite_schema where type = 'table' and name <> 'audit'")
    .all()
    .flatMap(({ name }) => db.prepare(`select * from ${name}`).all())
    .map((row) => JSON.stringify(row))
    .join('\n')
}

async function pgDump(database: string, ...args: readonly string[]): Promise<string> {
  const { port, admin, password, programs } = postgres()
  const { stdout } = await promisify(execFile)(
    join(programs, 'pg_dump'),
    ['--host=127.0.0.1', `--port=${port}`, `--username=${admin}`, ...args, database],
    { env: { PGPASSWORD: password }, maxBuffer: 2 ** 28 },
  )
  return stdout
}
