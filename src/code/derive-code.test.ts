import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CodeSubject, deriveCode } from './derive-code.ts'
import { parseKeyRing } from './key-ring.ts'

/** A fixed key and fixed ids: the same codes at every run, so that a chance of one in a thousand is none. */
const ring = parseKeyRing(`fixed:${Buffer.alloc(32, 7).toString('base64url')}`)

const subject: CodeSubject = {
  id: '019a00000000'.padEnd(44, '0'),
  tenant: 'demo',
  app: 'app',
  subject: 'member',
  address: 'tel:+8613800138000',
  purpose: 'new-contact',
}

const codeOf = (nth: number, digits = 6) =>
  deriveCode(ring.newest, { ...subject, id: nth.toString(16).padStart(44, '0') }, digits)

/** Chi-square of counts against all being equally likely. */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
}

/** The value that chi-square passes with probability 0.001 (Wilson and Hilferty). */
function critical(degrees: number): number {
  const a = 2 / (9 * degrees)
  return degrees * (1 - a + 3.0902 * Math.sqrt(a)) ** 3
}

function isUniform(codes: Iterable<string>, digits: number): boolean {
  const bins: number[] = Array(1000).fill(0)
  const places: number[][] = Array.from({ length: digits }, () => Array(10).fill(0))
  for (const code of codes) {
    bins[Math.floor((Number(code) / 10 ** digits) * 1000)]!++
    for (let i = 0; i < digits; i++) places[i]![Number(code[i])]!++
  }
  return chiSquare(bins) < critical(999) && places.every((place) => chiSquare(place) < critical(9))
}

function* codes(count: number, change: (code: string) => string = (code) => code): Generator<string> {
  for (let i = 0; i < count; i++) yield change(codeOf(i))
}

test('N-1: a million codes are uniform, leading zeros included', () => {
  assert.ok(isUniform(codes(1_000_000), 6))
})

test('N-1: the same check finds digits 0 to 5 a hundredth likelier, and a 16-bit modulo', () => {
  const biased = (code: string) => (Number(code) % 100 === 99 ? code.replace(/[6-9]/g, '0') : code)
  assert.ok(!isUniform(codes(1_000_000, biased), 6))
  const short = (code: string) => String(Number(code) % 65_536).padStart(6, '0')
  assert.ok(!isUniform(codes(100_000, short), 6))
})

test('N-1: a code has exactly the digits asked for, as text', () => {
  for (const digits of [6, 8, 10])
    for (let i = 0; i < 2000; i++) assert.match(codeOf(i, digits), new RegExp(`^\\d{${digits}}$`))
  assert.ok([...codes(100)].some((code) => code.startsWith('0')))
})

test('the same verification has the same code every time', () => {
  assert.equal(codeOf(1), codeOf(1))
  assert.equal(
    deriveCode(ring.newest, subject, 6),
    '987740',
    'changing how codes are made kills every live one',
  )
})

test('N-7: id, tenant, app, subject, address and purpose each make another code', () => {
  const own = deriveCode(ring.newest, subject, 10)
  for (const field of Object.keys(subject) as (keyof CodeSubject)[])
    assert.notEqual(deriveCode(ring.newest, { ...subject, [field]: `${subject[field]}x` }, 10), own, field)
})

test('N-7: fields do not run into each other', () => {
  const one = deriveCode(ring.newest, { ...subject, tenant: 'ab', app: 'c' }, 10)
  assert.notEqual(deriveCode(ring.newest, { ...subject, tenant: 'a', app: 'bc' }, 10), one)
})
