/** The memory of one limit: a flat list of numbers that any engine can keep, and the rules over it. */

/**
 * A rule of a limit. Times in milliseconds.
 * - window: at most `max` in any interval of `perMs`, exactly.
 * - gaps: at least `gapsMs[n-1]` after the n-th of the last `perMs`; the last gap repeats.
 * - distinct: at most `max` different tags in any interval of `perMs`.
 * - bucket: `perSecond` on average and `burst` at once (GCRA).
 * - tally: at most `max` in any interval of `perMs`, counted in slots: it never allows more, and may
 *   refuse up to a slot too long. For limits too large to remember each taking.
 */
export type Rule =
  | { readonly kind: 'window'; readonly max: number; readonly perMs: number }
  | { readonly kind: 'gaps'; readonly gapsMs: readonly number[]; readonly perMs: number }
  | { readonly kind: 'distinct'; readonly max: number; readonly perMs: number }
  | { readonly kind: 'bucket'; readonly perSecond: number; readonly burst: number }
  | { readonly kind: 'tally'; readonly max: number; readonly perMs: number }

/**
 * What a ledger remembers. events: the times of takings, oldest first · tags: pairs of (last time, tag)
 * · bucket: one theoretical arrival time · tally: pairs of (slot number, count), oldest first.
 */
export type LedgerForm = 'events' | 'tags' | 'bucket' | 'tally'

export type Ledger = readonly number[]

export const tallySlots = 60

const slotMs = (perMs: number) => Math.ceil(perMs / tallySlots)

/**
 * How long until one more may be taken under the rule.
 * @param now  Engine time in ms; takings later than it (a clock that went back) count as now.
 * @param tag  For `distinct`: what is taken.
 * @returns 0 if now, else milliseconds to wait.
 */
export function waitMs(ledger: Ledger, rule: Rule, now: number, tag: number): number {
  switch (rule.kind) {
    case 'window': {
      if (rule.max <= 0) return rule.perMs
      // The slot frees when the max-th newest taking leaves the window.
      const at = ledger[ledger.length - rule.max]
      return at === undefined ? 0 : Math.max(0, at + rule.perMs - now)
    }
    case 'gaps': {
      const last = ledger.at(-1)
      if (last === undefined) return 0
      let count = 0
      for (let i = ledger.length - 1; i >= 0 && ledger[i]! + rule.perMs > now; i--) count++
      if (count === 0) return 0
      const gap = rule.gapsMs[Math.min(count, rule.gapsMs.length) - 1] ?? 0
      return Math.max(0, last + gap - now)
    }
    case 'distinct': {
      let oldest = Number.POSITIVE_INFINITY
      let count = 0
      for (let i = 0; i < ledger.length; i += 2) {
        const at = ledger[i]!
        if (at + rule.perMs <= now) continue
        if (ledger[i + 1] === tag) return 0
        count++
        if (at < oldest) oldest = at
      }
      return count < rule.max ? 0 : Math.max(1, oldest + rule.perMs - now)
    }
    case 'bucket': {
      const intervalMs = 1000 / rule.perSecond
      const arrival = ledger[0] ?? 0
      return Math.max(0, Math.ceil(arrival - (rule.burst - 1) * intervalMs - now))
    }
    case 'tally': {
      const slot = slotMs(rule.perMs)
      const first = Math.floor(now / slot) - tallySlots
      let sum = 0
      let waitSlot = 0
      for (let i = ledger.length - 2; i >= 0 && ledger[i]! >= first; i -= 2) {
        sum += ledger[i + 1]!
        if (sum >= rule.max) {
          waitSlot = ledger[i]!
          break
        }
      }
      return sum < rule.max ? 0 : Math.max(1, (waitSlot + tallySlots + 1) * slot - now)
    }
  }
}

/** The ledger after one more taking, with what no rule asks for any more left out. */
export function taken(
  ledger: Ledger,
  form: LedgerForm,
  rules: readonly Rule[],
  now: number,
  tag: number,
): Ledger {
  switch (form) {
    case 'events': {
      const kept = within(ledger, longestMs(rules), now)
      // Kept in order even if the clock of another process is ahead: the newest is last.
      return [...kept, Math.max(now, kept.at(-1) ?? 0)]
    }
    case 'tags': {
      const span = longestMs(rules)
      const next: number[] = []
      for (let i = 0; i < ledger.length; i += 2)
        if (ledger[i]! + span > now && ledger[i + 1] !== tag) next.push(ledger[i]!, ledger[i + 1]!)
      next.push(now, tag)
      return next
    }
    case 'bucket': {
      const rule = rules.find((one) => one.kind === 'bucket')
      return rule ? [Math.max(now, ledger[0] ?? 0) + 1000 / rule.perSecond] : ledger
    }
    case 'tally': {
      const slot = slotMs(longestMs(rules))
      const current = Math.floor(now / slot)
      const next: number[] = []
      for (let i = 0; i < ledger.length; i += 2)
        if (ledger[i]! >= current - tallySlots) next.push(ledger[i]!, ledger[i + 1]!)
      if (next.length > 0 && next[next.length - 2]! >= current) next[next.length - 1]!++
      else next.push(current, 1)
      return next
    }
  }
}

/** The ledger with the taking made at `at` given back, if it is still there. */
export function givenBack(ledger: Ledger, form: LedgerForm, at: number): Ledger {
  if (form !== 'events') return ledger
  const index = ledger.lastIndexOf(at)
  return index < 0 ? ledger : ledger.toSpliced(index, 1)
}

/** When the ledger says nothing any more and may be dropped, in ms since the epoch. */
export function forgottenAt(ledger: Ledger, form: LedgerForm, rules: readonly Rule[]): number {
  if (form === 'bucket') return ledger[0] ?? 0
  const span = longestMs(rules)
  if (form === 'tally') return ((ledger.at(-2) ?? 0) + tallySlots + 2) * slotMs(span)
  const last = form === 'tags' ? ledger.at(-2) : ledger.at(-1)
  return (last ?? 0) + span
}

function longestMs(rules: readonly Rule[]): number {
  let longest = 0
  for (const rule of rules) if (rule.kind !== 'bucket' && rule.perMs > longest) longest = rule.perMs
  return longest
}

function within(ledger: Ledger, spanMs: number, now: number): Ledger {
  let first = 0
  while (first < ledger.length && ledger[first]! + spanMs <= now) first++
  return first === 0 ? ledger : ledger.slice(first)
}
