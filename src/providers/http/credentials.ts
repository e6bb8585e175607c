/** Checks whether a carrier accepts our credentials, by a call of the block that changes nothing. */

import type { CarrierBlock } from '../../config/carriers/block-schema.ts'
import { DeliveryError } from '../../delivery/provider.ts'
import type { Values } from '../../liquid.ts'
import type { Answer } from './answer.ts'
import { ruleOf } from './answer-rules.ts'
import { compileRequest } from './compile-request.ts'
import { signingValues } from './message-values.ts'
import type { Outgoing } from './outgoing.ts'
import { wordsOf } from './recorded-words.ts'
import { finderOf, saidBy } from './selectors.ts'

export type CredentialProof = {
  request(nowMs: number): Outgoing
  /** @throws DeliveryError with the carrier's words if it refuses the credentials. */
  judge(answer: Answer, hidden: readonly string[]): void
}

/** @returns null if the block names no such call. */
export function credentialProof(block: CarrierBlock, server: string, values: Values): CredentialProof | null {
  if (!block.credentials) return null
  const { source: _, good, method = 'GET', sign = block.request.sign, ...call } = block.credentials
  const compiled = compileRequest({ ...call, method, server, ...(sign && { sign }) }, server)
  const isGood = ruleOf(good)
  const words = (block.answer.words ?? []).map(finderOf)

  return {
    request: (nowMs) => compiled({ ...values, ...signingValues(nowMs) }, nowMs),
    judge({ status, headers, text }, hidden) {
      const said = saidBy({ text, headers, query: '', form: block.answer.parse ?? 'json' })
      if (isGood(said, status)) return
      const told = wordsOf([status, ...words.map((find) => find(said))], hidden)
      throw new DeliveryError('unavailable', `credentials not taken: ${told}`)
    },
  }
}
