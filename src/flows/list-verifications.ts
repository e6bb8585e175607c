/** Lists verifications of anyone for their caller: by subject and state, or by address. */

import { type Address, addressKey } from '../address/address.ts'
import { open, seal } from '../code/seal.ts'
import type { FoundVerifications } from '../store/verifications.ts'
import { subjectOfWord } from '../verification/subject.ts'
import type { Verification } from '../verification/verification.ts'
import { type ApiCaller, isOfCaller } from './api-caller.ts'
import type { Services } from './services.ts'
import { type VerificationView, type ViewState, viewOf } from './verification-view.ts'

export type VerificationList = {
  readonly views: readonly VerificationView[]
  /** The `cursor` of the next page; null: there is none. A page may be empty and still have a next one. */
  readonly next: string | null
}

export type ListQuery = {
  /** Made at this time or later, ms since the epoch. */
  readonly sinceMs: number
  /** `next` of the page before. */
  readonly cursor?: string
  /** The most on a page. */
  readonly max: number
  /** undefined: of all. `undeliverable` is known of a single verification only, so none is listed by it. */
  readonly state?: ViewState
}

/** Pieces of time that one call looks through, so that it ends in time whatever others have stored. */
const maxPieces = 5

/**
 * Newest first.
 * @param query.subject  The caller's own word for a person; undefined: of all.
 * @returns undefined if the cursor is none of this app's.
 */
export async function listVerifications(
  services: Services,
  caller: ApiCaller,
  query: ListQuery & { readonly subject?: string },
): Promise<VerificationList | undefined> {
  const { subject, sinceMs, max } = query
  return paged(services, caller, query, (before) =>
    services.store.verifications.list({
      app: caller.app.id,
      sinceMs,
      max,
      ...(subject !== undefined && { subject: subjectOfWord(subject, caller.isTest) }),
      ...(before !== undefined && { before }),
    }),
  )
}

/** Those of an address that this app asked for, newest first. @returns undefined if the cursor is none of this app's. */
export async function searchVerifications(
  services: Services,
  caller: ApiCaller,
  to: Address,
  query: ListQuery,
): Promise<VerificationList | undefined> {
  const { sinceMs, max } = query
  return paged(services, caller, query, (before) =>
    services.store.verifications.list({
      app: caller.app.id,
      address: addressKey(to),
      sinceMs,
      max,
      ...(before !== undefined && { before }),
    }),
  )
}

async function paged(
  services: Services,
  caller: ApiCaller,
  { cursor, max, state }: ListQuery,
  pieceBefore: (before: string | undefined) => Promise<FoundVerifications>,
): Promise<VerificationList | undefined> {
  const { ring, store, policyOf } = services
  const { maxSubmissions } = policyOf(caller.app)
  // Sealed, because the end of a piece may be a verification of another app.
  const context = `cursor:${caller.app.id}`
  const first = cursor === undefined ? undefined : open(ring, cursor, context)
  if (cursor !== undefined && first === undefined) return undefined
  const now = await store.now()
  const views: VerificationView[] = []
  const isWanted = (record: Verification) =>
    isOfCaller(caller, record) && (state === undefined || viewOf(record, now, maxSubmissions).state === state)
  let before = first
  for (let pieces = 0; pieces < maxPieces; pieces++) {
    const piece = await pieceBefore(before)
    const found = piece.found.filter(isWanted)
    const some = found.slice(0, max - views.length)
    views.push(...some.map((record) => viewOf(record, now, maxSubmissions)))
    // The piece may have more than the page has room for: the next page begins after the last one shown.
    const end = some.length < found.length ? some.at(-1)!.id : piece.next
    if (end === null) return { views, next: null }
    before = end
    if (views.length >= max) break
  }
  return { views, next: seal(ring, before!, context) }
}
