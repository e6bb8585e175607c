/**
 * How calls travel to the engine's thread: as JSON, because structured clone takes some three times as long for
 * objects of this kind. The limits of an issue are most of its text and the same for every member, so each is sent
 * once and named by a number from then on.
 */

import type { Rule } from '../../throttle/ledger.ts'
import type { Take } from '../../throttle/take.ts'
import type { Operation } from './engine.ts'

/** An operation with the number its answer goes by. */
export type Call = Operation & { readonly id: number }

/** All of a take but whose ledger it is. */
type Limit = Omit<Take, 'key' | 'tag' | 'decoyKey'>
type ShortTake = readonly [key: string, limit: number, tag: number | null, decoyKey?: string]

type Batch = {
  readonly calls: readonly Call[]
  /** Not sent before; they get the next numbers. */
  readonly limits: readonly Limit[]
}

/** More than apps with policies of their own need. Takes of limits beyond these travel whole. */
const mostLimits = 10_000

/** Which members of a request are takes. */
const takesIn: Readonly<Record<string, readonly string[]>> = {
  'verifications.issue': ['takes'],
  'verifications.takeSubmission': ['counted', 'wrong'],
}

/** One for each thread that is written to. */
export function callWriter() {
  /** By their rules, which `issueTakes` makes once for each policy. */
  const numbers = new WeakMap<readonly Rule[], { readonly number: number; readonly limit: Limit }>()
  let count = 0
  let unsent: Limit[] = []

  function shortened(take: Take): Take | ShortTake {
    const { key, tag = null, decoyKey, ...limit } = take
    let known = numbers.get(take.rules)
    if (known === undefined) {
      if (count >= mostLimits) return take
      known = { number: count++, limit }
      numbers.set(take.rules, known)
      unsent.push(limit)
    } else if (!isSame(known.limit, take)) return take
    return decoyKey === undefined ? [key, known.number, tag] : [key, known.number, tag, decoyKey]
  }

  return {
    /** What is written of a call, to be gathered for `textOf`. */
    prepared(call: Call): Call {
      const members = takesIn[call.verb]
      if (!members) return call
      const request = { ...(call.args[0] as Record<string, unknown>) }
      for (const name of members) request[name] = (request[name] as readonly Take[]).map(shortened)
      return { ...call, args: [request] }
    },

    textOf(calls: readonly Call[]): string {
      const limits = unsent
      unsent = []
      return JSON.stringify({ calls, limits } satisfies Batch)
    },
  }
}

/** Reads what one writer wrote, in the order it was written. */
export function callReader(): (text: string) => readonly Call[] {
  const known: Limit[] = []

  function whole(take: Take | ShortTake): Take {
    if (!('length' in take)) return take
    const [key, number, tag, decoyKey] = take
    return {
      ...known[number]!,
      key,
      ...(tag !== null && { tag }),
      ...(decoyKey !== undefined && { decoyKey }),
    }
  }

  return (text) => {
    const { calls, limits } = JSON.parse(text) as Batch
    known.push(...limits)
    for (const { verb, args } of calls) {
      const request = args[0] as Record<string, readonly (Take | ShortTake)[]>
      for (const name of takesIn[verb] ?? []) request[name] = request[name]!.map(whole)
    }
    return calls
  }
}

function isSame(limit: Limit, { scope, form, keepMs, looksOnly }: Take): boolean {
  return (
    limit.scope === scope && limit.form === form && limit.keepMs === keepMs && limit.looksOnly === looksOnly
  )
}
