import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { segmentsOf } from './sms-segments.ts'

// The two tables of 3GPP TS 23.038, row by row; written out here a second time, by code.
const table = [
  '@£$¥èéùìòÇ\nØø\rÅå',
  'Δ_ΦΓΛΩΠΨΣΘΞÆæßÉ', // 0x1B is the escape itself
  ' !"#¤%&\'()*+,-./',
  '0123456789:;<=>?',
  '¡ABCDEFGHIJKLMNO',
  'PQRSTUVWXYZÄÖÑÜ§',
  '¿abcdefghijklmno',
  'pqrstuvwxyzäöñüà',
].join('')
const extension = '\f^{}\\[~]|€'

const gsmText = fc
  .array(fc.oneof({ weight: 5, arbitrary: fc.constantFrom(...table) }, fc.constantFrom(...extension)), {
    maxLength: 700,
  })
  .map((characters) => characters.join(''))
const anyText = fc
  .array(
    fc.oneof(fc.constantFrom(...table, ...extension, '验', '码', 'ç', '`'), fc.string({ unit: 'binary' })),
  )
  .map((characters) => characters.join(''))

test('every character of the basic table takes one septet, every one of the extension two', () => {
  assert.equal(table.length, 127)
  for (const one of table) assert.deepEqual(segmentsOf(one), { encoding: 'gsm-7', units: 1, segments: 1 })
  for (const one of extension) assert.deepEqual(segmentsOf(one), { encoding: 'gsm-7', units: 2, segments: 1 })
})

test('no other character of the basic plane is in GSM-7', () => {
  for (let point = 0; point <= 0xffff; point++) {
    const one = String.fromCharCode(point)
    assert.equal(segmentsOf(one).encoding === 'gsm-7', (table + extension).includes(one), point.toString(16))
  }
})

test('the limits of one part are 160 septets and 70 UCS-2 units', () => {
  const counts = (text: string) => segmentsOf(text).segments
  assert.deepEqual(
    [160, 161, 306, 307, 459, 460].map((n) => counts('a'.repeat(n))),
    [1, 2, 2, 3, 3, 4],
  )
  assert.deepEqual(
    [70, 71, 134, 135].map((n) => counts('码'.repeat(n))),
    [1, 2, 2, 3],
  )
  assert.deepEqual(
    [80, 81].map((n) => counts('€'.repeat(n))),
    [1, 2],
  )
})

test('small ç turns a text to UCS-2, capital Ç does not', () => {
  assert.equal(segmentsOf('Ç').encoding, 'gsm-7')
  assert.deepEqual(segmentsOf(`${'a'.repeat(70)}ç`), { encoding: 'ucs-2', units: 71, segments: 2 })
})

test('an escape is not split: 76 euro signs leave the last septet of a part of 153 empty', () => {
  // 153 euro signs are 306 septets, which two parts of 153 would hold if a sign could be split.
  assert.deepEqual(segmentsOf('€'.repeat(153)), { encoding: 'gsm-7', units: 306, segments: 3 })
})

test('a surrogate pair is not split: 33 of them leave the last unit of a part of 67 empty', () => {
  assert.deepEqual(segmentsOf('😀'.repeat(67)), { encoding: 'ucs-2', units: 134, segments: 3 })
})

/** Parts as a sender would cut them: the most whole characters that fit, part by part. */
function cut(text: string, each: number, widthOf: (character: string) => number): string[] {
  const rest = [...text]
  const made: string[] = []
  while (rest.length > 0) {
    let part = ''
    for (let free = each; rest.length > 0 && widthOf(rest[0]!) <= free; free -= widthOf(rest.shift()!))
      part += rest[0]
    made.push(part)
  }
  return made
}

test('the count is that of a sender cutting the text', () => {
  const holds = (text: string) => {
    const isGsm = [...text].every((one) => (table + extension).includes(one))
    const widthOf = (one: string) => (isGsm ? (extension.includes(one) ? 2 : 1) : one.length)
    const units = [...text].reduce((sum, one) => sum + widthOf(one), 0)
    const [single, each] = isGsm ? [160, 153] : [70, 67]
    const segments = units <= single ? Math.min(units, 1) : cut(text, each, widthOf).length
    assert.deepEqual(segmentsOf(text), { encoding: isGsm ? 'gsm-7' : 'ucs-2', units, segments })
  }
  fc.assert(fc.property(gsmText, holds))
  fc.assert(fc.property(anyText, holds))
})

test('no number of parts is less than the units need, or a whole part more', () => {
  fc.assert(
    fc.property(fc.oneof(gsmText, anyText), (text) => {
      const { encoding, units, segments } = segmentsOf(text)
      const each = encoding === 'gsm-7' ? 153 : 67
      if (segments <= 1) return
      assert.ok(segments >= Math.ceil(units / each))
      // Each part but the last loses one unit at most.
      assert.ok(segments <= Math.ceil(units / (each - 1)))
    }),
  )
})
