/** 100,000 requests by the API's document, others in each run; test/api-fuzz.test.ts sends a few thousand. */

import { test } from 'node:test'
import { fuzzApi } from './api-fuzz.ts'

test('none of 100,000 requests gets a 5xx, or an answer that the document does not promise', async (t) => {
  const seed = Number(process.env.COUNTERSIGN_FUZZ_SEED ?? Date.now() % 2 ** 31)
  t.diagnostic(`COUNTERSIGN_FUZZ_SEED=${seed}`)
  for (const [name, count] of [...(await fuzzApi(100_000, seed))].toSorted()) t.diagnostic(`${name} ${count}`)
})
