import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { gsmBasic, gsmExtension } from '../../delivery/gsm-7.ts'
import { segmentsOf } from '../../delivery/sms-segments.ts'
import { decodeText, encodeText, readHeader, withHeader } from './text.ts'

const gsmCharacters = [...gsmBasic.replace('\x1b', ''), ...gsmExtension.keys()]
const gsmText = fc
  .array(fc.constantFrom(...gsmCharacters), { maxLength: 400 })
  .map((characters) => characters.join(''))
const anyText = fc
  .array(fc.oneof(fc.constantFrom('验', '😀', 'ç', 'a', '€', '['), fc.string({ unit: 'binary' })), {
    maxLength: 200,
  })
  .map((pieces) => pieces.join(''))

function decoded(text: string, alphabet: 'gsm' | 'latin1'): string {
  const { dataCoding, parts } = encodeText(text, alphabet)
  return parts.map((part) => decodeText(part, dataCoding, alphabet)).join('')
}

test('any text comes back from its octets, in every alphabet', () => {
  for (const alphabet of ['gsm', 'latin1'] as const) {
    fc.assert(fc.property(gsmText, (text) => assert.equal(decoded(text, alphabet), text)))
    fc.assert(fc.property(anyText, (text) => assert.equal(decoded(text, alphabet), text)))
  }
})

test('octets are those of the tables: @ is 0x00, € is an escape and 0x65', () => {
  const octets = (text: string, alphabet: 'gsm' | 'latin1' = 'gsm') => {
    const { dataCoding, parts } = encodeText(text, alphabet)
    return [dataCoding, ...parts.map((part) => part.toString('hex'))]
  }
  assert.deepEqual(octets('@£$ A€]'), [0, '000102204'.concat('11b651b3e')])
  assert.deepEqual(octets('Ç à'), [0, '09207f'])
  assert.deepEqual(octets('@[Çà', 'latin1'), [0, '405bc7e0'])
  assert.deepEqual(octets('ç'), [8, '00e7'])
  assert.deepEqual(octets('验😀'), [8, '9a8cd83dde00'])
  // In GSM-7 but not in Latin-1, or the other way round: neither is safe under data_coding 0.
  assert.deepEqual(octets('Δ', 'latin1'), [8, '0394'])
  assert.deepEqual(octets('ç', 'latin1'), [8, '00e7'])
})

test('parts are as many as counted elsewhere, each fits with its header, and none splits a character', () => {
  const holds = (text: string) => {
    const { dataCoding, parts } = encodeText(text, 'gsm')
    const { encoding, segments } = segmentsOf(text)
    assert.equal(dataCoding, encoding === 'gsm-7' ? 0 : 8)
    assert.equal(parts.length, Math.max(1, segments))
    if (dataCoding === 0) {
      for (const part of parts) assert.ok(part.length <= (parts.length === 1 ? 160 : 153))
      // An escape that was split would leave it at the end.
      for (const part of parts) assert.notEqual(part.at(-1), 0x1b)
    } else
      for (const part of parts) {
        assert.ok(part.length <= (parts.length === 1 ? 140 : 134))
        if (!text.isWellFormed()) continue
        assert.ok(decodeText(part, 8, 'gsm').isWellFormed())
      }
  }
  fc.assert(fc.property(gsmText, holds))
  fc.assert(fc.property(anyText, holds))
  holds('€'.repeat(153))
  holds('😀'.repeat(67))
})

test('a part’s header is 05 00 03, reference, total, number, and is read back', () => {
  const part = withHeader(Buffer.from('abc'), 0x1ff, 3, 2)
  assert.equal(part.toString('hex'), '050003ff0302616263')
  assert.deepEqual(readHeader(part), { reference: 0xff, total: 3, number: 2, part: Buffer.from('abc') })
  assert.equal(readHeader(Buffer.from('abc')), undefined)
})

test('no octets make decoding throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(255),
      fc.constantFrom('gsm' as const, 'latin1' as const),
      (octets, dataCoding, alphabet) => {
        assert.ok(decodeText(Buffer.from(octets), dataCoding, alphabet).length <= octets.length)
      },
    ),
  )
})
