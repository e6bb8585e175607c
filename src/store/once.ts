/** Calls that act once, however often they come: a caller that lost the answer makes the same call again by the same key. */

export type Once = {
  /** A digest of the app and its world, live or test, the path and the caller's own key. */
  readonly key: string
  /** A digest of the call's body. Another body under the same key is a mistake of the caller's. */
  readonly fingerprint: string
}

/** The same key came before with another body. Nothing was done. */
export type Mismatch = { readonly kind: 'mismatch' }

/** In a result: it is that of an earlier call with the same key, which did the act. Nothing was done now. */
export type Replayed = { readonly replayed?: true }

/** What a store keeps of a call that acted. */
export type KeptCall = {
  readonly fingerprint: string
  /** The verb's result, as JSON can hold it. */
  readonly result: object
}

/** How long a key is remembered. */
export const onceMs = 86_400_000
