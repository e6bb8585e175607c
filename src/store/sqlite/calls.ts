/**
 * The form of calls to the engine's thread. It is JSON, because structured clone takes some three times as long for such
 * objects. The limits of an issue are most of its text and the same for every member, so each is sent once, and from then
 * on named by a number. Usual requests travel without names.
 */

import type { NewMessage } from '../../message/message.ts'
import { newOutboxEntry } from '../../message/outbox-entry.ts'
import type { Limit } from '../../throttle/acquire.ts'
import type { Rule } from '../../throttle/limiter-state.ts'
import { asCallersSee } from '../../verification/stored-verification.ts'
import type { Verification } from '../../verification/verification.ts'
import { newVerification } from '../verbs/issue.ts'
import type { IssueRequest, IssueResult, ResendResult, SolveResult } from '../verifications.ts'
import type { Operation, Outcome } from './engine.ts'
import { usualRequests } from './usual-requests.ts'

/** An operation with the number its answer goes by. */
export type Call = Operation & { readonly id: number }

/** A limit without its key. */
type UnkeyedLimit = Omit<Limit, 'key' | 'tag' | 'decoyKey'>
type ShortLimit = readonly [key: string, unkeyed: number, tag: number | null, decoyKey?: string]

/** A call as it is written; that of a usual request by its number among them. */
export type ShortCall = readonly [id: number, until: number, verb: string | number, args: readonly unknown[]]

const usual = Object.entries(usualRequests)
const numberOf = new Map(usual.map(([verb], i) => [verb, i]))

type Batch = {
  readonly calls: readonly ShortCall[]
  /** Limits that were not sent before. They get the next numbers. */
  readonly newLimits: readonly UnkeyedLimit[]
}

/** More limits than apps with policies of their own need. Limits beyond this number are sent whole each time. */
const maxLimits = 10_000

/** The properties of each request that are limits. */
const limitsIn: Readonly<Record<string, readonly string[]>> = {
  'verifications.issue': ['limits'],
  'verifications.takeSubmission': ['counted', 'wrong'],
  'verifications.resend': ['limits'],
}

/** Makes a writer, one for each thread that calls go to. */
export function callWriter() {
  /** Numbers by the rules of a limit, which `issueLimits` makes once for each policy. */
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

  const shorten = (limits: readonly Limit[]) => limits.map(shortened)

  return {
    /** The part of a call that is written, to be gathered for `textOf`. */
    prepared({ id, until, verb, args }: Call): ShortCall {
      const number = numberOf.get(verb)
      const values = number === undefined ? undefined : usual[number]![1].valuesOf(args[0] as never, shorten)
      if (values) return [id, until, number!, values]
      const members = limitsIn[verb]
      if (!members) return [id, until, verb, args]
      const request = { ...(args[0] as Record<string, unknown>) }
      for (const name of members) request[name] = shorten(request[name] as readonly Limit[])
      return [id, until, verb, [request]]
    },

    textOf(calls: readonly ShortCall[]): string {
      const newLimits = unsent
      unsent = []
      return JSON.stringify({ calls, newLimits } satisfies Batch)
    },
  }
}

/** Reads the texts of one writer, in the order in which they were written. */
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

  const wholes = (limits: readonly unknown[]) => (limits as readonly (Limit | ShortLimit)[]).map(whole)

  return (text) => {
    const { calls, newLimits } = JSON.parse(text) as Batch
    known.push(...newLimits)
    return calls.map(([id, until, verb, args]) => {
      if (typeof verb === 'number') {
        const [name, { requestOf }] = usual[verb]!
        return { id, until, verb: name, args: [requestOf(args as never, wholes)] }
      }
      const request = args[0] as Record<string, readonly Limit[]>
      for (const name of limitsIn[verb] ?? []) request[name] = wholes(request[name]!)
      return { id, until, verb, args }
    })
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

/** The result of an issue without the parts that its caller knows: the message, and all of a new record but its time. */
type IssueAnswer =
  | { readonly kind: 'issued'; readonly at: number; readonly sendAfterMs?: number }
  | {
      readonly kind: 'live'
      readonly at: number
      readonly record: Verification
      readonly sendAfterMs?: number
    }
  /** Any other result is passed as it is. */
  | { readonly kind: 'whole'; readonly result: IssueResult }

/** An outcome in the form of an answer. */
export function answerOf(verb: string, outcome: Outcome): Outcome {
  if (verb !== 'verifications.issue' || 'error' in outcome) return outcome
  const result = outcome.value as IssueResult
  return { value: issueAnswerOf(result) }
}

function issueAnswerOf(result: IssueResult): IssueAnswer {
  if (!('record' in result) || result.kind === 'kept' || result.replayed) return { kind: 'whole', result }
  const { kind, now: at, record, sendAfterMs } = result
  const next = sendAfterMs !== undefined && { sendAfterMs }
  return kind === 'issued' ? { kind, at, ...next } : { kind: 'live', at, record, ...next }
}

/** The result of an issue from such an answer. */
export function issueResultOf(request: IssueRequest, answer: IssueAnswer): IssueResult {
  if (answer.kind === 'whole') return answer.result
  const { kind, at, sendAfterMs } = answer
  const record = kind === 'issued' ? asCallersSee(newVerification(request, at)) : answer.record
  const { message } = request
  const next = sendAfterMs !== undefined && { sendAfterMs }
  return { kind, record, now: at, ...next, ...(message && { entry: newOutboxEntry(message, at, record) }) }
}

/** The same for other acts that queue the message of their request. */
export function withEntryOf<Result extends ResendResult | SolveResult>(
  { message }: { readonly message?: NewMessage },
  result: Result,
): Result {
  if (result.kind !== 'sent' || result.replayed || !message) return result
  return { ...result, entry: newOutboxEntry(message, result.now, result.record) }
}
