/** Keys of the native API in PostgreSQL. */

import type { ApiKey, ApiKeyScope, ApiVersion, KeyHolder } from '../../directory/api-key.ts'
import { noteUseEveryMs } from '../bounds.ts'
import type { Keys } from '../keys.ts'
import { wroteWith } from './audit.ts'
import { type AppRow, appOf, type TenantRow, tenantOf } from './rows.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

const insert = sql(`
  insert into api_key
  select r.* from json_to_recordset($1::json) as r (id text, tenant text, app text, hash text, hint text, name text,
    kind text, is_test boolean, scopes json, origins json, networks json, version text, created_at bigint,
    expires_at bigint, revoked_at bigint, last_used_at bigint)
  join app a on a.id = r.app and a.tenant = r.tenant and a.deleted_at is null
  on conflict do nothing returning to_json(true)`)
const select = sql(`
  select to_json(k) from api_key k where $1::text is null or k.app = $1::text order by k.created_at, k.id`)
/**
 * Whether a key is in force. Engine time goes on within a statement, so it is compared with times that are stored, and
 * never with itself: a millisecond between two readings would refuse a key without an end.
 */
export const usable = (key: string) => `(${key}.revoked_at is null or ${key}.revoked_at > ${engineTime})
      and (${key}.expires_at is null or ${key}.expires_at > ${engineTime})`
const selectHolder = sql(`
  select json_build_object('key', to_json(k), 'tenant', to_json(c), 'app', to_json(a), 'hasEvents', exists (
    select 1 from api_key r where r.app = k.app and r.scopes::text like '%"events:read"%'
      and ${usable('r')}))
  from api_key k join app a on a.id = k.app join tenant c on c.id = k.tenant
  where k.hash = $1 and ${usable('k')} and not a.is_disabled`)
const end = sql(`
  update api_key set revoked_at = least(revoked_at, $2::bigint) where id = $1 returning to_json(true)`)
const note = sql(`
  update api_key set last_used_at = $2::bigint
  where id = $1 and coalesce(last_used_at, 0) <= $2::bigint - ${noteUseEveryMs}`)

/** @param untilOf  The end of a call that begins now, by `performance.now()`. */
export function postgresKeys(transactions: Transactions, untilOf: () => number): Keys {
  const read = async (bound: Bound) => (await transactions.read(untilOf(), bound))[0]!
  return {
    add: (key: ApiKey, audit) => wroteWith(transactions, untilOf(), audit, bindRows(insert, [rowOf(key)])),
    list: async (app?: string) => ((await read(bind(select, app ?? null))) as KeyRow[]).map(keyOf),
    async holder(hash: string): Promise<KeyHolder | undefined> {
      const [found] = (await read(bind(selectHolder, hash))) as HolderRow[]
      return (
        found && {
          key: keyOf(found.key),
          tenant: tenantOf(found.tenant),
          app: appOf(found.app),
          hasEvents: found.hasEvents,
        }
      )
    },
    revoke: (id: string, at: number, audit) => wroteWith(transactions, untilOf(), audit, bind(end, id, at)),
    async noteUse(id: string, at: number) {
      await transactions.write(untilOf(), bind(note, id, at))
    },
  }
}

type HolderRow = { key: KeyRow; tenant: TenantRow; app: AppRow; hasEvents: boolean }

type KeyRow = {
  id: string
  tenant: string
  app: string
  hash: string
  hint: string
  name: string
  kind: ApiKey['kind']
  is_test: boolean
  scopes: ApiKeyScope[]
  origins: string[]
  networks: string[]
  version: ApiVersion
  created_at: number
  expires_at: number | null
  revoked_at: number | null
  last_used_at: number | null
}

function rowOf({ isTest, createdAt, expiresAt, revokedAt, lastUsedAt, ...key }: ApiKey): KeyRow {
  return {
    ...key,
    scopes: [...key.scopes],
    origins: [...key.origins],
    networks: [...key.networks],
    is_test: isTest,
    created_at: createdAt,
    expires_at: expiresAt,
    revoked_at: revokedAt,
    last_used_at: lastUsedAt,
  }
}

function keyOf({ is_test, created_at, expires_at, revoked_at, last_used_at, ...key }: KeyRow): ApiKey {
  return {
    ...key,
    isTest: is_test,
    createdAt: created_at,
    expiresAt: expires_at,
    revokedAt: revoked_at,
    lastUsedAt: last_used_at,
  }
}
