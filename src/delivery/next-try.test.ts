import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { nextAfter } from './next-try.ts'

type Given = Pick<Parameters<typeof nextAfter>[0], 'isCode' | 'channel'> & {
  /** How each try ends. */
  readonly outcome: () => 'throttled' | 'unavailable'
  readonly lifeMs: number
}

const mail = { isCode: true, channel: 'email' } as const
const sms = { isCode: true, channel: 'sms' } as const
const always = (outcome: 'throttled' | 'unavailable') => () => outcome

/** When a message is tried, ms from the first try. */
function triesOf({ outcome, isCode, channel, lifeMs }: Given, random: () => number): number[] {
  const tries: number[] = []
  for (let at = 0, nth = 1; ; nth++) {
    tries.push(at)
    const next = nextAfter(
      {
        outcome: outcome(),
        isCode,
        channel,
        nth,
        unknowns: 0,
        remainingMs: lifeMs - at,
        hasNext: false,
      },
      random,
    )
    if (next.kind !== 'retry') return tries
    at += next.afterMs
  }
}

const randoms = fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }))
const drawn = (stream: Iterator<number>) => () => stream.next().value as number

test('a mail that greylisting puts off is tried again after the delay, if its code lives twice as long', () => {
  fc.assert(
    fc.property(randoms, fc.constantFrom(300_000, 450_000, 600_000), (stream, lifeMs) => {
      const tries = triesOf({ ...mail, outcome: always('throttled'), lifeMs }, drawn(stream))
      const delayMs = lifeMs / 2
      assert.ok(
        tries.some((at) => at >= delayMs && at < lifeMs),
        String(tries),
      )
      assert.ok(tries.length <= 40, 'nor is its server asked every few seconds')
    }),
    { numRuns: 2_000 },
  )
})

test('while a code lives its next try is at most three seconds away, with the look at the outbox', () => {
  fc.assert(
    fc.property(
      randoms,
      fc.integer({ min: 20_000, max: 600_000 }),
      fc.constantFrom('sms' as const, 'voice' as const, 'email' as const),
      fc.infiniteStream(fc.constantFrom('throttled' as const, 'unavailable' as const)),
      (stream, lifeMs, channel, outcomes) => {
        // Mail that is put off with minutes left waits for greylisting.
        const outcome = () => (channel === 'email' ? 'unavailable' : outcomes.next().value!)
        const tries = triesOf({ isCode: true, channel, outcome, lifeMs }, drawn(stream))
        for (const [i, at] of tries.entries())
          assert.ok(at - (tries[i - 1] ?? 0) <= 3_000 - 250, String(tries))
        assert.ok((tries[1] ?? 0) <= 500, 'soon again at first')
        assert.ok(tries.at(-1)! > lifeMs - 20_000, 'until it has twenty seconds left')
        assert.ok(tries.at(-1)! <= lifeMs - 17_000)
        assert.ok(tries.length <= 300, `${tries.length} tries`)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('within its last minute a mail that is put off waits no longer than after a failure', () => {
  for (const share of [0, 0.5, 0.999])
    assert.deepEqual(
      triesOf({ ...mail, outcome: always('throttled'), lifeMs: 60_000 }, () => share),
      triesOf({ ...mail, outcome: always('unavailable'), lifeMs: 60_000 }, () => share),
    )
})

test('a minute’s code is tried no more than thirty times', () => {
  const given = { ...sms, outcome: always('unavailable'), lifeMs: 60_000 }
  for (const share of [0, 0.5, 0.999]) assert.ok(triesOf(given, () => share).length <= 30)
})

test('a notice is tried for hours, ten times at most', () => {
  const given = { isCode: false, channel: 'sms', outcome: always('unavailable'), lifeMs: 86_400_000 } as const
  const tries = triesOf(given, () => 0.5)
  assert.ok(tries.at(-1)! > 3_600_000, String(tries))
  assert.equal(tries.length, 10)
})
