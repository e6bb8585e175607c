/** Calls that come again by the same key: their results, put together from what the functions keep of the first ones. */

import { AppError } from '../../errors.ts'
import type { Hit } from '../../throttle/acquire.ts'
import { asCallersSee } from '../../verification/stored-verification.ts'
import type { Verification } from '../../verification/verification.ts'
import { type StateNumber, stateOfNumber } from '../numbering.ts'
import { type Once, onceMs } from '../once.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'

/** Reads a verification, in Redis or in the history. */
export type ReadVerification = (id: string) => Promise<Verification | undefined>

/** As functions/once.lua keeps it. */
type Kept = {
  readonly kind: string
  readonly now: number
  readonly id: string
  /** What may have changed since; absent if nothing was found. */
  readonly record?: Pick<Verification, 'submissions' | 'issuedAt' | 'expiresAt'> & {
    readonly state: StateNumber
    readonly usedAt?: number
  }
  readonly retryAfterMs?: number | null
  /** See `nextChannelIn`. */
  readonly second?: string
  /** Those on other shards. */
  readonly hits?: readonly Hit[]
}

export type KeptResult = Omit<Kept, 'id' | 'record'> & { readonly record: Verification | undefined }

/**
 * Whether another call came before by the same key, of another address that lies on another shard. On its own shard the
 * function finds that itself.
 */
export async function isClaimedByAnother(
  calls: Calls,
  layout: Layout,
  until: number,
  { key, fingerprint }: Once,
): Promise<boolean> {
  const claim = layout.onceClaim(key)
  if (await calls.command(until, 'SET', claim, fingerprint, 'NX', 'PX', onceMs)) return false
  return (await calls.command(until, 'GET', claim)) !== fingerprint
}

/** The options of a call in the form of the functions. */
export function optionsOf(...options: readonly (string | false | undefined)[]): string {
  return options.filter(Boolean).join(' ')
}

export function onceOption(once: Once | undefined): string | undefined {
  return once && `once=${once.fingerprint}`
}

/** The result of the first call, with its verification as it was then. */
export async function keptResultOf(text: unknown, read: ReadVerification): Promise<KeptResult> {
  const { id, record: changing, ...kept } = JSON.parse(text as string) as Kept
  const found = await read(id)
  if (!changing) return { ...kept, record: found }
  if (!found) throw new AppError('store.unavailable', 'the verification of an earlier call is gone')
  const { state, usedAt = null } = changing
  return { ...kept, record: asCallersSee({ ...found, ...changing, usedAt, state: stateOfNumber[state]! }) }
}
