/**
 * The engine that the HTTP tests run over, as COUNTERSIGN_TEST_ENGINE says, and a fresh store of it for each data
 * folder. The servers of the engines are started once a run, by scripts/test.ts.
 */

import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { loadSettings } from '../src/config/load-settings.ts'
import { openStore } from '../src/store/open-store.ts'
import type { Store } from '../src/store/store.ts'

/** With either of Redis, PostgreSQL keeps the rest. */
export const engines = ['sqlite', 'postgres', 'redis', 'redis-cluster'] as const
export type EngineName = (typeof engines)[number]

export type EngineServers = {
  readonly postgres?: {
    readonly port: number
    readonly user: string
    readonly password: string
    /** Makes databases for the user. */
    readonly admin: string
    /** The folder of pg_dump. */
    readonly programs: string
  }
  readonly redis?: {
    readonly url: string
    readonly password: string
    readonly masterPorts: readonly number[]
  }
}

export const engine: EngineName = named(process.env.COUNTERSIGN_TEST_ENGINE ?? 'sqlite')

/** Those that were started for the run. */
export const servers = JSON.parse(process.env.COUNTERSIGN_TEST_SERVERS ?? '{}') as EngineServers

/** Options of a test that is of SQLite alone. @param why  In words, for whoever reads what was skipped. */
export const ofTheEmbeddedStore = (why: string): { skip?: string } =>
  engine === 'sqlite' ? {} : { skip: `of the embedded store: ${why}` }

/** Options of a test in which no engine has a part: one run of it is enough. */
export const ofNoEngine: { skip?: string } =
  engine === 'sqlite' ? {} : { skip: 'of no engine: seen with the embedded store' }

function named(text: string): EngineName {
  const found = engines.find((name) => name === text)
  if (found === undefined) throw new Error(`COUNTERSIGN_TEST_ENGINE: must be one of ${engines.join(', ')}`)
  return found
}

/** By data folder: a server that starts again on its folder finds its store again. */
const databases = new Map<string, Promise<string>>()

/** The environment by which a server on the data folder, and each command beside it, finds the store. */
export async function storeEnv(dataFolder: string): Promise<Readonly<Record<string, string>>> {
  if (engine === 'sqlite') return {}
  const { port, user, password } = postgres()
  const database = await databaseOf(dataFolder)
  return {
    COUNTERSIGN_STORE: `postgres://${user}@127.0.0.1:${port}/${database}`,
    COUNTERSIGN_POSTGRES_PASSWORD: password,
    ...(servers.redis && {
      COUNTERSIGN_HOT: servers.redis.url,
      COUNTERSIGN_REDIS_PASSWORD: servers.redis.password,
      COUNTERSIGN_REDIS_PREFIX: database,
    }),
  }
}

export function postgres(): NonNullable<EngineServers['postgres']> {
  if (!servers.postgres)
    throw new Error(`nothing runs for ${engine}; start the tests with npm run test:engine -- ${engine}`)
  return servers.postgres
}

/** On PostgreSQL. */
export function databaseOf(dataFolder: string): Promise<string> {
  const known = databases.get(dataFolder)
  if (known) return known
  const made = newDatabase()
  databases.set(dataFolder, made)
  return made
}

async function newDatabase(): Promise<string> {
  const name = `t${randomBytes(8).toString('hex')}`
  await asAdmin('postgres', (client) => client.query(`create database ${name} owner ${postgres().user}`))
  return name
}

/** Forgets the store of a data folder; a server that starts on it again begins with an empty one. */
export async function dropStore(dataFolder: string): Promise<void> {
  if (engine === 'sqlite')
    for (const end of ['', '-wal', '-shm']) rmSync(join(dataFolder, `countersign.db${end}`), { force: true })
  const name = await databases.get(dataFolder)
  if (name === undefined) return
  databases.delete(dataFolder)
  await asAdmin('postgres', (client) => client.query(`drop database ${name} with (force)`))
}

async function asAdmin<T>(database: string, act: (client: Client) => Promise<T>): Promise<T> {
  const { port, admin, password } = postgres()
  const client = new Client({ host: '127.0.0.1', port, user: admin, password, database, ssl: false })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}

/** The first column of what a query of the folder's PostgreSQL finds, as text. */
export async function queryOf(dataFolder: string, text: string): Promise<readonly string[]> {
  const database = await databaseOf(dataFolder)
  const { rows } = await asAdmin(database, (client) => client.query({ text, rowMode: 'array' }))
  return rows.map(([value]) => String(value))
}

/** The store of a data folder by its contract, beside the server that may run on it. */
export async function openStoreOf(dataFolder: string): Promise<Store> {
  const { settings } = loadSettings({
    file: null,
    env: await storeEnv(dataFolder),
    flags: { data: dataFolder },
    isDevelopment: true,
    isServing: false,
  })
  return openStore(settings.store, { deadlineMs: 10_000 })
}
