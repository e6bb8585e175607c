/** The memory of one limit: a flat list of numbers that any engine can keep, and the rules over it. */

/**
 * A rule of a limit. Times in milliseconds.
 * - window: at most `max` in any interval of `perMs`, exactly.
 * - gaps: at least `gapsMs[n-1]` after the n-th of the last `perMs`; the last gap repeats.
 * - distinct: at most `max` different tags in any interval of `perMs`.
 * - bucket: `perSecond` on average and `burst` at once (GCRA).
 * - tally: at most `max` in any interval of `perMs`, counted in slots: it never allows more, and may
 *   refuse for up to a slot too long. For limits of a single app that are too large to remember each hit.
 */
export type Rule =
  | { readonly kind: 'window'; readonly max: number; readonly perMs: number }
  | { readonly kind: 'gaps'; readonly gapsMs: readonly number[]; readonly perMs: number }
  | { readonly kind: 'distinct'; readonly max: number; readonly perMs: number }
  | { readonly kind: 'bucket'; readonly perSecond: number; readonly burst: number }
  | { readonly kind: 'tally'; readonly max: number; readonly perMs: number }

/**
 * The forms of a limiter's state.
 * - events: the times of hits, oldest first. A time with a negative number after it stands for so many hits, none of them
 *   later: only the newest 300 or more are kept one by one.
 * - tags: pairs of (last time, tag).
 * - bucket: one theoretical arrival time.
 * - tally: pairs of (slot number, count), oldest first.
 *
 * Apps with different policies share events and tags. So these begin with the longest time that any of the apps looks
 * back, as a negative number (for tags as a pair with the number of tags kept): an app with short limits must not forget
 * hits that another still counts. A limiter of an older version has no such beginning.
 */
export type LimiterForm = 'events' | 'tags' | 'bucket' | 'tally'

export type LimiterState = readonly number[]

const tallySlots = 60

/** How many of the newest numbers stay as they are. Older hits are gathered into slots of the horizon. */
const maxExact = 300
/** Hits are gathered only beyond so many numbers, so that it is not done at each hit. */
const maxNumbers = 600

/**
 * How many of the newest tags are kept if no rule counts more. An app without such a limit may ask for any number of
 * addresses, and each hit reads and writes all tags that are kept.
 */
const minTags = 300

const slotMs = (perMs: number) => Math.ceil(perMs / tallySlots)

/**
 * How long to wait until the rule allows one more hit.
 * @param now  Engine time in ms. Later hits, from a clock that went back since, count as made now.
 * @param tag  For `distinct`: the tag of the hit.
 * @returns Milliseconds; 0 if it is allowed now.
 */
export function waitMs(limiter: LimiterState, rule: Rule, now: number, tag: number): number {
  switch (rule.kind) {
    case 'window': {
      if (rule.max <= 0) return rule.perMs
      // One more is allowed when the max-th newest hit leaves the window.
      const at = nthNewest(limiter, rule.max)
      return at === undefined ? 0 : Math.max(0, at + rule.perMs - now)
    }
    case 'gaps': {
      const last = nthNewest(limiter, 1)
      if (last === undefined) return 0
      const count = countSince(limiter, now - rule.perMs)
      if (count === 0) return 0
      const gap = rule.gapsMs[Math.min(count, rule.gapsMs.length) - 1] ?? 0
      return Math.max(0, last + gap - now)
    }
    case 'distinct': {
      const times: number[] = []
      for (let i = 0; i < limiter.length; i += 2) {
        const at = limiter[i]!
        if (at < 0 || at + rule.perMs <= now) continue
        if (limiter[i + 1] === tag) return 0
        times.push(at)
      }
      if (times.length < rule.max) return 0
      // Apps that allow more may have made more hits: all of them but max - 1 must leave.
      const last = times.sort((a, b) => a - b)[times.length - Math.max(1, rule.max)]!
      return Math.max(1, last + rule.perMs - now)
    }
    case 'bucket': {
      const intervalMs = 1000 / rule.perSecond
      const arrival = limiter[0] ?? 0
      return Math.max(0, Math.ceil(arrival - (rule.burst - 1) * intervalMs - now))
    }
    case 'tally': {
      const slot = slotMs(rule.perMs)
      const first = Math.floor(now / slot) - tallySlots
      let sum = 0
      let waitSlot = 0
      for (let i = limiter.length - 2; i >= 0 && limiter[i]! >= first; i -= 2) {
        sum += limiter[i + 1]!
        if (sum >= rule.max) {
          waitSlot = limiter[i]!
          break
        }
      }
      return sum < rule.max ? 0 : Math.max(1, (waitSlot + tallySlots + 1) * slot - now)
    }
  }
}

/**
 * The limiter after one more hit, without numbers that no rule needs any more.
 * @param keepMs  How far other users of the limiter may look back, at least.
 */
export function withHit(
  limiter: LimiterState,
  form: LimiterForm,
  rules: readonly Rule[],
  now: number,
  tag: number,
  keepMs = 0,
): LimiterState {
  switch (form) {
    case 'events': {
      const span = Math.max(maxLookBackMs(rules), keepMs, horizonMs(limiter))
      const kept = within(limiter, span, now)
      // By its own time, also if the clock went back since the newest: a refund finds it by that.
      return [-span, ...withHits(gathered(kept, span), [now])]
    }
    case 'tags': {
      const span = Math.max(maxLookBackMs(rules), keepMs, horizonMs(limiter))
      const most = Math.max(maxTags(rules), limiter[0]! < 0 ? limiter[1]! : 0)
      const kept: number[] = []
      for (let i = 0; i < limiter.length; i += 2)
        if (limiter[i]! >= 0 && limiter[i]! + span > now && limiter[i + 1] !== tag)
          kept.push(limiter[i]!, limiter[i + 1]!)
      return [-span, most, ...kept.slice(-2 * (most - 1)), now, tag]
    }
    case 'bucket': {
      const rule = rules.find((one) => one.kind === 'bucket')
      return rule ? [Math.max(now, limiter[0] ?? 0) + 1000 / rule.perSecond] : limiter
    }
    case 'tally': {
      const slot = slotMs(maxLookBackMs(rules))
      const current = Math.floor(now / slot)
      const next: number[] = []
      for (let i = 0; i < limiter.length; i += 2)
        if (limiter[i]! >= current - tallySlots) next.push(limiter[i]!, limiter[i + 1]!)
      if (next.length > 0 && next[next.length - 2]! >= current) next[next.length - 1]!++
      else next.push(current, 1)
      return next
    }
  }
}

/** The limiter without the hit made at `at`, if it is still there; empty if that was the last. */
export function withoutHit(limiter: LimiterState, form: LimiterForm, at: number): LimiterState {
  if (form !== 'events') return limiter
  const index = limiter.lastIndexOf(at)
  if (index < 0) return limiter
  const count = countAt(limiter, index)
  if (count > 2) return limiter.with(index + 1, 1 - count)
  const rest = limiter.toSpliced(count === 2 ? index + 1 : index, 1)
  return rest.length === 1 && rest[0]! < 0 ? [] : rest
}

/** Events with further hits put in at their times, in any order, for a decision over both. */
export function withHits(events: LimiterState, times: LimiterState): LimiterState {
  const all = [...events]
  for (const time of times) {
    let i = all.length
    // A count stays with the time before it, and the horizon at the beginning.
    while (i > 0 && (all[i - 1]! < 0 ? i > 1 && all[i - 2]! > time : all[i - 1]! > time)) i--
    all.splice(i, 0, time)
  }
  return all
}

/** When no hit of the limiter counts any more, so that it may be dropped, in ms since the epoch. */
export function forgottenAt(limiter: LimiterState, form: LimiterForm, rules: readonly Rule[]): number {
  if (form === 'bucket') return limiter[0] ?? 0
  if (form === 'tally') return ((limiter.at(-2) ?? 0) + tallySlots + 2) * slotMs(maxLookBackMs(rules))
  const last = form === 'tags' ? limiter.at(-2) : nthNewest(limiter, 1)
  return Math.max(0, last ?? 0) + Math.max(maxLookBackMs(rules), horizonMs(limiter))
}

/** How many more hits the rule allows at once: a `gaps` rule one or none. @param now  As for `waitMs`. */
export function leftOf(limiter: LimiterState, rule: Rule, now: number): number {
  switch (rule.kind) {
    case 'window':
      return Math.max(0, rule.max - countSince(limiter, now - rule.perMs))
    case 'gaps':
      return waitMs(limiter, rule, now, 0) > 0 ? 0 : 1
    case 'distinct': {
      let count = 0
      for (let i = 0; i < limiter.length; i += 2)
        if (limiter[i]! >= 0 && limiter[i]! + rule.perMs > now) count++
      return Math.max(0, rule.max - count)
    }
    case 'bucket': {
      const ahead = Math.max(0, (limiter[0] ?? 0) - now)
      return Math.max(0, Math.floor(rule.burst - (ahead * rule.perSecond) / 1000))
    }
    case 'tally': {
      const first = Math.floor(now / slotMs(rule.perMs)) - tallySlots
      let sum = 0
      for (let i = 0; i < limiter.length; i += 2) if (limiter[i]! >= first) sum += limiter[i + 1]!
      return Math.max(0, rule.max - sum)
    }
  }
}

/** The longest time that any user of the limiter looks back; 0 if it has none. */
function horizonMs(limiter: LimiterState): number {
  return Math.max(0, -(limiter[0] ?? 0))
}

/** How many hits the time at an index of events stands for. */
function countAt(limiter: LimiterState, index: number): number {
  return Math.max(1, -(limiter[index + 1] ?? 0))
}

/** The time of the n-th newest of events, or a little later if it was gathered; undefined if there are fewer. */
function nthNewest(limiter: LimiterState, nth: number): number | undefined {
  let count = 0
  for (let i = limiter.length - 1; i >= 0; i--) {
    // A count stands after its time; the one at the very beginning is the horizon.
    const weight = limiter[i]! < 0 ? -limiter[i--]! : 1
    if (i < 0) return undefined
    count += weight
    if (count >= nth) return limiter[i]
  }
  return undefined
}

/** How many of the events are later than a time. */
function countSince(limiter: LimiterState, time: number): number {
  let count = 0
  for (let i = limiter.length - 1; i >= 0; i--) {
    const weight = limiter[i]! < 0 ? -limiter[i--]! : 1
    if (i < 0 || limiter[i]! <= time) break
    count += weight
  }
  return count
}

/** The events without their horizon and without what is older than `spanMs`. */
function within(limiter: LimiterState, spanMs: number, now: number): LimiterState {
  let first = 0
  while (first < limiter.length && (limiter[first]! < 0 || limiter[first]! + spanMs <= now)) first++
  return limiter.slice(first)
}

/** Gathers the oldest of many events: those of a slot count as if all were made at the time of its last. */
function gathered(events: LimiterState, spanMs: number): LimiterState {
  if (events.length < maxNumbers) return events
  const slot = slotMs(spanMs)
  const next: number[] = []
  let i = 0
  while (i < events.length - maxExact) {
    const at = events[i]!
    let count = 0
    let last = at
    while (i < events.length - maxExact && Math.floor(events[i]! / slot) === Math.floor(at / slot)) {
      last = events[i]!
      const weight = countAt(events, i)
      count += weight
      i += weight > 1 ? 2 : 1
    }
    next.push(last)
    if (count > 1) next.push(-count)
  }
  return [...next, ...events.slice(i)]
}

/** Twice the number that rules count, because a refund does not bring back the tag that its hit pushed out. */
function maxTags(rules: readonly Rule[]): number {
  return rules.reduce(
    (most, rule) => (rule.kind === 'distinct' ? Math.max(most, 2 * rule.max) : most),
    minTags,
  )
}

function maxLookBackMs(rules: readonly Rule[]): number {
  let longest = 0
  for (const rule of rules) if (rule.kind !== 'bucket' && rule.perMs > longest) longest = rule.perMs
  return longest
}
