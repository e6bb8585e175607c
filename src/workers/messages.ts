/** The messages between the primary process and its workers. */

import type { Inbox } from '../providers/sandbox/inbox.ts'
import type { Snapshot } from './merged-metrics.ts'

export type ToWorker =
  /** The answer to `here`. */
  | { readonly kind: 'serve'; readonly number: number; readonly count: number }
  | { readonly kind: 'stop' }
  /** Answered with `counted`. */
  | { readonly kind: 'count'; readonly id: number }
  /** The answer to `metrics`; null if they could not be merged. The log of the primary process has the reason. */
  | { readonly kind: 'merged'; readonly id: number; readonly text: string | null }
  /** A message that arrived in another worker’s inbox. */
  | { readonly kind: 'inbox'; readonly message: ArrivedMessage }

/** `Started`: what a server announces when it serves; the primary process passes the first worker's on. */
export type ToPrimary<Started = unknown> =
  /** It listens to messages from now on; earlier ones are lost. */
  | { readonly kind: 'here' }
  /** `stopWithinMs`: from the order to stop to its end; a worker that takes longer hangs. */
  | { readonly kind: 'ready'; readonly started: Started; readonly stopWithinMs: number }
  | { readonly kind: 'counted'; readonly id: number; readonly metrics: Snapshot }
  /** Answered with `merged`. */
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'inbox'; readonly message: ArrivedMessage }

export type ArrivedMessage = Parameters<Inbox['add']>[0]
