/** Makes a verb act once for each key that callers give it. */

import { type Once, onceMs } from '../once.ts'
import type { Needs, UnitOfWork, Verb } from '../unit-of-work.ts'

/**
 * A verb that acts once for each key. Its result is kept in the transaction of its act, so that both happen or neither.
 * @param keeps  The part of a result that is kept; undefined if nothing was done, so that the call may be made again.
 * @param mismatch  The result for a key that came with another fingerprint.
 */
export function once<Request extends { readonly once?: Once }, Result>(
  verb: Verb<[Request], Result>,
  keeps: (result: Result) => object | undefined,
  mismatch: Result,
): Verb<[Request], Result> {
  return {
    needs(needs: Needs, request) {
      verb.needs(needs, request)
      if (request.once) needs.once(request.once.key)
    },

    decide(unit: UnitOfWork, request) {
      const { once } = request
      if (!once) return verb.decide(unit, request)
      const kept = unit.onces.get(once.key)
      if (kept)
        return kept.fingerprint === once.fingerprint
          ? ({ ...kept.result, replayed: true } as Result)
          : mismatch
      const result = verb.decide(unit, request)
      const keptResult = keeps(result)
      if (keptResult) unit.onces.put(once, keptResult, unit.now + onceMs)
      return result
    },
  }
}
