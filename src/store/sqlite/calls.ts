/**
 * How calls travel to the engine's thread: as JSON, because structured clone takes some three times as long for
 * objects of this kind. The newLimits of an issue are most of its text and the same for every member, so each is sent
 * once and named by a number from then on.
 */

import { newOutboxEntry } from '../../message/outbox-entry.ts'
import type { Limit, Throttled } from '../../throttle/acquire.ts'
import type { Rule } from '../../throttle/limiter-state.ts'
import { asCallersSee } from '../../verification/stored-verification.ts'
import type { Verification } from '../../verification/verification.ts'
import { newVerification } from '../verbs/issue.ts'
import type { IssueRequest, IssueResult } from '../verifications.ts'
import type { Operation, Outcome } from './engine.ts'

/** An operation with the number its answer goes by. */
export type Call = Operation & { readonly id: number }

/** A limit without its key. */
type UnkeyedLimit = Omit<Limit, 'key' | 'tag' | 'decoyKey'>
type ShortLimit = readonly [key: string, unkeyed: number, tag: number | null, decoyKey?: string]

type Batch = {
  readonly calls: readonly Call[]
  /** Not sent before; they get the next numbers. */
  readonly newLimits: readonly UnkeyedLimit[]
}

/** More than apps with policies of their own need. Takes of newLimits beyond these travel whole. */
const maxLimits = 10_000

/** Which members of a request are limits. */
const limitsIn: Readonly<Record<string, readonly string[]>> = {
  'verifications.issue': ['limits'],
  'verifications.takeSubmission': ['counted', 'wrong'],
}

/** One for each thread that is written to. */
export function callWriter() {
  /** By their rules, which `issueTakes` makes once for each policy. */
  const numbers = new WeakMap<readonly Rule[], { readonly number: number; readonly unkeyed: UnkeyedLimit }>()
  let count = 0
  let unsent: UnkeyedLimit[] = []

  function shortened(limit: Limit): Limit | ShortLimit {
    const { key, tag = null, decoyKey, ...unkeyed } = limit
    let known = numbers.get(limit.rules)
    if (known === undefined) {
      if (count >= maxLimits) return limit
      known = { number: count++, unkeyed }
      numbers.set(limit.rules, known)
      unsent.push(unkeyed)
    } else if (!isSame(known.unkeyed, limit)) return limit
    return decoyKey === undefined ? [key, known.number, tag] : [key, known.number, tag, decoyKey]
  }

  return {
    /** What is written of a call, to be gathered for `textOf`. */
    prepared(call: Call): Call {
      const members = limitsIn[call.verb]
      if (!members) return call
      const request = { ...(call.args[0] as Record<string, unknown>) }
      for (const name of members) request[name] = (request[name] as readonly Limit[]).map(shortened)
      return { ...call, args: [request] }
    },

    textOf(calls: readonly Call[]): string {
      const newLimits = unsent
      unsent = []
      return JSON.stringify({ calls, newLimits } satisfies Batch)
    },
  }
}

/** Reads what one writer wrote, in the order it was written. */
export function callReader(): (text: string) => readonly Call[] {
  const known: UnkeyedLimit[] = []

  function whole(limit: Limit | ShortLimit): Limit {
    if (!('length' in limit)) return limit
    const [key, number, tag, decoyKey] = limit
    return {
      ...known[number]!,
      key,
      ...(tag !== null && { tag }),
      ...(decoyKey !== undefined && { decoyKey }),
    }
  }

  return (text) => {
    const { calls, newLimits } = JSON.parse(text) as Batch
    known.push(...newLimits)
    for (const { verb, args } of calls) {
      const request = args[0] as Record<string, readonly (Limit | ShortLimit)[]>
      for (const name of limitsIn[verb] ?? []) request[name] = request[name]!.map(whole)
    }
    return calls
  }
}

function isSame(unkeyed: UnkeyedLimit, { scope, form, keepMs, looksOnly }: Limit): boolean {
  return (
    unkeyed.scope === scope &&
    unkeyed.form === form &&
    unkeyed.keepMs === keepMs &&
    unkeyed.looksOnly === looksOnly
  )
}

/** The result of an issue without what its caller knows already: the message, and all of a new record but its time. */
type IssueAnswer =
  | { readonly kind: 'issued'; readonly at: number }
  /** `at`: of its message; 0 if there is none. */
  | { readonly kind: 'live'; readonly at: number; readonly record: Verification }
  | Throttled

/** An outcome as it is answered. */
export function answerOf(verb: string, outcome: Outcome): Outcome {
  if (verb !== 'verifications.issue' || 'error' in outcome) return outcome
  const result = outcome.value as IssueResult
  if (result.kind === 'throttled') return outcome
  const { kind, record, entry } = result
  const answer: IssueAnswer =
    kind === 'issued' ? { kind, at: record.issuedAt } : { kind, at: entry?.queuedAt ?? 0, record }
  return { value: answer }
}

/** The other way round. */
export function issueResultOf(request: IssueRequest, answer: IssueAnswer): IssueResult {
  if (answer.kind === 'throttled') return answer
  const { kind, at } = answer
  const record = kind === 'issued' ? asCallersSee(newVerification(request, at)) : answer.record
  const { message } = request
  return { kind, record, ...(message && { entry: newOutboxEntry(message, at, record) }) }
}
