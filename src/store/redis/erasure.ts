/** Erasing a person from Redis: the keys of their limiters. What else there is of them has ended, and is in the history. */

import type { ErasedPerson } from '../erasure.ts'
import type { Client } from './client.ts'
import { mastersOf } from './report.ts'

const keysAtOnce = 1000

/** Looks at every key, a limited number in each call. */
export async function eraseLimiters(
  client: Client,
  prefix: string,
  { limited }: ErasedPerson,
): Promise<void> {
  await Promise.all(
    mastersOf(client).map(async (node) => {
      let cursor = '0'
      do {
        const [next, keys] = await node.scan(cursor, 'MATCH', `${prefix}:*:ledger:*`, 'COUNT', keysAtOnce)
        cursor = next
        const own = keys.filter((key) => limited.some((one) => key.includes(one)))
        for (const key of own) await node.unlink(key)
      } while (cursor !== '0')
    }),
  )
}
