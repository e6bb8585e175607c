/** A call-back that claims to come from the carrier, and the verdict of each way of verifying. */

import type { ReceiptRequest } from '../../../delivery/provider.ts'
import type { Said } from '../selectors.ts'

/** A call-back as verifiers see it. */
export type Call = {
  readonly request: ReceiptRequest
  /** All of its contents, before they are split into receipts. */
  readonly said: Said
  /** The URL that the carrier was given, with the query of this call. */
  readonly url: string
  readonly nowMs: number
}

export type Verify = (call: Call) => boolean
/** Makes a way of verifying, once, from the parameters in the block, which are templates of `values`. */
export type Verifier = (parameter: (name: string) => string) => Verify

/**
 * true: the call is the carrier's · answered: it is the carrier's, has no receipts, and needs nothing more, such as a
 * confirmed subscription · later: it cannot be verified now.
 */
export type Verdict = boolean | 'answered' | 'later'
