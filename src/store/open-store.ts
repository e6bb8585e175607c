/** Opens stores. Only this file loads the engines, each when it is chosen. */

import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ClientConfig } from 'pg'
import { AppError } from '../errors.ts'
import { makeFolder } from '../secret-file.ts'
import type { EngineOptions } from './engine-options.ts'
import { type PostgresChoice, type StoreChoice, storeName } from './engines.ts'
import type { MovableStore, MoveRole } from './move/movable-store.ts'
import type { RedisChoice } from './redis/redis-choice.ts'
import type { Restored } from './sqlite/restore.ts'
import type { Store } from './store.ts'
import type { StoreReport } from './store-report.ts'

/**
 * Opens the store, making it or bringing its schema up to date unless `migrates` is false.
 * @throws AppError `store.schema-newer`, `store.schema-older`, `store.moved`, `store.unavailable`.
 */
export async function openStore(choice: StoreChoice, options: EngineOptions = {}): Promise<Store> {
  switch (choice.engine) {
    case 'sqlite': {
      const { openSqliteStore } = await import('./sqlite/sqlite-store.ts')
      return openSqliteStore({ path: choice.path, ...options })
    }
    case 'postgres': {
      const postgres = { client: clientOf(choice), poolSize: choice.connections, ...options }
      if (!choice.hot) return (await import('./postgres/postgres-store.ts')).openPostgresStore(postgres)
      const { openRedisStore } = await import('./redis/redis-store.ts')
      return openRedisStore({ redis: choice.hot, postgres, ...options })
    }
  }
}

/**
 * Opens the store for a move. Brings its schema up to date, unless it is read while others use it.
 * @throws AppError `store.locked` if it is in use but must not be, `store.schema-newer`, `store.unavailable`.
 */
export async function openMovable(choice: StoreChoice, role: MoveRole): Promise<MovableStore> {
  switch (choice.engine) {
    case 'sqlite':
      return (await import('./sqlite/movable.ts')).openMovableSqlite(choice.path, role)
    case 'postgres': {
      const { openMovablePostgres } = await import('./postgres/movable.ts')
      const client = { ...clientOf(choice), ...choice.direct }
      return openMovablePostgres({ client, name: storeName(choice), role })
    }
  }
}

/** Redis's report on itself. @throws Error if it cannot be asked. */
export async function reportHot(choice: RedisChoice): Promise<StoreReport> {
  return (await import('./redis/report.ts')).reportRedis(choice)
}

/** The report of a store that exists and has the present schema. @throws Error if it cannot be asked. */
export async function reportStore(choice: StoreChoice): Promise<StoreReport> {
  switch (choice.engine) {
    case 'sqlite':
      return (await import('./sqlite/report.ts')).reportSqlite(choice.path)
    case 'postgres':
      return (await import('./postgres/report.ts')).reportPostgres(clientOf(choice))
  }
}

/**
 * Copies the store while a server runs on it.
 * @throws AppError `input.invalid` if the target exists, cannot be written, or the engine has tools of its own.
 */
export async function backupStore(choice: StoreChoice, target: string): Promise<{ readonly pages: number }> {
  switch (choice.engine) {
    case 'sqlite':
      return (await import('./sqlite/backup.ts')).backupSqlite(choice.path, target)
    case 'postgres':
      throw new AppError(
        'input.invalid',
        `${storeName(choice)}: is backed up by PostgreSQL's own tools, such as pg_dump; see docs/postgres.md`,
      )
  }
}

/**
 * Puts a backup in the place of the store. The caller holds the lock of the data folder.
 * @param check  See `restoreSqlite`.
 * @throws AppError `input.invalid` if the file is no good backup, or the engine has tools of its own.
 */
export async function restoreStore(
  choice: StoreChoice,
  file: string,
  check: (apps: readonly { readonly id: string; readonly sealedKey: string }[]) => void,
): Promise<Restored> {
  switch (choice.engine) {
    case 'sqlite':
      return (await import('./sqlite/restore.ts')).restoreSqlite(file, choice.path, check)
    case 'postgres':
      throw new AppError(
        'input.invalid',
        `${storeName(choice)}: is restored by PostgreSQL's own tools, such as pg_restore; see docs/postgres.md`,
      )
  }
}

function clientOf({ host, port, user, password, database, tls, caFile }: PostgresChoice): ClientConfig {
  return {
    host,
    port,
    user,
    database,
    // As a function, because otherwise the client searches the environment and the home folder for a password.
    password: () => password ?? '',
    ssl: tls === 'off' ? false : { ...(caFile && { ca: readFileSync(caFile, 'utf8') }) },
    application_name: 'countersign',
  }
}

/** Makes the folder of a store that is a file of this machine. */
export function prepareStore(choice: StoreChoice): void {
  if (choice.engine === 'sqlite') makeFolder(dirname(choice.path))
}
