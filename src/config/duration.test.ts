import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, parseDuration, parseWindow } from './duration.ts'

test('a duration is a whole number with its unit', () => {
  const expected = { '250ms': 250, '60s': 60_000, '10m': 600_000, '24h': 86_400_000, '30d': 2_592_000_000 }
  for (const [text, ms] of Object.entries(expected)) assert.equal(parseDuration(text), ms, text)
})

test('what has no unit, a sign, a fraction or anything around it is no duration', () => {
  for (const text of ['', '60', '60 s', ' 60s', '-1s', '1.5h', '60S', '1h30m', '60s\n', '٦٠s', '9999999999s'])
    assert.equal(parseDuration(text), undefined, JSON.stringify(text))
})

test('a duration is written so that it reads back the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10 ** 9 - 1 }), (ms) => parseDuration(formatDuration(ms)) === ms),
  )
})

test('a limit is a count over a time', () => {
  assert.deepEqual(parseWindow('5/1h'), { max: 5, perMs: 3_600_000 })
  for (const text of ['5', '/1h', '0/1h', '5/0s', '5/60', '-5/1h', '5.5/1h', '5 / 1h'])
    assert.equal(parseWindow(text), undefined, text)
})
