/** The engines under measurement: what the kernel and they themselves count of their work. */

import { type Postgres, startPostgres } from '../test/postgres.ts'
import { familyCpuMs } from './process.ts'

export type MeasuredPostgres = {
  readonly port: number
  newDatabase(): Promise<{
    readonly env: Readonly<Record<string, string>>
  }>
  /** Of all its processes. */
  cpuMs(): number
  writtenBytes(): Promise<number>
  /** Flushes of its log so far, and the time they took together; a second late. */
  flushed(): Promise<{ readonly count: number; readonly ms: number }>
}

export type MeasuredRedis = {
  readonly port: number
  readonly env: Readonly<Record<string, string>>
  cpuMs(): number
  writtenBytes(): Promise<number>
  usedMemory(): Promise<number>
}

export type Engines = { readonly postgres: MeasuredPostgres; readonly redis?: MeasuredRedis }

/** Flushes on, as in production; memory as for a small server, and no checkpoint in the middle of a round by size alone. */
const postgresSettings = {
  shared_buffers: '512MB',
  max_wal_size: '4GB',
  min_wal_size: '2GB',
  track_wal_io_timing: 'on',
}

/** @param logFiles  Made beforehand, of 16 MiB each. */
export async function startMeasuredPostgres(
  stack: AsyncDisposableStack,
  logFiles: number,
): Promise<MeasuredPostgres> {
  const postgres: Postgres = stack.use(await startPostgres(postgresSettings))
  await fillLog(postgres, logFiles)
  const pid = await pidOf(postgres)
  return {
    port: postgres.port,
    async newDatabase() {
      const name = await postgres.newDatabase()
      const { host, port, user, password, database } = postgres.client(name)
      return {
        env: {
          COUNTERSIGN_STORE: `postgres://${user}@${host}:${port}/${database}`,
          COUNTERSIGN_POSTGRES_PASSWORD: password,
        },
      }
    },
    cpuMs: () => familyCpuMs(pid),
    async writtenBytes() {
      const [row] = await postgres.query(`select pg_current_wal_lsn() - '0/0' as bytes`)
      return Number(row!.bytes)
    },
    async flushed() {
      const [row] = await postgres.query('select to_json(w) as w from pg_stat_wal w')
      // Newer versions keep it elsewhere; then there is no figure.
      const { wal_sync, wal_sync_time } = row!.w as unknown as Record<string, number | undefined>
      return { count: wal_sync ?? Number.NaN, ms: wal_sync_time ?? Number.NaN }
    },
  }
}

/**
 * A server that has run for some minutes writes into files that it has used before. A new one makes each, and all
 * commits wait while it is filled with zeros and flushed: every second, at these rates.
 */
async function fillLog(postgres: Postgres, files: number): Promise<void> {
  await postgres.query('create table filler (n integer)')
  for (let file = 0; file < files; file++)
    await postgres.query('insert into filler values (1); select pg_switch_wal()')
  await postgres.query('checkpoint')
}

/** Of the process that starts all others of a server. */
export async function pidOf(postgres: Postgres): Promise<number> {
  const [row] = await postgres.query(`select split_part(pg_read_file('postmaster.pid'), E'\\n', 1) as pid`)
  return Number(row!.pid)
}
