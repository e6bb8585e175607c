/** A few thousand requests by the API's document; test/api-fuzz-long.test.ts sends many more. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeCalls } from './api-document.ts'
import { fuzzApi } from './api-fuzz.ts'

test('any request by the document, right or wrong, gets an answer that it promises, and no 5xx', async () => {
  const tally = await fuzzApi(3000, Number(process.env.COUNTERSIGN_FUZZ_SEED ?? 1))
  const calls = new Set([...tally.keys()].map((name) => name.split(' ')[0]))
  for (const { id } of nativeCalls) assert.ok(calls.has(id), `${id} was called`)
  // Else the requests are so wrong that they test nothing.
  assert.ok([...tally.keys()].some((name) => name.startsWith('startVerification 201')))
})
