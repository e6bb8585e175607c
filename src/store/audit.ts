/** The contract for the audit: the acts of administrators, apps and the operator, as a chain that shows what was altered. */

import { createHmac } from 'node:crypto'
import { storable } from './storable.ts'

export type AuditActor = { readonly kind: 'member' | 'app' | 'operator'; readonly id: string }

/** The key of entries that are made now, derived from the key ring; see `auditKeyOf`. */
export type AuditKey = {
  /** The id of the ring's key. */
  readonly id: string
  /** 32 bytes in base64url. */
  readonly secret: string
}

export type NewAuditEntry = {
  readonly actor: AuditActor
  /** What was done, with its kind in front: `member.delete`. */
  readonly act: string
  /** The tenant of the target; empty if it belongs to none. */
  readonly tenant: string
  /** The id of the member, app, department or tenant on which it was done. */
  readonly target: string
  readonly requestId: string
  /** Words for each act; never a code, key, token, password, name or address, because nothing takes them out again. */
  readonly details: Readonly<Record<string, string | number | boolean>>
  readonly under: AuditKey
}

export type AuditEntry = Omit<NewAuditEntry, 'under'> & {
  /** From 1, without gaps. */
  readonly seq: number
  /** Engine time in ms. */
  readonly at: number
  readonly keyId: string
  /** The MAC of the entry before; empty for the first. */
  readonly previous: string
  /** HMAC-SHA-256 as hex over everything else in the entry. */
  readonly mac: string
}

/** The end of the chain, kept apart from it, so that a chain whose last entries were cut off is found. */
export type AuditHead = {
  /** The number of the last entry. */
  readonly seq: number
  readonly mac: string
  readonly keyId: string
  /** HMAC-SHA-256 as hex, so that nobody without the key can make a head for a shorter chain. */
  readonly seal: string
}

export type Audit = {
  /** Adds the entry of an act that changes nothing in the store. All others give it to the verb that acts. */
  append(entry: NewAuditEntry): Promise<void>
  /** In their order. */
  read(page: { readonly after: number; readonly most: number }): Promise<readonly AuditEntry[]>
  /** undefined before the first entry. */
  head(): Promise<AuditHead | undefined>
}

/** The next entry and head of a chain, whatever engine keeps them. */
export function chained(
  { under, ...entry }: NewAuditEntry,
  last: AuditHead | undefined,
  at: number,
): { readonly entry: AuditEntry; readonly head: AuditHead } {
  const unsealed = {
    actor: { kind: entry.actor.kind, id: storable(entry.actor.id) },
    act: entry.act,
    tenant: storable(entry.tenant),
    target: storable(entry.target),
    requestId: storable(entry.requestId),
    details: Object.fromEntries(
      Object.entries(entry.details).map(([name, value]) => [
        name,
        typeof value === 'string' ? storable(value) : value,
      ]),
    ),
    seq: (last?.seq ?? 0) + 1,
    at,
    keyId: under.id,
    previous: last?.mac ?? '',
  }
  const mac = macOf(unsealed, under.secret)
  return {
    entry: { ...unsealed, mac },
    head: headOf({ seq: unsealed.seq, mac, keyId: under.id }, under.secret),
  }
}

/** @returns The MAC that an entry must have. */
export function macOf(entry: Omit<AuditEntry, 'mac'>, secret: string): string {
  return hmac(canonicalText(entry), secret)
}

/** @returns The seal that a head must have. */
export function sealOf({ seq, mac, keyId }: Omit<AuditHead, 'seal'>, secret: string): string {
  return hmac(JSON.stringify(['head 1', seq, mac, keyId]), secret)
}

function headOf(head: Omit<AuditHead, 'seal'>, secret: string): AuditHead {
  return { ...head, seal: sealOf(head, secret) }
}

/** One text for each entry: the values in one order, and details by their names. A change of it gets a new first word. */
function canonicalText(entry: Omit<AuditEntry, 'mac'>): string {
  const { seq, at, actor, act, tenant, target, requestId, details, keyId, previous } = entry
  const sorted = Object.entries(details).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([
    'entry 1',
    seq,
    at,
    actor.kind,
    actor.id,
    act,
    tenant,
    target,
    requestId,
    sorted,
    keyId,
    previous,
  ])
}

function hmac(text: string, secret: string): string {
  return createHmac('sha256', Buffer.from(secret, 'base64url')).update(text).digest('hex')
}
