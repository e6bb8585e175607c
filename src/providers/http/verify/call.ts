/** A call-back that says it is the carrier's, and what each way of verifying makes of it. */

import type { ReceiptRequest } from '../../../delivery/provider.ts'
import type { Said } from '../selectors.ts'

/** A call-back as verifiers see it. */
export type Call = {
  readonly request: ReceiptRequest
  /** The whole of what it says, before it is taken apart into receipts. */
  readonly said: Said
  /** As the carrier was given it, with the query it came with. */
  readonly url: string
  readonly nowMs: number
}

export type Verify = (call: Call) => boolean
/** Made once of the parameters a block states, which are templates of `values`. */
export type Verifier = (parameter: (name: string) => string) => Verify

/**
 * answered: it is the carrier's, about the calls themselves, and all that it wants is done · later: it cannot be
 * verified now.
 */
export type Verdict = boolean | 'answered' | 'later'
