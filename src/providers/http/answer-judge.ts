/** Judges a carrier's answer to a message, by the rules of its block. */

import type { AnswerRules, ReceiptRules } from '../../config/carriers/block-schema.ts'
import { type Accepted, DeliveryError, type DeliveryErrorKind } from '../../delivery/provider.ts'
import type { Price } from '../../message/dispatch.ts'
import type { Answer } from './answer.ts'
import { ruleOf } from './answer-rules.ts'
import { wordsOf } from './recorded-words.ts'
import { retryAfterMs } from './retry-after.ts'
import { documentOf, type Find, finderOf, type Said } from './selectors.ts'

const noQuery = new URLSearchParams()

/**
 * @returns A function that judges answers: it returns the accepted message's data, or the error. Rules of failure are
 *   tried first, so that no rule of success can hide an error that has a known code.
 */
export function answerJudge(
  rules: AnswerRules,
): (answer: Answer, messageId: string, hidden: readonly string[], nowMs: number) => Accepted | DeliveryError {
  const kinds = (['refused', 'throttled', 'unavailable', 'unknown'] as const).map(
    (kind) => [kind, ruleOf(rules[kind])] as const,
  )
  const isAccepted = ruleOf(rules.accepted)
  const id = rules.id === undefined ? null : finderOf(rules.id)
  const isOurs = rules.receiptKey === 'messageId'
  const receiptKey = rules.receiptKey === undefined || isOurs ? null : finderOf(rules.receiptKey)
  const segments = rules.segments === undefined ? null : finderOf(rules.segments)
  const price = priceFinder(rules.price)
  const words = (rules.words ?? []).map(finderOf)

  return ({ status, headers, text }, messageId, hidden, nowMs) => {
    const said: Said = { document: documentOf(text, rules.parse ?? 'json'), text, headers, query: noQuery }
    const failed = (kind: DeliveryErrorKind, more: string | null = null) => {
      const later = headers['retry-after'] === undefined ? null : `retry after ${headers['retry-after']}`
      const own = words.map((find) => find(said))
      const wanted = retryAfterMs(headers['retry-after'], nowMs)
      return new DeliveryError(kind, wordsOf([status, ...own, more, later], hidden), {
        ...(wanted !== undefined && isLater(kind) && { retryAfterMs: wanted }),
      })
    }
    for (const [kind, holds] of kinds) if (holds(said, status)) return failed(kind)
    if (!isAccepted(said, status)) return failed(status === 429 ? 'throttled' : 'unavailable')
    const found = id === null ? messageId : id(said)
    // The answer reports success but has no id: the message may have been taken.
    if (found === null || found === '') return failed('unknown', 'an answer without an id')
    const named = isOurs ? messageId : (receiptKey?.(said) ?? null)
    const parts = segmentsOf(segments, said)
    const told = price(said)
    return {
      id: found,
      ...(named !== null && named !== found && { receiptKey: named }),
      ...(parts !== null && { segments: parts }),
      ...(told !== null && { price: told }),
    }
  }
}

/** Whether the carrier may ask to be tried later: not after a final refusal, nor if it may have taken the message. */
function isLater(kind: DeliveryErrorKind): boolean {
  return kind === 'throttled' || kind === 'unavailable'
}

/** A whole number of at least 1. Carriers that do not know the number yet answer 0. */
export function segmentsOf(find: Find | null, said: Said): number | null {
  const found = find?.(said) ?? ''
  return /^[1-9]\d{0,2}$/.test(found) ? Number(found) : null
}

export function priceFinder(
  price: AnswerRules['price'] | ReceiptRules['price'],
): (said: Said) => Price | null {
  if (price === undefined) return () => null
  const amount = finderOf(price.amount)
  const currency = price.currency.startsWith('/') ? finderOf(price.currency) : () => price.currency
  return (said) => {
    // Some carriers state the price as a negative change of the balance.
    const told = /^-?(\d{1,9}(?:\.\d{1,9})?)$/.exec(amount(said) ?? '')?.[1]
    const unit = currency(said)
    return told === undefined || unit === null ? null : { amount: told, currency: unit.toUpperCase() }
  }
}
