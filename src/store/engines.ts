/** The engines of stores: what the settings state of each, and what each is capable of. Loads none of them. */

import type { RedisChoice } from './redis/redis-choice.ts'

/** Capabilities in which the engines differ. Nobody asks for an engine's name. */
export type Engine = {
  /** Several processes may serve from one store at once. */
  readonly isShared: boolean
  /** Has servers of its own, which may have replicas, and a report on each of them. */
  readonly hasReplicas: boolean
}

export const engines = {
  sqlite: { isShared: false, hasReplicas: false },
  postgres: { isShared: true, hasReplicas: true },
} as const satisfies Readonly<Record<string, Engine>>

export type SqliteChoice = { readonly engine: 'sqlite'; readonly path: string }

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
  /** Redis, if codes on their way and limits are kept there; null: they are kept here too. */
  readonly hot: RedisChoice | null
}

export type StoreChoice = SqliteChoice | PostgresChoice

export function engineOf(choice: StoreChoice): Engine {
  return engines[choice.engine]
}

/** The Redis beside the store, if there is one. */
export function redisOf(choice: StoreChoice): RedisChoice | null {
  return 'hot' in choice ? choice.hot : null
}

/** The name of a store for an operator, without a password. */
export function storeName(choice: StoreChoice): string {
  if (choice.engine === 'sqlite') return choice.path
  const { host, port, user, database } = choice
  const place = host.startsWith('/') ? encodeURIComponent(host) : host.includes(':') ? `[${host}]` : host
  return `postgres://${encodeURIComponent(user)}@${place}:${port}/${encodeURIComponent(database)}`
}

/** The name of a store in the settings. */
export function storeSetting(choice: StoreChoice): string {
  return choice.engine === 'sqlite' ? `sqlite:${choice.path}` : storeName(choice)
}
