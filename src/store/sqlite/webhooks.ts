/** Webhooks in SQLite: their endpoints, the places in the feed, and the record of deliveries. */

import type { DatabaseSync } from 'node:sqlite'
import type { Lease } from '../outbox.ts'
import {
  type DeliveryRow,
  deliveryOf,
  rowOfDelivery,
  rowOfWebhook,
  type WebhookRow,
  webhookOf,
} from '../webhook-rows.ts'
import {
  type ClaimedWebhook,
  type EventReadership,
  maxFailuresInRow,
  maxWaiting,
  type Webhook,
  type WebhookChange,
  type WebhookDelivery,
  type WebhookWork,
} from '../webhooks.ts'
import type { Row } from './rows.ts'

const deliveryColumns =
  'event, type, verification, state, tries, first_at, last_at, due_at, status, reason, took_ms'

/**
 * Whether the app of an endpoint `w` has events after `c`, that of its cursor. In two parts, see `pageSql` of the events:
 * by a comparison of rows each claim went through all events, 420 ms with 500,000 of them.
 */
export const hasNewSql = `
  exists (select 1 from event e where e.app = w.app and e.tx = c.tx and e.seq > c.seq)
  or exists (select 1 from event e where e.app = w.app and e.tx > coalesce(c.tx, -1))`

/**
 * @param now  Engine time.
 * @param wallNow  The clock that judges keys.
 */
export function sqliteWebhooks(db: DatabaseSync, now: () => number, wallNow: () => number) {
  const one = db.prepare('select * from webhook where id = ?')
  const ofApp = db.prepare('select * from webhook where app = ? order by created_at, id')
  const countOfApp = db.prepare('select count(*) as count from webhook where app = ?')
  const head = db.prepare('select id from event where app = ? order by tx desc, seq desc limit 1')
  const insert = db.prepare(
    `insert into webhook values (:id, :tenant, :app, :url, :description, :types, :is_enabled, :disabled_by, :secrets,
       :signing_key, :created_at, :cursor, 0, '', 0) on conflict do nothing`,
  )
  const update = db.prepare(
    `update webhook set url = :url, description = :description, types = :types, is_enabled = :is_enabled,
       disabled_by = :disabled_by, secrets = :secrets, signing_key = :signing_key, failures = 0,
       cursor = coalesce(:cursor, cursor)
     where id = :id`,
  )
  const remove = db.prepare('delete from webhook where id = ?')
  const selectReaders = db.prepare(
    `select app, 1 as is_endpoint from webhook where is_enabled = 1
     union
     select app, 0 from api_key where scopes like '%"events:read"%'
       and coalesce(revoked_at, :now + 1) > :now and coalesce(expires_at, :now + 1) > :now`,
  )
  const waitingOf = 'from webhook_delivery d where d.webhook = w.id and d.due_at is not null'
  const selectDue = db.prepare(
    `select w.* from webhook w left join event c on c.id = w.cursor
     where is_enabled = 1 and lease_until <= :now
       and (exists (select 1 ${waitingOf} and d.due_at <= :now)
         or failures < ${maxFailuresInRow}
           and (select count(*) from (select 1 ${waitingOf} limit ${maxWaiting})) < ${maxWaiting}
           and (${hasNewSql}))
     order by lease_until limit :max`,
  )
  const selectWaiting = db.prepare(
    `select ${deliveryColumns} from webhook_delivery where webhook = ? and due_at is not null order by seq`,
  )
  const lease = db.prepare('update webhook set owner = ?, lease_until = ? where id = ?')
  const settle = db.prepare(
    `update webhook set cursor = ?, failures = ?, owner = '', lease_until = ? where id = ? and owner = ?`,
  )
  const end = db.prepare("update webhook set is_enabled = 0, disabled_by = 'gone' where id = ?")
  const insertDelivery = db.prepare(
    `insert into webhook_delivery (webhook, ${deliveryColumns})
     values (:webhook, :event, :type, :verification, :state, :tries, :first_at, :last_at, :due_at, :status, :reason,
       :took_ms)
     on conflict (event, webhook) do update set state = excluded.state, tries = excluded.tries,
       first_at = excluded.first_at, last_at = excluded.last_at, due_at = excluded.due_at, status = excluded.status,
       reason = excluded.reason, took_ms = excluded.took_ms`,
  )
  const release = db.prepare("update webhook set owner = '', lease_until = 0 where owner = ? and owner <> ''")
  const position = db.prepare('select seq from webhook_delivery where event = ? and webhook = ?')
  const page = db.prepare(
    `select ${deliveryColumns} from webhook_delivery where webhook = ? and seq < ? order by seq desc limit ?`,
  )
  const replay = db.prepare(
    `update webhook_delivery set state = 'waiting', tries = 0, first_at = null, due_at = ?
     where event = ? and webhook = ?`,
  )

  const headOf = (app: string): string => (head.get(app)?.id as string | undefined) ?? ''

  function get(id: string): Webhook | undefined {
    const row = one.get(id) as Row | undefined
    return row && webhookOf(readRow(row))
  }

  return {
    add(webhook: Webhook, max: number): boolean {
      if ((countOfApp.get(webhook.app) as { count: number }).count >= max) return false
      return insert.run({ ...boundOf(webhook), cursor: headOf(webhook.app) }).changes === 1
    },
    get,
    list: (app: string): readonly Webhook[] =>
      (ofApp.all(app) as Row[]).map((row) => webhookOf(readRow(row))),
    change(id: string, change: WebhookChange): Webhook | undefined {
      const before = get(id)
      if (!before) return undefined
      const next = { ...before, ...change }
      const { tenant: _t, app: _a, created_at: _c, ...bound } = boundOf(next)
      const isResumed = next.isEnabled && !before.isEnabled
      update.run({ ...bound, cursor: isResumed ? headOf(before.app) : null })
      return next
    },
    remove: (id: string): boolean => remove.run(id).changes === 1,
    readers(): EventReadership {
      const rows = selectReaders.all({ now: wallNow() }) as Row[]
      return {
        apps: [...new Set(rows.map(({ app }) => app as string))],
        hasEndpoints: rows.some((row) => row.is_endpoint === 1),
      }
    },

    claim(max: number, { owner, ms }: Lease): readonly ClaimedWebhook[] {
      const found = selectDue.all({ now: now(), max }) as Row[]
      return found.map((row) => {
        lease.run(owner, now() + ms, row.id as string)
        return {
          webhook: webhookOf(readRow(row)),
          now: now(),
          cursor: row.cursor as string,
          failures: row.failures as number,
          waiting: (selectWaiting.all(row.id as string) as unknown as DeliveryRow[]).map(deliveryOf),
        }
      })
    },

    settle({ webhook, lease: { owner }, cursor, failures, isGone, added, changed }: WebhookWork): boolean {
      // The time of the last work orders the claims, so that endpoints take turns.
      if (settle.run(cursor, failures, now(), webhook, owner).changes === 0) return false
      for (const delivery of [...changed, ...added])
        insertDelivery.run({ webhook, ...rowOfDelivery(delivery) })
      if (isGone) end.run(webhook)
      return true
    },

    release: (owner: string): void => void release.run(owner),

    deliveries(
      webhook: string,
      { before, max }: { before: string | null; max: number },
    ): readonly WebhookDelivery[] {
      const until = before === null ? Number.MAX_SAFE_INTEGER : (position.get(before, webhook)?.seq as number)
      if (until === undefined) return []
      return (page.all(webhook, until, max) as unknown as DeliveryRow[]).map(deliveryOf)
    },

    replay: (webhook: string, event: string): boolean => replay.run(now(), event, webhook).changes === 1,
  }
}

function readRow(row: Row): WebhookRow {
  return {
    ...(row as unknown as WebhookRow),
    is_enabled: row.is_enabled === 1,
    types: row.types === null ? null : JSON.parse(row.types as string),
    secrets: JSON.parse(row.secrets as string),
  }
}

function boundOf(webhook: Webhook) {
  const row = rowOfWebhook(webhook)
  return {
    ...row,
    is_enabled: Number(row.is_enabled),
    types: row.types && JSON.stringify(row.types),
    secrets: JSON.stringify(row.secrets),
  }
}
