/** Whether a call-back comes from the carrier: each way a file of its own, chosen by its name in the block. */

import type { ReceiptRules, Verification } from '../../../config/carriers/block-schema.ts'
import type { ReceiptRequest } from '../../../delivery/provider.ts'
import { createCompiler, type Values } from '../../../liquid.ts'
import type { Said } from '../places.ts'
import { addresses } from './addresses.ts'
import { basic } from './basic.ts'
import { ecdsa } from './ecdsa.ts'
import { hmac } from './hmac.ts'
import { messageBird } from './message-bird.ts'
import { secret } from './secret.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { twilio } from './twilio.ts'
import { vonage } from './vonage.ts'

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

const verifiers: Readonly<Record<string, Verifier>> = {
  addresses,
  basic,
  ecdsa,
  messageBird,
  secret,
  standardWebhooks,
  twilio,
  vonage,
}

/** All ways that a block states must hold; where it has a list of such, all of one item. */
export function verifierOf(verify: ReceiptRules['verify'], values: Values): Verify {
  const alternatives = [verify].flat().map((one) => allOf(one, values))
  return (call) => alternatives.some((holds) => holds(call))
}

function allOf(verify: Verification, values: Values): Verify {
  const compile = createCompiler()
  const { hmac: composed, ...named } = verify
  const ways = Object.entries(named as Readonly<Record<string, Readonly<Record<string, string>>>>).map(
    ([way, given]) =>
      verifiers[way]!((name) => (given[name] === undefined ? '' : compile(given[name])(values))),
  )
  if (composed) ways.push(hmac(composed, values))
  return (call) => ways.every((holds) => holds(call))
}
