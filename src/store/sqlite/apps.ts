/** The apps of a unit of work in SQLite. */

import type { DatabaseSync } from 'node:sqlite'
import type { UnitOfWork } from '../unit-of-work.ts'
import { appOf, type Row } from './rows.ts'

export function openApps(db: DatabaseSync, now: () => number): UnitOfWork['apps'] {
  const select = db.prepare('select * from app where id = ? and deleted_at is null')
  const insert = db.prepare(
    `insert into app (id, tenant, name, sealed_key, is_service_provider, is_disabled, policy, created_at, description,
       updated_at)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing`,
  )
  const update = db.prepare(
    `update app set name = ?, sealed_key = ?, is_disabled = ?, policy = ?, description = ?, previous_key = ?,
       previous_key_until = ?, updated_at = ?
     where id = ?`,
  )
  const remove = db.prepare(
    "update app set sealed_key = '', previous_key = null, is_disabled = 1, deleted_at = ? where id = ?",
  )
  const revoke = db.prepare('update api_key set revoked_at = ? where app = ? and revoked_at is null')
  const disable = db.prepare("update webhook set is_enabled = 0, disabled_by = 'caller' where app = ?")
  return {
    get(id) {
      const row = select.get(id) as Row | undefined
      return row && appOf(row)
    },
    add: (app) =>
      insert.run(
        app.id,
        app.tenant,
        app.name,
        app.sealedKey,
        Number(app.isServiceProvider),
        Number(app.isDisabled),
        JSON.stringify(app.policy),
        app.createdAt,
        app.description ?? '',
        app.createdAt,
      ).changes === 1,
    put: (app) =>
      void update.run(
        app.name,
        app.sealedKey,
        Number(app.isDisabled),
        JSON.stringify(app.policy),
        app.description,
        app.previousKey?.sealed ?? null,
        app.previousKey?.until ?? null,
        app.updatedAt,
        app.id,
      ),
    remove(id) {
      remove.run(now(), id)
      revoke.run(now(), id)
      disable.run(id)
    },
  }
}
