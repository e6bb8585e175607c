/** The options with which every engine is opened. */

import type { SchemaOptions } from './schema.ts'

export type EngineOptions = SchemaOptions & {
  /** How long a server of the store that is not there yet is waited for. Default 5 s. */
  readonly startWithinMs?: number
  /** It is not there yet and is waited for; called once for each server. */
  readonly onAwaited?: (reason: string) => void
  /** After so long a call is refused with `store.unavailable`. Default 800. */
  readonly deadlineMs?: number
  /** Called at the end of each call with its verb and the ms from call to durable answer. */
  readonly onAnswered?: (verb: string, tookMs: number) => void
  /** The engine ended by itself: nothing works from now on. */
  readonly onFailed?: (reason: string) => void
}
