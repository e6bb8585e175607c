/** The invariants of every run, whatever failed in it: pure functions from its history to the breaches. */

import { type Call, type Delivery, type History, isUnknown, type Window } from './history.ts'

/** Each breach is a sentence; none means that the promise held. */
export type Invariant = (history: History) => string[]

/** Limiters hold whole milliseconds. */
const roundingMs = 2

export const invariants = {
  'each accepted send is accounted for': accountedFor,
  'copies are the same message': copiesAreTheSame,
  'a code is used once, by whom it was sent for, within its life': usedOnce,
  'comparisons stay within their limits': comparisonsWithinLimits,
  'issues stay within their limits': issuesWithinLimits,
  "nobody else's contact changed": contactsAreTheirOwn,
  'nothing but documented answers': answersAreDocumented,
} as const satisfies Record<string, Invariant>

export type InvariantName = keyof typeof invariants

/** @returns Breaches by the name of the invariant; empty if all held. */
export function breachesOf(history: History): Partial<Record<InvariantName, string[]>> {
  const found: Partial<Record<InvariantName, string[]>> = {}
  for (const [name, invariant] of Object.entries(invariants)) {
    const breaches = invariant(history)
    if (breaches.length > 0) found[name as InvariantName] = breaches
  }
  return found
}

/**
 * An accepted send ends in a message of its own at the carrier, within its code's life, or in a recorded failure. A
 * send that ended unknown makes one message or none; one that was refused makes none.
 */
function accountedFor({ calls, deliveries, failed, left, rules }: History): string[] {
  const breaches: string[] = left > 0 ? [`${left} messages never left the outbox`] : []
  const arrived = Map.groupBy(deliveries, ({ to }) => to)
  const sends = calls.filter(({ act }) => act === 'send')
  for (const [address, asked] of Map.groupBy(sends, (call) => call.address)) {
    const accepted = asked.filter(({ end }) => end === 'done')
    const unknown = asked.filter(isUnknown).length
    const messages = idsOf(arrived.get(address) ?? [])
    const recorded = failed.get(address) ?? 0
    if (messages.size + recorded < accepted.length)
      breaches.push(
        `${address}: ${accepted.length} accepted, ${messages.size} arrived, ${recorded} recorded as failed`,
      )
    if (messages.size > accepted.length + unknown)
      breaches.push(
        `${address}: ${messages.size} arrived for ${accepted.length} accepted and ${unknown} unknown`,
      )
    const lastAt = Math.max(...asked.map(({ endedAt }) => endedAt)) + rules.lifetimeMs
    for (const { at } of arrived.get(address) ?? [])
      if (at > lastAt) breaches.push(`${address}: a message came ${Math.round(at - lastAt)} ms too late`)
  }
  const askedFor = new Set(sends.map(({ address }) => address))
  for (const { to } of deliveries) if (!askedFor.has(to)) breaches.push(`${to}: a message nobody asked for`)
  return breaches
}

function copiesAreTheSame({ deliveries }: History): string[] {
  return [...Map.groupBy(deliveries, ({ id }) => id)]
    .filter(([, copies]) => new Set(copies.map(({ to, code }) => `${to} ${code}`)).size > 1)
    .map(([id, copies]) => `message ${id} came ${copies.length} times, with several codes or addresses`)
}

function usedOnce({ calls, deliveries, rules }: History): string[] {
  const breaches: string[] = []
  const uses = calls.filter(({ act, end }) => act !== 'send' && end === 'done')
  const consumed = uses.filter(({ consumes }) => consumes)
  for (const [key, winners] of Map.groupBy(consumed, ({ address, code }) => `${address} ${code}`)) {
    const requests = new Set(winners.map(({ request, member }) => `${member} ${request}`))
    if (requests.size > 1) breaches.push(`the code of ${key.split(' ')[0]} was used ${requests.size} times`)
  }
  const arrived = Map.groupBy(deliveries, ({ to, code }) => `${to} ${code}`)
  const sends = Map.groupBy(
    calls.filter(({ act, end }) => act === 'send' && end !== 'throttled'),
    ({ member, address }) => `${member} ${address}`,
  )
  for (const use of uses) {
    const messages = arrived.get(`${use.address} ${use.code}`) ?? []
    if (!messages.some(({ at }) => at <= use.endedAt))
      breaches.push(`${use.address}: a code was accepted that had not been sent`)
    const own = (sends.get(`${use.member} ${use.address}`) ?? []).filter(
      ({ startedAt }) => startedAt <= use.endedAt,
    )
    if (own.length === 0) breaches.push(`${use.address}: a code was accepted from who had not asked for it`)
    // A call that ended unknown may have been done later than it ended, by nobody knows how much.
    else if (!own.some(isUnknown)) {
      const latestEnd = Math.max(...own.map(({ endedAt }) => endedAt)) + rules.lifetimeMs
      if (use.startedAt > latestEnd + roundingMs)
        breaches.push(
          `${use.address}: a code was accepted ${Math.round(use.startedAt - latestEnd)} ms after its life`,
        )
    }
  }
  return breaches
}

function comparisonsWithinLimits({ calls, rules }: History): string[] {
  const told = new Set<string>()
  const compared = calls.filter(({ act, end, request }) => {
    if (act === 'send' || !['done', 'wrong', 'matched'].includes(end)) return false
    // The second success of one call may be its remembered answer.
    if (end !== 'done') return true
    return told.has(request) ? false : told.add(request)
  })
  return exceeded(
    compared,
    ({ member, address }) => `${address} by ${member}`,
    rules.submissions.memberAddress,
    'comparisons by one member',
  )
}

/** Those whose message nobody took do not count: they were refunded. */
function issuesWithinLimits({ calls, rules, failed }: History): string[] {
  const issued = calls.filter(({ act, end }) => act === 'send' && end === 'done')
  return [...Map.groupBy(issued, ({ address }) => address)].flatMap(([address, some]) => {
    const withoutHit = failed.get(address) ?? 0
    const limits = rules.issues.address.map(({ max, perMs }) => ({ max: max + withoutHit, perMs }))
    return exceeded(some, () => address, limits, 'issues')
  })
}

/**
 * A member has the contact it had, or one that it stored itself with a code that was sent there: the last one it was
 * told of, unless a later change ended unknown. No two have the same.
 */
function contactsAreTheirOwn({ calls, deliveries, holders }: History): string[] {
  const breaches: string[] = []
  const sent = new Set(deliveries.map(({ to, code }) => `${to} ${code}`))
  const changes = Map.groupBy(
    calls.filter(
      (call) => call.act === 'change' && (call.end === 'done' || isUnknown(call)) && sent.has(keyOf(call)),
    ),
    ({ member }) => member,
  )
  for (const { member, before, after } of holders) {
    const own = changes.get(member) ?? []
    const done = own.filter(({ end }) => end === 'done')
    const lastDoneAt = Math.max(0, ...done.map(({ startedAt }) => startedAt))
    const possible = own.filter((call) => isUnknown(call) || call.endedAt >= lastDoneAt)
    const isOwn = possible.some(({ address }) => address === after) || (after === before && done.length === 0)
    if (!isOwn) breaches.push(`member ${member}: ${before} became ${after} by no change of its own`)
  }
  const byContact = Map.groupBy(
    holders.filter(({ after }) => after !== null),
    ({ after }) => after,
  )
  for (const [contact, members] of byContact)
    if (members.length > 1) breaches.push(`${contact} belongs to ${members.length} members`)
  return breaches
}

/**
 * No call is answered with anything that is not documented for it, and none is left without an answer but by a
 * process that was killed. How fast refusals are is judged elsewhere.
 */
function answersAreDocumented({ calls, killed }: History): string[] {
  return calls
    .filter(({ end, process }) => end === 'strange' || (end === 'lost' && !killed.includes(process)))
    .map(({ act, process, word }) => `${act} at process ${process} ended with ${word}`)
}

const keyOf = ({ address, code }: Call) => `${address} ${code}`

function idsOf(deliveries: readonly Delivery[]): Set<string> {
  return new Set(deliveries.map(({ id }) => id))
}

/**
 * Each call counted at some moment between its start and its end; nobody outside knows at which. A breach is only
 * what holds for every choice of moments: more than `max` calls that lie, whole, within less than `perMs`.
 */
export function exceeded(
  calls: readonly Call[],
  subject: (call: Call) => string,
  windows: readonly Window[],
  what: string,
): string[] {
  const breaches: string[] = []
  for (const [name, counted] of Map.groupBy(calls, subject))
    for (const { max, perMs } of windows) {
      const most = mostWithin(counted, perMs - roundingMs)
      if (most > max) breaches.push(`${name}: ${most} ${what} within ${perMs / 1000} s, ${max} are allowed`)
    }
  return breaches
}

function mostWithin(calls: readonly Call[], perMs: number): number {
  let most = 0
  for (const { startedAt } of calls) {
    const within = calls.filter((call) => call.startedAt >= startedAt && call.endedAt < startedAt + perMs)
    most = Math.max(most, within.length)
  }
  return most
}
