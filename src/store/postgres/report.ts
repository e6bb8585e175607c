/** The report on a store in PostgreSQL for an operator, as far as the store's own user may see it. */

import type { ClientConfig } from 'pg'
import { refuseOlder } from '../schema.ts'
import type { Replica, StoreReport } from '../store-report.ts'
import { openConnection, unreachable } from './connection.ts'
import { schemaOf } from './migrations.ts'
import { bind, sql } from './statement.ts'

const reportMs = 5_000

const selectServer = sql(`
  select json_build_object(
    'version', split_part(current_setting('server_version'), ' ', 1),
    'schema', (select value::integer from meta where name = 'schema'),
    'bytes', pg_database_size(current_database()),
    'rows', (select json_object_agg(relname, n_live_tup) from pg_stat_user_tables
      where relid = any (array[to_regclass('member'), to_regclass('verification'), to_regclass('dispatch')])),
    'isReplica', pg_is_in_recovery(),
    'isReadOnly', current_setting('transaction_read_only')::boolean,
    'flushMs', (select setting::integer * 3 from pg_settings where name = 'wal_writer_delay'),
    'synchronousCommit', current_setting('synchronous_commit'),
    'fsync', current_setting('fsync')::boolean,
    'autovacuum', current_setting('autovacuum')::boolean)`)

/** A role without pg_monitor sees that there is a replica, but none of its columns. */
const selectReplicas = sql(`
  select json_build_object('name', application_name, 'state', state,
    'isAwaited', coalesce(sync_state in ('sync', 'quorum'), false),
    'behindBytes', coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), 0),
    'behindMs', coalesce(floor(extract(epoch from replay_lag) * 1000), 0))
  from pg_stat_replication where not pg_is_in_recovery() order by application_name`)

type Server = {
  version: string
  schema: number
  bytes: number
  rows: Record<string, number> | null
  isReplica: boolean
  isReadOnly: boolean
  flushMs: number
  synchronousCommit: string
  fsync: boolean
  autovacuum: boolean
}

/** @throws AppError `store.absent`, `store.unavailable`, PostgresError */
export async function reportPostgres(client: ClientConfig): Promise<StoreReport> {
  const connection = await openConnection(client, false, reportMs, () => undefined).catch((error) => {
    throw unreachable(client, error)
  })
  try {
    refuseOlder(await schemaOf(connection), 1)
    const until = performance.now() + reportMs
    const [[server], replicas] = (await connection.run(
      [bind(selectServer), bind(selectReplicas)],
      until,
    )) as [[Server], Replica[]]
    const { version, schema, bytes, rows } = server
    return {
      product: `PostgreSQL ${version}`,
      schema,
      bytes,
      rows: rows ?? {},
      replicas,
      problems: problemsOf(server),
    }
  } finally {
    await connection.close()
  }
}

function problemsOf(server: Server): string[] {
  const problems: string[] = []
  if (server.isReplica) problems.push('it is a replica, which only reads; state the server that writes')
  else if (server.isReadOnly)
    problems.push('it only reads (default_transaction_read_only); let this user write')
  if (!server.fsync)
    problems.push('fsync is off: a crash can lose everything; turn it on, and restore what has crashed since')
  if (server.synchronousCommit === 'off')
    problems.push(
      `synchronous_commit is off: a crash loses what was answered in the last ${server.flushMs} ms; set it to on or local for this user`,
    )
  if (!server.autovacuum) problems.push('autovacuum is off: what is over is never cleared away; turn it on')
  return problems
}
