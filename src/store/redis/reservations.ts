/** Takings from ledgers on several shards: those that do not lie with the record first, undone if another refuses. */

import type { Take, Taking, Throttled } from '../../throttle/take.ts'
import type { Calls, Reply } from './calls.ts'
import type { Layout } from './layout.ts'

export type Refusal = Omit<Throttled, 'kind'>

/** A set of the member's verifications, and the id to put into it. */
export type MemberMark = { readonly shard: number; readonly key: string; readonly id: string }

/** What is known of a taking: enough to give it back as `use` does, or to leave no trace of it. */
type Reserved = Taking & {
  readonly shard: number
  readonly ledger: string
  readonly take: Take
  readonly before: number
}

export type Reservation = {
  /** What lies with the record, and is taken there. */
  readonly local: readonly { readonly take: Take; readonly ledger: string }[]
  /** The member's set, if it lies with the record. */
  readonly localMember: MemberMark | undefined
  /** What refused elsewhere; then nothing is taken anywhere. */
  readonly refusals: readonly Refusal[]
  /** The takings elsewhere, of these takes. */
  takingsOf(takes: readonly Take[]): readonly Taking[]
  /** Leaves no trace of what was taken elsewhere. Failing that, it counts: a limit is never exceeded by it. */
  undo(until: number): Promise<void>
}

/** How long a member's set is kept after the last issue: longer than any code lives. */
export const memberSetMs = 660_000

/**
 * @param home  The shard of the record.
 * @throws AppError `store.unavailable`; what is known to be taken is given back, what may be counts.
 */
export async function reserve(
  calls: Calls,
  layout: Layout,
  until: number,
  home: number,
  takes: readonly Take[],
  member?: MemberMark,
): Promise<Reservation> {
  const placed = takes.map((take) => ({ take, ...layout.ledger(take.key) }))
  const local = placed.filter((one) => one.shard === home).map(({ take, key }) => ({ take, ledger: key }))
  const isRemoteMember = member !== undefined && member.shard !== home
  const elsewhere = Map.groupBy(
    placed.filter((one) => one.shard !== home),
    (one) => one.shard,
  )
  if (isRemoteMember && !elsewhere.has(member.shard)) elsewhere.set(member.shard, [])
  const reserved: Reserved[] = []
  const refusals: Refusal[] = []
  /** Where the id was put into the member's set, that set. */
  let marked: MemberMark | undefined
  const replies = await Promise.allSettled(
    [...elsewhere].map(async ([shard, some]) => {
      const mark = isRemoteMember && member.shard === shard ? member : undefined
      const reply = await calls.call({
        name: 'reserve',
        shard,
        keys: [...some.map((one) => one.key), ...(mark ? [mark.key] : [])],
        args: [
          JSON.stringify({
            takes: some.map((one) => wireOf(one.take)),
            ...(mark && { id: mark.id, lastsMs: memberSetMs }),
          }),
        ],
        until,
      })
      if (reply[0] === 'throttled') {
        refusals.push(refusalOf(reply))
        return
      }
      marked = mark ?? marked
      for (const [i, { take, key: ledger }] of some.entries())
        if (!take.looksOnly)
          reserved.push({
            key: take.key,
            form: take.form,
            at: reply[1],
            shard,
            ledger,
            take,
            before: reply[2 + i] as number,
          })
    }),
  )
  const undo = async (end: number) => {
    // Taken out: what is given back twice would be room that a limit does not have.
    const groups = Map.groupBy(reserved.splice(0), (one) => one.shard)
    const unmarked = marked
    marked = undefined
    if (unmarked && !groups.has(unmarked.shard)) groups.set(unmarked.shard, [])
    await Promise.all(
      [...groups].map(([shard, some]) => {
        const mark = unmarked?.shard === shard ? unmarked : undefined
        return calls
          .call({
            name: 'give_back',
            shard,
            keys: [...some.map((one) => one.ledger), ...(mark ? [mark.key] : [])],
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
    localMember: member?.shard === home ? member : undefined,
    refusals,
    takingsOf: (some) =>
      reserved.filter((one) => some.includes(one.take)).map(({ key, form, at }) => ({ key, form, at })),
    undo,
  }
}

/** As the functions take it. */
export function wireOf({ scope, form, rules, tag, keepMs, looksOnly }: Take) {
  return {
    scope,
    form,
    rules,
    ...(tag !== undefined && { tag }),
    ...(keepMs !== undefined && { keepMs }),
    ...(looksOnly && { looksOnly }),
  }
}

export function refusalOf(reply: Reply): Refusal {
  return JSON.parse(reply[2] as string) as Refusal
}

/** All refusals as one: the longest wait, so that one wait is enough. */
export function throttledBy(refusals: readonly Refusal[]): Throttled {
  const longest = refusals.reduce((a, b) => (b.retryAfterMs > a.retryAfterMs ? b : a))
  return { kind: 'throttled', ...longest, scopes: refusals.flatMap((one) => one.scopes) }
}

function undoOf({ form, at, take, before }: Reserved) {
  const longest = take.rules.reduce((most, rule) => ('perMs' in rule ? Math.max(most, rule.perMs) : most), 0)
  const bucket = take.rules.find((rule) => rule.kind === 'bucket')
  return {
    undo: true,
    form,
    at,
    tag: take.tag ?? 0,
    before,
    perMs: longest,
    ...(bucket && { perSecond: bucket.perSecond }),
  }
}
