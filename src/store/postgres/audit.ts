/** The audit in PostgreSQL: an append-only table, and its head in a row apart. */

import { type AuditHead, chained, type NewAuditEntry } from '../audit.ts'
import { type AuditHeadRow, type AuditRow, auditHeadOf, auditHeadRow, auditRow } from '../audit-rows.ts'
import type { Rows } from './connection.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

/** The number of our advisory lock, among those of others in the same database. */
const auditLock = 7_261_953_106

/** Two statements, because each sees what was committed when it began: the head is that of who had the lock before. */
const lock = sql(`select to_json(true) from pg_advisory_xact_lock(${auditLock})`)
const selectHead = sql('select to_json(h) from audit_head h')

const insertEntries = sql(`
  insert into audit (seq, at, actor_kind, actor, act, tenant, target, request_id, details, key_id, previous, mac)
  select seq, at, actor_kind, actor, act, tenant, target, request_id, details, key_id, previous, mac
  from json_to_recordset($1::json)
    as r (seq bigint, at bigint, actor_kind text, actor text, act text, tenant text, target text, request_id text,
      details text, key_id text, previous text, mac text)`)
const putHead = sql(`
  insert into audit_head (name, seq, mac, key_id, seal)
  select 'head', seq, mac, key_id, seal
  from json_to_recordset($1::json) as r (seq bigint, mac text, key_id text, seal text)
  on conflict (name) do update
    set seq = excluded.seq, mac = excluded.mac, key_id = excluded.key_id, seal = excluded.seal`)
const selectPage = sql(
  'select to_json(a) from audit a where a.seq > $1::bigint order by a.seq limit $2::integer',
)

export const lockedAuditHead = (): readonly Bound[] => [bind(lock), bind(selectHead)]
export const auditHead = (): Bound => bind(selectHead)
export const auditPage = ({ after, most }: { after: number; most: number }): Bound =>
  bind(selectPage, after, most)

export function heldAudit(found: Rows, now: number) {
  let head: AuditHead | undefined = found[0] ? auditHeadOf(found[0] as AuditHeadRow) : undefined
  const added: AuditRow[] = []
  return {
    audit: {
      add(given: NewAuditEntry | undefined): void {
        if (!given) return
        const next = chained(given, head, now)
        head = next.head
        added.push(auditRow(next.entry))
      },
    },
    writes: (): Bound[] =>
      head && added.length > 0
        ? [bindRows(insertEntries, added), bindRows(putHead, [auditHeadRow(head)])]
        : [],
  }
}

/**
 * Writes with their entry of the audit, in one transaction.
 * @returns Whether the last statement changed a row. If it did not, there is no entry.
 */
export async function wroteWith(
  transactions: Transactions,
  until: number,
  audit: NewAuditEntry | undefined,
  ...statements: readonly Bound[]
): Promise<boolean> {
  if (!audit) return (await transactions.write(until, ...statements)).at(-1)!.length > 0
  return transactions.decide(until, [...statements, ...lockedAuditHead()], (rows, { now }) => {
    if (rows[statements.length - 1]!.length === 0) return { writes: [], result: false }
    const { audit: chain, writes } = heldAudit(rows.at(-1)!, now)
    chain.add(audit)
    return { writes: writes(), result: true }
  })
}
