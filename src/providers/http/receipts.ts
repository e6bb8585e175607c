/** A carrier's call-backs by the rules of its block: verified, taken apart, and handed in as receipts. */

import { setImmediate as aTurn } from 'node:timers/promises'
import type { ReceiptRules } from '../../config/carriers/block-schema.ts'
import type { Receipt, ReceiptAnswer, ReceiptRequest, ReceiptSink } from '../../delivery/provider.ts'
import type { Values } from '../../liquid.ts'
import type { ReceiptState } from '../../message/receipt-state.ts'
import { parseText } from '../../outside.ts'
import { priceFinder, segmentsOf } from './answer-judge.ts'
import { ruleOf } from './answer-rules.ts'
import type { Reach } from './other-servers.ts'
import { wordsOf } from './recorded-words.ts'
import { documentOf, finderOf, pathOf, type Said, saidBy, valueAt } from './selectors.ts'
import { verifierOf } from './verify/verifier.ts'

/** The most receipts of one call. No carrier sends so many. */
const maxReceipts = 5_000
const maxKey = 200
/** The most characters of a call that is searched for a signature within it: such a call holds a single receipt. */
const maxUnverified = 64 * 1024
/** How many receipts are read before the thread serves others. */
const atOnce = 100

export type ReceiptTaker = (request: ReceiptRequest) => Promise<ReceiptAnswer>

/**
 * @param values  The values of the block's needs, by name.
 * @param receiptUrl  The URL that the carrier calls.
 * @param hidden  Texts that no record may hold.
 * @param reach  Gets a document that a call names, if one is needed to verify the call.
 */
export function receiptTaker(
  rules: ReceiptRules,
  values: Values,
  receiptUrl: string,
  hidden: readonly string[],
  receive: ReceiptSink,
  reach: Reach,
): ReceiptTaker {
  const verify = verifierOf(rules.verify, values, reach)
  const receiptsIn = receiptReader(rules, hidden)
  const { status = 200, contentType, body } = rules.answer ?? {}
  const { method = 'POST', parse } = rules
  const taken: ReceiptAnswer = {
    status,
    ...(contentType !== undefined && { contentType }),
    ...(body !== undefined && { body }),
  }

  return async (request) => {
    const { query, headers } = request
    const read = parseText(request.body)
    if (read.kind === 'malformed') return { status: 400, reason: 'it is not UTF-8' }
    const call = { text: read.value, headers, query, form: parse }
    const url = query === '' ? receiptUrl : `${receiptUrl}?${query}`
    const said = saidBy(call, maxUnverified)
    const verdict = await verify({ request, said, url, nowMs: Date.now() })
    if (verdict === false) return { status: 403, reason: 'it does not prove to come from the carrier' }
    if (verdict === 'later') return { status: 503, reason: 'what it is proved by could not be had' }
    if (request.method !== method)
      return { status: 405, reason: `it came by ${request.method}, and the carrier calls by ${method}` }
    if (verdict === 'answered') return taken
    const receipts = await receiptsIn(saidBy(call))
    if (receipts === null) return { status: 400, reason: 'it is not as the carrier documents it' }
    try {
      if (receipts.length > 0) await receive(receipts)
    } catch {
      return { status: 503, reason: 'the store is away' } // so that the carrier sends it again
    }
    return taken
  }
}

/** @returns A reader of the receipts in a call, without ignored ones. It gives null if the call's form is not the block's. */
function receiptReader(
  rules: ReceiptRules,
  hidden: readonly string[],
): (said: Said) => Promise<Receipt[] | null> {
  const { states, other = 'unknown' } = rules
  const embedded = rules.embedded === undefined ? null : pathOf(rules.embedded)
  const list = rules.list === undefined ? null : pathOf(rules.list)
  const isReceipt = rules.only === undefined ? () => true : ruleOf(rules.only)
  const key = finderOf(rules.key)
  const state = finderOf(rules.state)
  const words = (rules.words ?? []).map(finderOf)
  const segments = rules.segments === undefined ? null : finderOf(rules.segments)
  const price = priceFinder(rules.price)

  return async (said) => {
    let { document } = said
    if (embedded) document = documentOf(String(valueAt(document, embedded)), 'json')
    if (document === undefined) return null
    const items = list === null ? [document] : valueAt(document, list)
    if (!Array.isArray(items) || items.length > maxReceipts) return null
    const receipts: Receipt[] = []
    for (const [i, item] of items.entries()) {
      if (i % atOnce === atOnce - 1) await aTurn()
      const one: Said = { ...said, document: item }
      if (!isReceipt(one, 0)) continue
      const [found, told] = [key(one), state(one)]
      if (found === null || found === '' || found.length > maxKey || told === null) return null
      const meaning = Object.hasOwn(states, told) ? states[told]! : other
      if (meaning === 'ignored') continue
      const parts = segmentsOf(segments, one)
      const paid = price(one)
      receipts.push({
        key: found,
        state: meaning satisfies ReceiptState,
        providerCode: wordsOf([told, ...words.map((find) => find(one))], hidden),
        ...(parts !== null && { segments: parts }),
        ...(paid !== null && { price: paid }),
      })
    }
    return receipts
  }
}
