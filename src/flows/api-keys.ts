/** Finds who has a key of the native API; each is remembered for less than a second, so that a revocation is soon known. */

import { apartFromAnswer } from '../deadline.ts'
import { apiKeyHash, isApiKeySecret, isUsableKey, type KeyHolder } from '../directory/api-key.ts'
import { noteUseEveryMs } from '../store/bounds.ts'
import type { Store } from '../store/store.ts'

export type { KeyHolder }

export type ApiKeys = {
  /**
   * @param secret  As the caller sent it.
   * @returns undefined for a key that is unknown, revoked or expired, or whose app is disabled. The store is asked for each
   *   of them alike, so that the time of the answer does not show which it is.
   */
  find(secret: string): KeyHolder | undefined | Promise<KeyHolder | undefined>
  /** The same for who kept the key's hash, such as a session that was made with it. */
  findByHash(hash: string): KeyHolder | undefined | Promise<KeyHolder | undefined>
}

/** From the question on, because the answer may be as old as that. */
const rememberMs = 800
const maxRemembered = 10_000

export function createApiKeys({ keys }: Pick<Store, 'keys'>, now: () => number): ApiKeys {
  let remembered = new Map<string, { readonly holder: KeyHolder; readonly until: number }>()
  const asking = new Map<string, Promise<KeyHolder | undefined>>()

  async function ask(hash: string): Promise<KeyHolder | undefined> {
    const askedAt = performance.now()
    const holder = await keys.holder(hash)
    if (!holder || holder.app.isDisabled || !isUsableKey(holder.key, now())) return undefined
    // Keys that are refused are not remembered, because they would push out those of real callers.
    if (remembered.size >= maxRemembered) remembered = new Map()
    remembered.set(hash, { holder, until: askedAt + rememberMs })
    noteUse(holder)
    return holder
  }

  /** At a remembered key's reading alone, which is once in a while; the store keeps it to once a minute. */
  function noteUse({ key: { id, lastUsedAt } }: KeyHolder): void {
    const at = now()
    if (at - (lastUsedAt ?? 0) < noteUseEveryMs) return
    apartFromAnswer(() => keys.noteUse(id, at).catch(() => undefined))
  }

  return {
    find: (secret) => (isApiKeySecret(secret) ? findByHash(apiKeyHash(secret)) : undefined),
    findByHash,
  }

  function findByHash(hash: string): KeyHolder | undefined | Promise<KeyHolder | undefined> {
    const known = remembered.get(hash)
    if (known && known.until > performance.now() && isUsableKey(known.holder.key, now())) return known.holder
    // Of requests that miss the same key at the same moment, one asks the store for all.
    const asked = asking.get(hash)
    if (asked) return asked
    const answer = ask(hash).finally(() => asking.delete(hash))
    asking.set(hash, answer)
    return answer
  }
}
