/** Checks the chain of the audit: finds what was edited, removed, cut off, moved or put in, and where. */

import { timingSafeEqual } from 'node:crypto'
import { type AuditEntry, type AuditHead, macOf, sealOf } from './audit.ts'

/** An entry's number and MAC as somebody noted them. */
export type NotedHead = { readonly seq: number; readonly mac: string }

/** The first fault. */
export type AuditFault = {
  readonly kind: 'missing' | 'out-of-order' | 'altered' | 'cut' | 'head' | 'unknown-key' | 'noted'
  /** The number of the entry where it shows. */
  readonly seq: number
  readonly sentence: string
}

/**
 * @param secretOf  By the id of a ring key; undefined: the ring does not have it.
 * @param isPart  Whether the entries may begin in the middle, as in a file of the newest.
 */
export function auditChecker(
  secretOf: (keyId: string) => string | undefined,
  { noted, isPart = false }: { readonly noted?: NotedHead | undefined; readonly isPart?: boolean } = {},
) {
  let last: Pick<AuditEntry, 'seq' | 'mac'> | undefined
  let fault: AuditFault | undefined

  function faultOf(entry: AuditEntry): AuditFault | undefined {
    const { seq } = entry
    const expected = last ? last.seq + 1 : isPart ? seq : 1
    if (last && seq < expected)
      return {
        kind: 'out-of-order',
        seq,
        sentence: `entry ${seq} comes after entry ${last.seq}`,
      }
    if (seq > expected) return missing(expected, seq - 1)
    if (!last && seq === 1 && entry.previous !== '')
      return { kind: 'altered', seq, sentence: 'entry 1 was altered: it names an entry before it' }
    const secret = secretOf(entry.keyId)
    if (secret === undefined)
      return {
        kind: 'unknown-key',
        seq,
        sentence: `entry ${seq} is under the key ${entry.keyId}, which is not in the key ring`,
      }
    if (!isSame(macOf(entry, secret), entry.mac))
      return { kind: 'altered', seq, sentence: `entry ${seq} was altered, moved or put in` }
    if (last && !isSame(entry.previous, last.mac))
      return { kind: 'altered', seq, sentence: `entry ${seq} does not follow from entry ${last.seq}` }
    if (noted?.seq === seq && !isSame(noted.mac, entry.mac))
      return { kind: 'noted', seq, sentence: `entry ${seq} is not the one that was noted` }
    return undefined
  }

  return {
    /** In the order in which they are kept. After a fault nothing is checked any more. */
    take(entries: readonly AuditEntry[]): void {
      for (const entry of entries) {
        fault ??= faultOf(entry)
        if (fault) return
        last = entry
      }
    },
    last: () => last,
    fault: () => fault,

    /**
     * Checks the end.
     * @param head  The store's; undefined: it has none. null: these are entries without it, as in a file.
     */
    end(head: AuditHead | undefined | null): AuditFault | undefined {
      if (fault) return fault
      const seq = last?.seq ?? 0
      if (head !== null) fault ??= faultOfHead(head, seq)
      if (noted && noted.seq > seq && !fault) fault = cut(seq + 1, noted.seq)
      return fault
    },
  }

  function faultOfHead(head: AuditHead | undefined, seq: number): AuditFault | undefined {
    if (!head)
      return seq === 0
        ? undefined
        : { kind: 'head', seq, sentence: 'the head of the chain, which is kept apart, is missing' }
    const secret = secretOf(head.keyId)
    if (secret === undefined)
      return {
        kind: 'unknown-key',
        seq: head.seq,
        sentence: `the head is under the key ${head.keyId}, which is not in the key ring`,
      }
    if (!isSame(sealOf(head, secret), head.seal))
      return { kind: 'head', seq: head.seq, sentence: 'the head of the chain was altered' }
    if (head.seq > seq) return cut(seq + 1, head.seq)
    if (head.seq < seq || !last || !isSame(head.mac, last.mac))
      return { kind: 'head', seq, sentence: `entry ${seq} was put in behind the head of the chain` }
    return undefined
  }
}

function missing(from: number, to: number): AuditFault {
  return { kind: 'missing', seq: from, sentence: `${entries(from, to)} missing` }
}

function cut(from: number, to: number): AuditFault {
  return { kind: 'cut', seq: from, sentence: `${entries(from, to)} cut off at the end` }
}

function entries(from: number, to: number): string {
  return from === to ? `entry ${from} is` : `entries ${from} to ${to} are`
}

/** In a time that does not show where two MACs differ. */
function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
