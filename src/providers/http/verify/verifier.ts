/** Verifies that a call-back comes from the carrier. Each way is a file of its own, chosen by its name in the block. */

import type { ReceiptRules, Verification } from '../../../config/carriers/block-schema.ts'
import { createCompiler, type Values } from '../../../liquid.ts'
import type { Reach } from '../other-servers.ts'
import { addresses } from './addresses.ts'
import { basic } from './basic.ts'
import type { Call, Verdict, Verifier } from './call.ts'
import { ecdsa } from './ecdsa.ts'
import { hmac } from './hmac.ts'
import { messageBird } from './message-bird.ts'
import { secret } from './secret.ts'
import { sns } from './sns.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { twilio } from './twilio.ts'
import { vonage } from './vonage.ts'

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

type Way = (call: Call) => Verdict | Promise<Verdict>

/** All ways that a block states must hold. If it states a list, all ways of at least one item must. */
export function verifierOf(
  verify: ReceiptRules['verify'],
  values: Values,
  reach: Reach,
): (call: Call) => Promise<Verdict> {
  const alternatives = [verify].flat().map((one) => waysOf(one, values, reach))
  return async (call) => {
    let verdict: Verdict = false
    for (const ways of alternatives) {
      verdict = await verdictOf(ways, call)
      if (verdict !== false) break
    }
    return verdict
  }
}

function waysOf(verify: Verification, values: Values, reach: Reach): readonly Way[] {
  const compile = createCompiler()
  const { hmac: composed, ...named } = verify
  const ways = Object.entries(named as Readonly<Record<string, Readonly<Record<string, string>>>>).map(
    ([way, given]): Way => {
      const parameter = (name: string) => (given[name] === undefined ? '' : compile(given[name])(values))
      return way === 'sns' ? sns(parameter('topics'), reach) : verifiers[way]!(parameter)
    },
  )
  return composed ? [...ways, hmac(composed, values)] : ways
}

/** @returns false as soon as one way gives it; else the last verdict other than true; else true. */
async function verdictOf(ways: readonly Way[], call: Call): Promise<Verdict> {
  let all: Verdict = true
  for (const way of ways) {
    const one = await way(call)
    if (one === false) return false
    if (one !== true) all = one
  }
  return all
}
