/** Keys of the native API in SQLite. */

import type { DatabaseSync } from 'node:sqlite'
import type { ApiKey, ApiKeyScope, ApiVersion, KeyHolder } from '../../directory/api-key.ts'
import { noteUseEveryMs } from '../bounds.ts'
import { appOf, type Row, tenantOf } from './rows.ts'

export function sqliteKeys(db: DatabaseSync, wallNow: () => number) {
  const insert = db.prepare(
    `insert into api_key select :id, :tenant, :app, :hash, :hint, :name, :kind, :is_test, :scopes, :origins, :networks,
       :version, :created_at, :expires_at, :revoked_at, :last_used_at
     where exists (select 1 from app where id = :app and tenant = :tenant and deleted_at is null) on conflict do nothing`,
  )
  const select = db.prepare('select * from api_key where ? is null or app = ? order by created_at, id')
  const usable = 'coalesce(revoked_at, :now + 1) > :now and coalesce(expires_at, :now + 1) > :now'
  const byHash = db.prepare(
    `select * from api_key where hash = :hash and ${usable}
       and exists (select 1 from app where id = api_key.app and is_disabled = 0)`,
  )
  const appById = db.prepare('select * from app where id = ?')
  const tenantById = db.prepare('select * from tenant where id = ?')
  const reader = db.prepare(
    `select 1 from api_key where app = :app and scopes like '%"events:read"%' and ${usable}`,
  )
  const end = db.prepare('update api_key set revoked_at = min(coalesce(revoked_at, ?), ?) where id = ?')
  const note = db.prepare(
    `update api_key set last_used_at = ? where id = ? and coalesce(last_used_at, 0) <= ? - ${noteUseEveryMs}`,
  )
  return {
    add: (key: ApiKey): boolean => insert.run({ ...rowOf(key) }).changes === 1,
    list: (app?: string): readonly ApiKey[] => (select.all(app ?? null, app ?? null) as Row[]).map(keyOf),
    holder(hash: string): KeyHolder | undefined {
      const now = wallNow()
      const row = byHash.get({ hash, now }) as Row | undefined
      if (!row) return undefined
      const key = keyOf(row)
      return {
        key,
        tenant: tenantOf(tenantById.get(key.tenant) as Row),
        app: appOf(appById.get(key.app) as Row),
        hasEvents: reader.get({ app: key.app, now }) !== undefined,
      }
    },
    revoke: (id: string, at: number): boolean => end.run(at, at, id).changes === 1,
    noteUse(id: string, at: number): void {
      note.run(at, id, at)
    },
  }
}

function rowOf({ isTest, scopes, origins, networks, createdAt, expiresAt, revokedAt, ...key }: ApiKey) {
  const { lastUsedAt, ...same } = key
  return {
    ...same,
    is_test: Number(isTest),
    scopes: JSON.stringify(scopes),
    origins: JSON.stringify(origins),
    networks: JSON.stringify(networks),
    created_at: createdAt,
    expires_at: expiresAt,
    revoked_at: revokedAt,
    last_used_at: lastUsedAt,
  }
}

function keyOf(row: Row): ApiKey {
  return {
    id: row.id as string,
    tenant: row.tenant as string,
    app: row.app as string,
    hash: row.hash as string,
    hint: row.hint as string,
    name: row.name as string,
    kind: row.kind as ApiKey['kind'],
    isTest: row.is_test === 1,
    scopes: JSON.parse(row.scopes as string) as ApiKeyScope[],
    origins: JSON.parse(row.origins as string) as string[],
    networks: JSON.parse(row.networks as string) as string[],
    version: row.version as ApiVersion,
    createdAt: row.created_at as number,
    expiresAt: row.expires_at as number | null,
    revokedAt: row.revoked_at as number | null,
    lastUsedAt: row.last_used_at as number | null,
  }
}
