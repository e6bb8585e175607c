/** Which engine keeps the records, and how each is opened: the one place that knows them all. */

import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ClientConfig } from 'pg'
import { makeFolder } from '../secret-file.ts'
import type { MovableStore, MoveRole } from './move/movable-store.ts'
import { openMovablePostgres } from './postgres/movable.ts'
import { openPostgresStore } from './postgres/postgres-store.ts'
import { reportPostgres } from './postgres/report.ts'
import { type RedisChoice, redisName } from './redis/client.ts'
import { openRedisStore } from './redis/redis-store.ts'
import { reportRedis } from './redis/report.ts'
import type { SchemaOptions } from './schema.ts'
import { openMovableSqlite } from './sqlite/movable.ts'
import { reportSqlite } from './sqlite/report.ts'
import { openSqliteStore } from './sqlite/sqlite-store.ts'
import type { Store } from './store.ts'
import type { StoreReport } from './store-report.ts'

export type PostgresChoice = {
  readonly engine: 'postgres'
  /** A name, an address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string | null
  readonly database: string
  readonly tls: 'verify' | 'off'
  readonly caFile: string | null
  /** The most of one process. */
  readonly connections: number
  /** The server itself, if the store is reached through a pooler: for a move, which holds a connection. */
  readonly direct: { readonly host: string; readonly port: number }
  /** What codes on their way and limits are kept in, if not here. */
  readonly hot: RedisChoice | null
}

export type StoreChoice = { readonly engine: 'sqlite'; readonly path: string } | PostgresChoice

export type StoreOptions = SchemaOptions & {
  /** How long a server of the store that is not there yet is waited for. Default 5 s. */
  readonly startWithinMs?: number
  /** It is not there yet and is waited for; called once for each server. */
  readonly onAwaited?: (reason: string) => void
  /** After so long a call is refused with `store.unavailable`. Default 800. */
  readonly deadlineMs?: number
  /** Told of each call that was answered: its verb and the ms from call to durable answer. */
  readonly onAnswered?: (verb: string, tookMs: number) => void
  /** The engine ended by itself: nothing works from now on. */
  readonly onFailed?: (reason: string) => void
}

/**
 * Opens the store, making it or bringing its schema up to date unless `migrates` is false.
 * @throws AppError `store.schema-newer`, `store.schema-older`, `store.moved`, `store.unavailable`.
 */
export function openStore(choice: StoreChoice, options: StoreOptions = {}): Promise<Store> {
  switch (choice.engine) {
    case 'sqlite':
      return openSqliteStore({ path: choice.path, ...options })
    case 'postgres': {
      const client = clientOf(choice)
      const postgres = {
        client,
        poolSize: choice.connections,
        ...options,
      }
      return choice.hot
        ? openRedisStore({ redis: choice.hot, postgres, ...options })
        : openPostgresStore(postgres)
    }
  }
}

/**
 * Opens the store for a move, bringing its schema up to date unless it is read while others use it.
 * @throws AppError `store.locked` if it is in use and may not be, `store.schema-newer`, `store.unavailable`.
 */
export function openMovable(choice: StoreChoice, role: MoveRole): Promise<MovableStore> {
  switch (choice.engine) {
    case 'sqlite':
      return openMovableSqlite(choice.path, role)
    case 'postgres': {
      const client = { ...clientOf(choice), ...choice.direct }
      return openMovablePostgres({ client, name: storeName(choice), role })
    }
  }
}

/** What Redis tells of itself. @throws Error if it cannot be asked. */
export function reportHot(choice: RedisChoice): Promise<StoreReport> {
  return reportRedis(choice)
}

/** What a store that is made and in order tells of itself. @throws Error if it cannot be asked. */
export async function reportStore(choice: StoreChoice): Promise<StoreReport> {
  return choice.engine === 'sqlite' ? reportSqlite(choice.path) : reportPostgres(clientOf(choice))
}

function clientOf({ host, port, user, password, database, tls, caFile }: PostgresChoice): ClientConfig {
  return {
    host,
    port,
    user,
    database,
    // A function, or the client would look for one in the environment and in the home folder.
    password: () => password ?? '',
    ssl: tls === 'off' ? false : { ...(caFile && { ca: readFileSync(caFile, 'utf8') }) },
    application_name: 'countersign',
  }
}

/** What must be there before it can be made. */
export function prepareStore(choice: StoreChoice): void {
  if (choice.engine === 'sqlite') makeFolder(dirname(choice.path))
}

export { redisName as hotName }

/** As an operator may read it; holds no password. */
export function storeName(choice: StoreChoice): string {
  if (choice.engine === 'sqlite') return choice.path
  const { host, port, user, database } = choice
  const place = host.startsWith('/') ? encodeURIComponent(host) : host.includes(':') ? `[${host}]` : host
  return `postgres://${encodeURIComponent(user)}@${place}:${port}/${encodeURIComponent(database)}`
}
