/** The history of a run: all that callers, carrier and server saw. Times are of one monotonic clock, in ms. */

export type Act = 'send' | 'verify' | 'change'

/**
 * done: 200 · wrong: compared, or nothing there to compare with; one answer · matched: the code was right, and yet
 * nothing was done · throttled · unavailable: 500-class with `Retry-After` · lost: no answer · strange: any other.
 */
export type End = 'done' | 'wrong' | 'matched' | 'throttled' | 'unavailable' | 'lost' | 'strange'

export type Call = {
  readonly act: Act
  /** Which of the installation's processes was called. */
  readonly process: number
  readonly member: string
  readonly address: string
  /** As entered; empty for a send. */
  readonly code: string
  /** A right code is used up by this call: a change, or a check of the member's own contact. */
  readonly consumes: boolean
  /** Its request id. The same one means the same call, made again. */
  readonly request: string
  readonly startedAt: number
  readonly endedAt: number
  readonly end: End
  /** The wire's code of a refusal, or how the connection ended. */
  readonly word: string
}

/** A message as the carrier got it. */
export type Delivery = {
  readonly id: string
  readonly to: string
  readonly code: string
  readonly at: number
}

/** At most `max` in any `perMs`. */
export type Window = { readonly max: number; readonly perMs: number }

/** The settings of the run, as far as its callers could break them. */
export type Rules = {
  readonly lifetimeMs: number
  readonly issues: { readonly address: readonly Window[] }
  readonly submissions: { readonly memberAddress: readonly Window[] }
}

export type Holder = {
  readonly member: string
  readonly before: string | null
  readonly after: string | null
}

export type History = {
  readonly rules: Rules
  /** Processes that were killed: who called them may get no answer. */
  readonly killed: readonly number[]
  readonly calls: readonly Call[]
  readonly deliveries: readonly Delivery[]
  /** The number of messages to an address that the server recorded as never sent. */
  readonly failed: ReadonlyMap<string, number>
  /** Every member's contact before and after, as the member reads it from the server. */
  readonly holders: readonly Holder[]
  /** Messages that were still on their way at the end. */
  readonly left: number
}

/** Whether the call may have been done although its caller got no success. */
export function isUnknown({ end }: Call): boolean {
  return end === 'unavailable' || end === 'lost'
}
