/** Hits in limiters on several shards: first those on other shards than the record's, undone if a later one refuses. */

import type { Hit, Limit, Throttled } from '../../throttle/acquire.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'

export type Refusal = Omit<Throttled, 'kind'>

/** A set of the member's verifications, and the id to put into it. */
export type MemberMark = { readonly shard: number; readonly key: string; readonly id: string }

/** A hit with all that is needed to refund it, or to undo it without a trace. */
type Reserved = Hit & {
  readonly shard: number
  readonly limiter: string
  readonly limit: Limit
  readonly before: number
}

export type Reservation = {
  /** Limits whose limiters are on the record's shard; their hits are made there. */
  readonly local: readonly { readonly limit: Limit; readonly limiter: string }[]
  /** The member's set, if it is on the record's shard. */
  readonly localMember: MemberMark | undefined
  /** Refusals on other shards. If there are any, no hit is made anywhere. */
  readonly refusals: readonly Refusal[]
  /** The hits elsewhere, of these limits. */
  hitsOf(limits: readonly Limit[]): readonly Hit[]
  /** Undoes the hits on other shards. If that fails, they count, so that no limit is exceeded. */
  undo(until: number): Promise<void>
}

/** How long a member's set is kept after the last issue: longer than any code is held, and then lives. */
export const memberSetMs = 1_260_000

/**
 * @param home  The shard of the record.
 * @throws AppError `store.unavailable`. Hits that are known to be made are then refunded; hits that may be made count.
 */
export async function reserve(
  calls: Calls,
  layout: Layout,
  until: number,
  home: number,
  limits: readonly Limit[],
  member?: MemberMark,
): Promise<Reservation> {
  const placed = limits.map((limit) => ({ limit, ...layout.limiter(limit.key) }))
  const local = placed.filter((one) => one.shard === home).map(({ limit, key }) => ({ limit, limiter: key }))
  const localMember = member?.shard === home ? member : undefined
  if (local.length === limits.length && localMember === member)
    return { local, localMember, refusals: [], hitsOf: () => [], undo: async () => undefined }
  const isRemoteMember = member !== undefined && member.shard !== home
  const elsewhere = Map.groupBy(
    placed.filter((one) => one.shard !== home),
    (one) => one.shard,
  )
  if (isRemoteMember && !elsewhere.has(member.shard)) elsewhere.set(member.shard, [])
  const reserved: Reserved[] = []
  const refusals: Refusal[] = []
  /** The member's set, if the id was put into it. */
  let marked: MemberMark | undefined
  const replies = await Promise.allSettled(
    [...elsewhere].map(async ([shard, some]) => {
      const mark = isRemoteMember && member.shard === shard ? member : undefined
      const reply = await calls.call({
        name: 'reserve',
        shard,
        keys: [...some.map((one) => one.key), ...(mark ? [mark.key] : [])],
        args: [mark?.id ?? '', memberSetMs],
        limits: some.map((one) => one.limit),
        until,
      })
      if (reply[0] === 'throttled') {
        refusals.push(refusalOf(reply[2]))
        return
      }
      marked = mark ?? marked
      const befores = String(reply[2]).split(',')
      for (const [i, { limit, key: limiter }] of some.entries())
        if (!limit.looksOnly)
          reserved.push({
            key: limit.key,
            form: limit.form,
            at: reply[1],
            shard,
            limiter,
            limit,
            before: Number(befores[i]),
          })
    }),
  )
  const undo = async (end: number) => {
    // Removed from the list, because a hit that is refunded twice would allow more than the limit.
    const groups = Map.groupBy(reserved.splice(0), (one) => one.shard)
    const unmarked = marked
    marked = undefined
    if (unmarked && !groups.has(unmarked.shard)) groups.set(unmarked.shard, [])
    await Promise.all(
      [...groups].map(([shard, some]) => {
        const mark = unmarked?.shard === shard ? unmarked : undefined
        return calls
          .call({
            name: 'refund',
            shard,
            keys: [...some.map((one) => one.limiter), ...(mark ? [mark.key] : [])],
            args: [JSON.stringify(some.map(undoOf)), mark?.id ?? ''],
            until: end,
          })
          .catch(() => undefined)
      }),
    )
  }
  const failed = replies.find((one) => one.status === 'rejected')
  if (failed || refusals.length > 0) await undo(until)
  if (failed) throw failed.reason
  return {
    local,
    localMember,
    refusals,
    hitsOf: (some) =>
      reserved.filter((one) => some.includes(one.limit)).map(({ key, form, at }) => ({ key, form, at })),
    undo,
  }
}

export function refusalOf(text: unknown): Refusal {
  return JSON.parse(text as string) as Refusal
}

/** All refusals as one: the longest wait, so that one wait is enough. */
export function throttledBy(refusals: readonly Refusal[]): Throttled {
  const longest = refusals.reduce((a, b) => (b.retryAfterMs > a.retryAfterMs ? b : a))
  return { kind: 'throttled', ...longest, scopes: refusals.flatMap((one) => one.scopes) }
}

/** The answer of a function whose limits refuse, or those elsewhere do. @param text  JSON of its own refusal, or nothing. */
export function throttledHere(refusals: readonly Refusal[], text: unknown): Throttled {
  return throttledBy(text === '' ? refusals : [...refusals, refusalOf(text)])
}

/** The longest refusal elsewhere, in the form of the functions; undefined if there is none. */
export function refusedOption(refusals: readonly Refusal[]): string | undefined {
  if (refusals.length === 0) return undefined
  const { rule, retryAfterMs } = throttledBy(refusals)
  return `refused=${rule}:${retryAfterMs}`
}

function undoOf({ form, at, limit, before }: Reserved) {
  const longest = limit.rules.reduce((most, rule) => ('perMs' in rule ? Math.max(most, rule.perMs) : most), 0)
  const bucket = limit.rules.find((rule) => rule.kind === 'bucket')
  return {
    undo: true,
    form,
    at,
    tag: limit.tag ?? 0,
    before,
    perMs: longest,
    ...(bucket && { perSecond: bucket.perSecond }),
  }
}
