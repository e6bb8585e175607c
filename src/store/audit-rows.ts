/** Entries of the audit and its head as rows, the same in every engine with tables. */

import type { AuditActor, AuditEntry, AuditHead } from './audit.ts'

/** `details` is the text of the JSON. */
export type AuditRow = {
  readonly seq: number
  readonly at: number
  readonly actor_kind: string
  readonly actor: string
  readonly act: string
  readonly tenant: string
  readonly target: string
  readonly request_id: string
  readonly details: string
  readonly key_id: string
  readonly previous: string
  readonly mac: string
}

export type AuditHeadRow = {
  readonly seq: number
  readonly mac: string
  readonly key_id: string
  readonly seal: string
}

export function auditRow(entry: AuditEntry): AuditRow {
  const { seq, at, actor, act, tenant, target, requestId, details, keyId, previous, mac } = entry
  return {
    seq,
    at,
    actor_kind: actor.kind,
    actor: actor.id,
    act,
    tenant,
    target,
    request_id: requestId,
    details: JSON.stringify(details),
    key_id: keyId,
    previous,
    mac,
  }
}

export function auditEntryOf(row: AuditRow): AuditEntry {
  return {
    seq: row.seq,
    at: row.at,
    actor: { kind: row.actor_kind as AuditActor['kind'], id: row.actor },
    act: row.act,
    tenant: row.tenant,
    target: row.target,
    requestId: row.request_id,
    details: detailsOf(row.details),
    keyId: row.key_id,
    previous: row.previous,
    mac: row.mac,
  }
}

/** Of a row that was altered by hand too, so that the check can name it instead of failing. */
function detailsOf(text: string): AuditEntry['details'] {
  try {
    return JSON.parse(text) as AuditEntry['details']
  } catch {
    return { unreadable: text }
  }
}

export function auditHeadOf({ seq, mac, key_id, seal }: AuditHeadRow): AuditHead {
  return { seq, mac, keyId: key_id, seal }
}

export function auditHeadRow({ seq, mac, keyId, seal }: AuditHead): AuditHeadRow {
  return { seq, mac, key_id: keyId, seal }
}
