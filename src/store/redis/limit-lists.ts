/** Lists of limits in the form of the functions, without the keys of limiters, so that a list is the same in all calls of a policy. */

import type { Limit } from '../../throttle/acquire.ts'
import type { Rule } from '../../throttle/limiter-state.ts'

type Unkeyed = Omit<Limit, 'key' | 'tag' | 'decoyKey'>
type Known = Unkeyed & { readonly number: number; readonly json: string }

/** More than apps with policies of their own need. */
const maxLists = 1_000

/** Limits by their rules, which are made once for each policy. */
const known = new WeakMap<readonly Rule[], Known>()
let count = 0
/** Lists by the numbers of their limits. */
const lists = new Map<string, string>()

/** @returns JSON; the same string for the same limits, unless too many lists are in use. */
export function listOf(limits: readonly Limit[]): string {
  const all = limits.map(knownOf)
  const numbers = all.map(({ number }) => number).join()
  let list = lists.get(numbers)
  if (list === undefined) {
    list = `[${all.map(({ json }) => json).join()}]`
    if (lists.size >= maxLists) lists.clear()
    lists.set(numbers, list)
  }
  return list
}

/** The tags of those limits that have one: `number=tag`, by commas. */
export function tagsOf(limits: readonly Limit[]): string {
  let tags = ''
  for (const [i, { tag }] of limits.entries()) if (tag !== undefined) tags += `${tags && ','}${i + 1}=${tag}`
  return tags
}

function knownOf(limit: Limit): Known {
  const found = known.get(limit.rules)
  if (found && isSame(found, limit)) return found
  const { scope, form, rules, keepMs, looksOnly } = limit
  const unkeyed = {
    scope,
    form,
    rules,
    ...(keepMs !== undefined && { keepMs }),
    ...(looksOnly && { looksOnly }),
  }
  const made = { ...unkeyed, number: ++count, json: JSON.stringify(unkeyed) }
  known.set(limit.rules, made)
  return made
}

function isSame(a: Unkeyed, b: Unkeyed): boolean {
  return a.scope === b.scope && a.form === b.form && a.keepMs === b.keepMs && a.looksOnly === b.looksOnly
}
