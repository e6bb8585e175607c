import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { DispatchOutcome } from '../store/outbox.ts'
import { mostDispatches, nextAfter } from './next-try.ts'

/** When a message that is answered so each time is tried, ms from the first try. */
function triesOf(outcome: DispatchOutcome, lifeMs: number, random: () => number): number[] {
  const tries: number[] = []
  for (let at = 0, dispatches = 1; ; dispatches++) {
    tries.push(at)
    const next = nextAfter(outcome, dispatches, 0, lifeMs - at, false, random)
    if (next.kind !== 'retry') return tries
    at += next.afterMs
  }
}

const randoms = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
const drawn = (stream: Iterator<number>) => () => stream.next().value as number

test('a mail that greylisting puts off is tried again after the delay, if its code lives twice as long', () => {
  fc.assert(
    fc.property(randoms, fc.constantFrom(300_000, 450_000, 600_000), (stream, lifeMs) => {
      const tries = triesOf('throttled', lifeMs, drawn(stream))
      const delayMs = lifeMs / 2
      assert.ok(
        tries.some((at) => at >= delayMs && at < lifeMs),
        String(tries),
      )
    }),
    { numRuns: 2_000 },
  )
})

test('a code is tried at most ten times, soon again at first, and never in its last twenty seconds but one wait', () => {
  fc.assert(
    fc.property(
      randoms,
      fc.integer({ min: 20_000, max: 600_000 }),
      fc.constantFrom('throttled' as const, 'unavailable' as const),
      (stream, lifeMs, outcome) => {
        const tries = triesOf(outcome, lifeMs, drawn(stream))
        assert.ok(tries.length <= mostDispatches)
        assert.ok((tries[1] ?? 0) <= 750, String(tries))
        // The last wait began with twenty seconds left, and is at most eight then.
        assert.ok(tries.at(-1)! <= lifeMs - 12_000, `${lifeMs}: ${tries}`)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('within its minute a code that is put off waits no longer than after a failure', () => {
  for (const share of [0, 0.5, 0.999])
    assert.deepEqual(
      triesOf('throttled', 60_000, () => share),
      triesOf('unavailable', 60_000, () => share),
    )
})

test('a notice is tried for hours', () => {
  const tries = triesOf('unavailable', 86_400_000, () => 0.5)
  assert.ok(tries.at(-1)! > 3_600_000, String(tries))
})
