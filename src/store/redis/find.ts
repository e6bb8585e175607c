/** Finds verifications, newest first, in pieces of the history, each with what lies in Redis from its time. */

import type { Verification } from '../../verification/verification.ts'
import type { FoundVerifications } from '../verifications.ts'

/** Sorts after every id, since those are hexadecimal. */
export const afterAllIds = 'g'

type Query = { readonly sinceMs: number; readonly before?: string; readonly max?: number }

/**
 * @param inRedis  The next piece of what lies in Redis, in any order.
 * @param inHistory  The next piece of the history.
 */
export async function findInBoth(
  { sinceMs, before = afterAllIds, max = Number.POSITIVE_INFINITY }: Query,
  inRedis: () => Promise<FoundVerifications>,
  inHistory: () => Promise<FoundVerifications>,
): Promise<FoundVerifications> {
  // First, because what moves meanwhile is then found in the history too, and not in neither.
  const hot = await inRedis()
  const piece = await inHistory()
  // Both are whole as far as the one that ends first.
  const next = hot.next !== null && (piece.next === null || hot.next > piece.next) ? hot.next : piece.next
  const isInPiece = ({ id, issuedAt }: Verification) =>
    id < before && issuedAt >= sinceMs && (next === null || id >= next)
  const byId = new Map([...piece.found, ...hot.found].filter(isInPiece).map((one) => [one.id, one]))
  const found = [...byId.values()].toSorted((a, b) => (a.id < b.id ? 1 : -1))
  if (found.length < max) return { found, next }
  return { found: found.slice(0, max), next: found[max - 1]!.id }
}
