import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureOf, never, phoneMessage, plainBlock, startCarrier } from '../../../test/http-carrier.ts'
import { retryAfterMs } from './retry-after.ts'

const nowMs = Date.UTC(2030, 0, 31, 23, 59, 0)

test('seconds and each form of a date are read; what is neither is not', () => {
  for (const [header, ms] of [
    ['0', 0],
    ['120', 120_000],
    [' 5 ', 5_000],
    ['Thu, 31 Jan 2030 23:59:30 GMT', 30_000],
    ['Thursday, 31-Jan-30 23:59:30 GMT', 30_000],
    ['Thu Jan 31 23:59:30 2030 GMT', 30_000],
    ['Thu, 31 Jan 2030 23:58:00 GMT', 0],
    ['-1', undefined],
    ['1.5', undefined],
    ['soon', undefined],
    ['soon 2030', undefined],
    ['', undefined],
    ['9999999999', undefined],
    [undefined, undefined],
  ] as const)
    assert.equal(retryAfterMs(header, nowMs), ms, String(header))
})

test('a carrier that says later and when is told apart from one that refuses', async (t) => {
  const block = {
    ...plainBlock,
    answer: { ...plainBlock.answer, refused: { status: 422, source: 'this test' } },
  }
  const { provider, answer } = await startCarrier(t, { block: block as never })
  for (const [status, kind, wanted] of [
    [429, 'throttled', 7_000],
    [503, 'unavailable', 7_000],
    [422, 'refused', undefined],
  ] as const) {
    answer({ status, headers: { 'retry-after': '7' } })
    const error = await failureOf(provider.send(phoneMessage, never))
    assert.deepEqual([error.kind, error.retryAfterMs], [kind, wanted])
    assert.equal(error.providerCode, `${status} retry after 7`)
  }
  answer({ status: 429 })
  assert.equal((await failureOf(provider.send(phoneMessage, never))).retryAfterMs, undefined)
})
