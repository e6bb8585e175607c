/** Proves by a write that a store takes writes. All callers share the proof, so that probes cost one write a second. */

import type { Store } from './store.ts'

export type WriteProof =
  /** `without`: parts of the store that take none, in words. */
  { readonly kind: 'taken'; readonly without: readonly string[] } | { readonly kind: 'refused' }

const goodForMs = 1_000

/**
 * @param now  Milliseconds by a clock that never goes back.
 * @returns A function that gives the result of the newest write; it never rejects.
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
    // No other write starts while this one is under way.
    const one = { proof, until: Number.POSITIVE_INFINITY }
    newest = one
    void proof.then(() => {
      one.until = now() + goodForMs
    })
    return proof
  }
}
