/** Webhooks in PostgreSQL: their endpoints, the places in the feed, and the record of deliveries. */

import type { Lease } from '../outbox.ts'
import { storableJson } from '../storable.ts'
import {
  type DeliveryRow,
  deliveryOf,
  rowOfDelivery,
  rowOfWebhook,
  type WebhookRow,
  webhookOf,
} from '../webhook-rows.ts'
import { maxFailuresInRow, maxWaiting, type Webhook, type Webhooks } from '../webhooks.ts'
import { heldAudit, lockedAuditHead, wroteWith } from './audit.ts'
import { settledBefore } from './events.ts'
import { usable } from './keys.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

const rowType = `(id text, tenant text, app text, url text, description text, types json, is_enabled boolean,
  disabled_by text, secrets json, signing_key text, created_at bigint)`
const deliveryColumns = `event, type, verification, state, tries, first_at, last_at, due_at, status, reason, took_ms`
const deliveryType = `(event text, type text, verification text, state text, tries integer, first_at bigint,
  last_at bigint, due_at bigint, status integer, reason text, took_ms bigint)`

const headOf = (app: string) => `
  coalesce((
    select e.id from event e where e.app = ${app} and e.tx < ${settledBefore} order by e.tx desc, e.seq desc limit 1), '')`

const one = sql('select to_json(w) from webhook w where w.id = $1')
const ofApp = sql('select to_json(w) from webhook w where w.app = $1 order by w.created_at, w.id')
/** Of two that are added at once, one waits here, so that both are counted. */
const lockApp = sql('select to_json(true) from app where id = $1 for update')
const insert = sql(`
  insert into webhook
  select r.*, ${headOf('r.app')}, 0, '', 0
  from json_to_recordset($1::json) as r ${rowType}
  where (select count(*) from webhook w where w.app = r.app) < $2::integer
  on conflict do nothing returning to_json(true)`)
const update = sql(`
  update webhook w set url = r.url, description = r.description, types = r.types, is_enabled = r.is_enabled,
    disabled_by = r.disabled_by, secrets = r.secrets, signing_key = r.signing_key, failures = 0,
    cursor = case when r.is_enabled and not w.is_enabled then ${headOf('w.app')} else w.cursor end
  from json_to_recordset($1::json) as r ${rowType} where w.id = r.id`)
const lockOne = sql('select to_json(w) from webhook w where w.id = $1 for update')
const remove = sql('delete from webhook where id = $1 returning to_json(true)')
const selectReaders = sql(`
  select json_build_array(app, true) from webhook where is_enabled
  union all
  select json_build_array(app, false) from api_key k where scopes::text like '%"events:read"%' and ${usable('k')}`)

const waitingOf = 'from webhook_delivery d where d.webhook = w.id and d.due_at is not null'
const claim = sql(`
  with due as (
    select w.id from webhook w
    where w.is_enabled and w.lease_until <= ${engineTime}
      and (exists (select ${waitingOf} and d.due_at <= ${engineTime})
        or w.failures < ${maxFailuresInRow}
          and (select count(*) from (select ${waitingOf} limit ${maxWaiting}) counted) < ${maxWaiting}
          and exists (
            select from event e
            where e.app = w.app and e.tx < ${settledBefore} and (e.tx, e.seq) > (
              coalesce((select c.tx from event c where c.id = w.cursor), -1),
              coalesce((select c.seq from event c where c.id = w.cursor), 0))))
    order by w.lease_until limit $1::integer for update of w skip locked)
  update webhook w set owner = $2, lease_until = ${engineTime} + $3::bigint from due where w.id = due.id
  returning json_build_object('webhook', to_json(w), 'now', ${engineTime}, 'waiting', (
    select coalesce(json_agg(to_json(d) order by d.seq), '[]') ${waitingOf}))`)

const lockLeased = sql(`select to_json(true) from webhook where id = $1 and owner = $2 for update`)
/** The time of the last work orders the claims, so that endpoints take turns. */
const settle = sql(`
  update webhook set cursor = $2, failures = $3::integer, owner = '', lease_until = ${engineTime},
    is_enabled = is_enabled and not $4::boolean, disabled_by = case when $4::boolean then 'gone' else disabled_by end
  where id = $1`)
const insertDeliveries = sql(`
  insert into webhook_delivery (webhook, ${deliveryColumns})
  select $2, ${deliveryColumns} from json_to_recordset($1::json) as r ${deliveryType}
  on conflict (event, webhook) do update set state = excluded.state, tries = excluded.tries,
    first_at = excluded.first_at, last_at = excluded.last_at, due_at = excluded.due_at, status = excluded.status,
    reason = excluded.reason, took_ms = excluded.took_ms`)
const release = sql(`update webhook set owner = '', lease_until = 0 where owner = $1 and owner <> ''`)
const page = sql(`
  select to_json(d) from webhook_delivery d
  where d.webhook = $1 and ($2::text is null or d.seq < (
    select b.seq from webhook_delivery b where b.event = $2 and b.webhook = $1))
  order by d.seq desc limit $3::integer`)
const replay = sql(`
  update webhook_delivery set state = 'waiting', tries = 0, first_at = null, due_at = ${engineTime}
  where event = $2 and webhook = $1 returning to_json(true)`)

type ClaimedRow = WebhookRow & { readonly cursor: string; readonly failures: number }

/** @param untilOf  The end of a call that begins now, by `performance.now()`. */
export function postgresWebhooks(transactions: Transactions, untilOf: () => number): Webhooks {
  const read = async (bound: Bound) => (await transactions.read(untilOf(), bound))[0]!
  /** Whether the last statement changed a row. */
  const wrote = async (...bound: readonly Bound[]) =>
    (await transactions.write(untilOf(), ...bound)).at(-1)!.length > 0

  return {
    add: (webhook, max, audit) =>
      wroteWith(
        transactions,
        untilOf(),
        audit,
        bind(lockApp, webhook.app),
        bindRows(insert, [rowOfWebhook(webhook)], max),
      ),
    async get(id) {
      const [row] = (await read(bind(one, id))) as WebhookRow[]
      return row && webhookOf(row)
    },
    list: async (app) => ((await read(bind(ofApp, app))) as WebhookRow[]).map(webhookOf),
    change(id, change, audit) {
      const locks = [bind(lockOne, id), ...(audit ? lockedAuditHead() : [])]
      return transactions.decide<Webhook | undefined>(untilOf(), locks, (found, { now }) => {
        const row = found[0]![0] as WebhookRow | undefined
        if (!row) return { writes: [], result: undefined }
        const result = { ...webhookOf(row), ...change }
        const chain = heldAudit(audit ? found.at(-1)! : [], now)
        chain.audit.add(audit)
        return { writes: [bindRows(update, [rowOfWebhook(result)]), ...chain.writes()], result }
      })
    },
    remove: (id, audit) => wroteWith(transactions, untilOf(), audit, bind(remove, id)),
    async readers() {
      const rows = (await read(bind(selectReaders))) as [app: string, isEndpoint: boolean][]
      return {
        apps: [...new Set(rows.map(([app]) => app))],
        hasEndpoints: rows.some(([, isEndpoint]) => isEndpoint),
      }
    },

    async claim(max, { owner, ms }: Lease) {
      const [rows] = await transactions.write(untilOf(), bind(claim, max, owner, ms))
      return (rows as { webhook: ClaimedRow; now: number; waiting: DeliveryRow[] }[]).map(
        ({ webhook, now, waiting }) => ({
          webhook: webhookOf(webhook),
          now,
          cursor: webhook.cursor,
          failures: webhook.failures,
          waiting: waiting.map(deliveryOf),
        }),
      )
    },
    settle: ({ webhook, lease, cursor, failures, isGone, added, changed }) =>
      transactions.decide<boolean>(untilOf(), [bind(lockLeased, webhook, lease.owner)], ([held]) => {
        if (held!.length === 0) return { writes: [], result: false }
        const rows = [...changed, ...added].map(rowOfDelivery)
        const records = rows.length > 0 ? [bind(insertDeliveries, storableJson(rows), webhook)] : []
        return { writes: [...records, bind(settle, webhook, cursor, failures, isGone)], result: true }
      }),
    release: async (owner) => void (await transactions.write(untilOf(), bind(release, owner))),
    deliveries: async (webhook, { before, max }) =>
      ((await read(bind(page, webhook, before, max))) as DeliveryRow[]).map(deliveryOf),
    replay: (webhook, event) => wrote(bind(replay, webhook, event)),
  }
}
