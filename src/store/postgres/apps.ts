/** The apps of a unit of work in PostgreSQL. */

import type { App, NewApp } from '../../directory/directory.ts'
import { storable, storableJson } from '../storable.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { type AppRow, appOf } from './rows.ts'
import { type Bound, bind, sql } from './statement.ts'

const lockApps = sql(`
  select to_json(a) from app a where a.id = any (array(select json_array_elements_text($1::json)))
  order by a.id for update`)
const insertApp = sql(`
  insert into app (id, tenant, name, sealed_key, is_service_provider, is_disabled, policy, created_at, description,
    updated_at)
  values ($1, $2, $3, $4, $5::boolean, $6::boolean, $7::json, $8::bigint, $9, $8::bigint)`)
const updateApp = sql(`
  update app set name = $2, sealed_key = $3, is_disabled = $4::boolean, policy = $5::json, description = $6,
    previous_key = $7, previous_key_until = $8::bigint, updated_at = $9::bigint
  where id = $1`)
const removeApp = sql(`
  update app set sealed_key = '', previous_key = null, is_disabled = true, deleted_at = $2::bigint where id = $1`)
const revokeKeys = sql(`
  update api_key set revoked_at = $2::bigint where app = $1 and revoked_at is null`)
const disableWebhooks = sql(`update webhook set is_enabled = false, disabled_by = 'caller' where app = $1`)

export const lockedApps = (ids: Iterable<string>): Bound => bind(lockApps, storableJson([...ids]))

export function heldApps(rows: readonly unknown[], now: number) {
  const known = new Map((rows as readonly AppRow[]).map((row) => [row.id, row]))
  const present = new Map<string, App>()
  for (const [id, row] of known) if (row.deleted_at === null) present.set(id, appOf(row))
  const writes: Bound[] = []
  const apps: UnitOfWork['apps'] = {
    get: (id) => present.get(id),
    add(app) {
      if (known.has(app.id) || present.has(app.id)) return false
      present.set(app.id, { description: '', ...app, previousKey: null, updatedAt: app.createdAt })
      writes.push(insertOf(app))
      return true
    },
    put(app) {
      present.set(app.id, app)
      writes.push(updateOf(app))
    },
    remove(id) {
      present.delete(id)
      writes.push(bind(removeApp, id, now), bind(revokeKeys, id, now), bind(disableWebhooks, id))
    },
  }
  return { apps, writes: () => writes }
}

function insertOf(app: NewApp): Bound {
  return bind(
    insertApp,
    app.id,
    app.tenant,
    storable(app.name),
    app.sealedKey,
    app.isServiceProvider,
    app.isDisabled,
    storableJson(app.policy),
    app.createdAt,
    storable(app.description ?? ''),
  )
}

function updateOf(app: App): Bound {
  return bind(
    updateApp,
    app.id,
    storable(app.name),
    app.sealedKey,
    app.isDisabled,
    storableJson(app.policy),
    storable(app.description),
    app.previousKey?.sealed ?? null,
    app.previousKey?.until ?? null,
    app.updatedAt,
  )
}
