/** What a store has recorded of the messages to an address, by its contract, whatever the engine. */

import { addressKey, parseAddress } from '../src/address/address.ts'
import type { RecordedDispatch } from '../src/store/dispatches.ts'
import type { Store } from '../src/store/store.ts'

/** Ids of the verifications of an address, newest first, within the last hour. */
export async function verificationsOf(store: Store, contact: string): Promise<string[]> {
  const parsed = parseAddress(contact)
  if (parsed.kind !== 'parsed') throw new Error('no address')
  const query = { address: addressKey(parsed.address), sinceMs: Date.now() - 3_600_000 }
  const ids: string[] = []
  for (let before: string | null | undefined; before !== null; ) {
    const page = await store.verifications.find(before === undefined ? query : { ...query, before })
    ids.push(...page.found.map(({ id }) => id))
    before = page.next
  }
  return ids
}

/** In the order they were handed over, of each verification. */
export async function dispatchesTo(store: Store, contact: string): Promise<RecordedDispatch[]> {
  const ids = await verificationsOf(store, contact)
  return (await Promise.all(ids.map((id) => store.dispatches.of(id)))).flat()
}
