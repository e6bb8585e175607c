/** A carrier's documented exchange as a table: the request on the wire, the meaning of each answer, and the receipts. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Accepted, DeliveryErrorKind, Message, Receipt } from '../src/delivery/provider.ts'
import { callOf, failureOf, never, phoneMessage, startCarrier, type Told } from './http-carrier.ts'

type Call = Parameters<typeof callOf>[0]

export type Exchange = {
  /** As an operator writes it, less `type`. */
  readonly section: Readonly<Record<string, unknown>>
  /** Default: a code by SMS. */
  readonly message?: Message
  readonly request: {
    readonly method: string
    readonly path: string
    readonly query?: Readonly<Record<string, string>>
    /** Those that matter, as they are or as they match. */
    readonly headers?: Readonly<Record<string, string | RegExp>>
    readonly form?: Readonly<Record<string, string>>
    readonly json?: unknown
  }
  readonly success: { readonly told: Told; readonly accepted: Accepted }
  readonly failures: readonly (readonly [told: Told, kind: DeliveryErrorKind, words: RegExp])[]
  readonly receipts?: readonly (readonly [call: () => Call, receipts: readonly Receipt[], body?: string])[]
  /** Calls that are not the carrier's. */
  readonly forged?: readonly (() => Call)[]
}

/** Registers the tests of one carrier. */
export function exchange({ section, message = phoneMessage, ...told }: Exchange): void {
  const { request, success, failures, receipts = [], forged = [] } = told

  test('a message is handed over as the documentation shows it', async (t) => {
    const { provider, requests, answer } = await startCarrier(t, section)
    answer(success.told)
    assert.deepEqual(await provider.send(message, never), success.accepted)
    const [sent] = requests as [(typeof requests)[0]]
    assert.equal(sent.method, request.method)
    assert.equal(sent.path, request.path)
    assert.deepEqual(Object.fromEntries(sent.query), request.query ?? {})
    for (const [name, expected] of Object.entries(request.headers ?? {}))
      if (typeof expected === 'string') assert.equal(sent.headers[name], expected, name)
      else assert.match(String(sent.headers[name]), expected, name)
    if (request.form) assert.deepEqual(sent.form, request.form)
    if (request.json !== undefined) assert.deepEqual(sent.json, request.json)
  })

  test('its errors become outcomes, with its words less number and code', async (t) => {
    const { provider, answer } = await startCarrier(t, section)
    for (const [told, kind, words] of failures) {
      answer(told)
      const { kind: found, providerCode } = await failureOf(provider.send(message, never))
      assert.equal(found, kind, providerCode)
      assert.match(providerCode, words)
      assert.doesNotMatch(providerCode, /5558675310|012345|Li\.Na/i)
      assert.ok(providerCode.length <= 160)
    }
  })

  if (receipts.length > 0)
    test('what the carrier tells later becomes receipts', async (t) => {
      const carrier = await startCarrier(t, section)
      for (const [call, expected, body] of receipts) {
        carrier.receipts.length = 0
        const answered = await carrier.provider.receipts!(callOf(call()))
        assert.ok(answered.status >= 200 && answered.status < 300, String(answered.status))
        if (body !== undefined) assert.equal(answered.body, body)
        assert.deepEqual(carrier.receipts, expected)
      }
    })

  if (forged.length > 0)
    test('a call that is not the carrier’s is refused and tells nothing', async (t) => {
      const { provider, receipts } = await startCarrier(t, section)
      for (const call of forged) assert.equal((await provider.receipts!(callOf(call()))).status, 403)
      assert.deepEqual(receipts, [])
    })
}
