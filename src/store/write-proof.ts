/** Whether a store takes writes, proved by one: shared by all who ask, so that probes cost one write a second. */

import type { Store } from './store.ts'

export type WriteProof =
  /** `without`: parts of the store that take none, in words. */
  { readonly kind: 'taken'; readonly without: readonly string[] } | { readonly kind: 'refused' }

const goodForMs = 1_000

/**
 * @param now  Milliseconds by a clock that nobody sets.
 * @returns Tells how the newest write went; never rejects.
 */
export function createWriteProof(
  store: Pick<Store, 'proveWrite'>,
  now: () => number = () => performance.now(),
): () => Promise<WriteProof> {
  let newest: { readonly proof: Promise<WriteProof>; until: number } | undefined
  return () => {
    if (newest && now() < newest.until) return newest.proof
    const proof = store.proveWrite().then(
      (without): WriteProof => ({ kind: 'taken', without }),
      (): WriteProof => ({ kind: 'refused' }),
    )
    // Nobody starts another while one is under way.
    const one = { proof, until: Number.POSITIVE_INFINITY }
    newest = one
    void proof.then(() => {
      one.until = now() + goodForMs
    })
    return proof
  }
}
