/** Finds the verifications of an address: first those in Redis, then those in the history. */

import type { FoundVerifications, Verifications } from '../verifications.ts'
import { verificationOf } from './records.ts'
import type { RedisVerifications } from './verifications.ts'

export async function find(
  verifications: RedisVerifications,
  cold: Verifications,
  until: number,
  query: { address: string; sinceMs: number; before?: string },
): Promise<FoundVerifications> {
  // The first page is of Redis; the others are of the history, without verifications that were returned already.
  if (query.before === undefined) {
    const here = (await verifications.find(until, query.address))
      .filter((one) => one.issuedAt >= query.sinceMs)
      .toSorted((a, b) => (a.id < b.id ? 1 : -1))
    return {
      found: here.map(verificationOf),
      next: cursorOf(
        'g',
        here.map((one) => one.id),
      ),
    }
  }
  const [before, ...returned] = query.before.split(',')
  const page = await cold.find({ ...query, before: before! })
  return {
    found: page.found.filter((one) => !returned.includes(one.id)),
    next: page.next === null ? null : cursorOf(page.next, returned),
  }
}

const cursorOf = (before: string, returned: readonly string[]) => [before, ...returned].join(',')
