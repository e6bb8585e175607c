/** The audit in SQLite: an append-only table, and its head in a row apart. */

import type { DatabaseSync } from 'node:sqlite'
import { type AuditEntry, type AuditHead, chained, type NewAuditEntry } from '../audit.ts'
import { type AuditHeadRow, type AuditRow, auditEntryOf, auditHeadOf, auditRow } from '../audit-rows.ts'
import type { UnitOfWork } from '../unit-of-work.ts'

const selectHeadText = 'select seq, mac, key_id, seal from audit_head'

/** @param now  Engine time of the unit. */
export function openAudit(db: DatabaseSync, now: () => number): UnitOfWork['audit'] {
  const selectHead = db.prepare(selectHeadText)
  const insert = db.prepare(
    `insert into audit (seq, at, actor_kind, actor, act, tenant, target, request_id, details, key_id, previous, mac)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const putHead = db.prepare(
    `insert into audit_head (name, seq, mac, key_id, seal) values ('head', ?, ?, ?, ?)
     on conflict do update set seq = excluded.seq, mac = excluded.mac, key_id = excluded.key_id, seal = excluded.seal`,
  )
  return {
    add(given) {
      if (!given) return
      const last = selectHead.get() as AuditHeadRow | undefined
      const { entry, head } = chained(given, last && auditHeadOf(last), now())
      insert.run(...Object.values(auditRow(entry)))
      putHead.run(head.seq, head.mac, head.keyId, head.seal)
    },
  }
}

/** Acts apart from units of work, with the number of their arguments before the entries of the audit. */
const audited = {
  'directory.addTenant': 1,
  'keys.add': 1,
  'keys.revoke': 2,
  'webhooks.add': 2,
  'webhooks.change': 2,
  'webhooks.remove': 1,
} as const

type Act = (...args: never[]) => unknown

/** These acts, with their entries added in the same transaction if they change something. */
export function withEntries(acts: Readonly<Record<string, Act>>, { audit }: UnitOfWork): Record<string, Act> {
  return Object.fromEntries(
    Object.entries(audited).map(([name, arity]) => [
      name,
      (...args: never[]) => {
        const result = acts[name]!(...args.slice(0, arity))
        if (result !== false && result !== undefined) audit.add(args[arity] as NewAuditEntry | undefined)
        return result
      },
    ]),
  )
}

export function auditReads(db: DatabaseSync) {
  const selectHead = db.prepare(selectHeadText)
  const selectPage = db.prepare('select * from audit where seq > ? order by seq limit ?')
  return {
    read: ({ after, most }: { after: number; most: number }): readonly AuditEntry[] =>
      (selectPage.all(after, most) as AuditRow[]).map(auditEntryOf),
    head(): AuditHead | undefined {
      const row = selectHead.get() as AuditHeadRow | undefined
      return row && auditHeadOf(row)
    },
  }
}
