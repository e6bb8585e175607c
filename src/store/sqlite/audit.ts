/** The audit in SQLite: an append-only table, and its head in a row apart. */

import type { DatabaseSync } from 'node:sqlite'
import { type AuditEntry, type AuditHead, chained } from '../audit.ts'
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
