import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyMessage, receiptText } from '../../../test/smpp/fake-smsc.ts'
import { decodePdu, encodePdu, type Pdu } from './pdu.ts'
import { canonicalId, type ReceiptIds, receiptOf } from './receipt.ts'
import { noTlvs, type Tlvs, textTlv, tlvTags, uint8Tlv } from './tlv.ts'

function delivered(text: string, given: { esmClass?: number; dataCoding?: number; tlvs?: Tlvs } = {}) {
  const { esmClass = 0x04, dataCoding = 0, tlvs = noTlvs } = given
  const body = { ...emptyMessage, esmClass, dataCoding, shortMessage: Buffer.from(text, 'latin1') }
  return { name: 'deliver_sm', status: 0, sequence: 1, body, tlvs } as const
}

const read = (text: string, ids: ReceiptIds = 'as-is') => receiptOf(delivered(text), ids)

test('each stat of a text is a state, with the carrier’s own words', () => {
  for (const [stat, state] of [
    ['DELIVRD', 'delivered'],
    ['EXPIRED', 'undeliverable'],
    ['DELETED', 'undeliverable'],
    ['UNDELIV', 'undeliverable'],
    ['REJECTD', 'undeliverable'],
    ['ACCEPTD', 'enroute'],
    ['ENROUTE', 'enroute'],
    ['UNKNOWN', 'unknown'],
    ['BUFFERD', 'unknown'],
  ] as const)
    assert.deepEqual(read(receiptText('7F3A', stat, '001')), {
      key: '7f3a',
      state,
      providerCode: `${stat} 001`,
    })
})

test('parameters win over the text: the id as it was answered, the state as a number', () => {
  const tlvs = new Map([
    [tlvTags.receiptedMessageId, textTlv('00AB')],
    [tlvTags.messageState, uint8Tlv(5)],
  ])
  const pdu = delivered(receiptText('171', 'DELIVRD'), { tlvs })
  assert.deepEqual(receiptOf(pdu, 'hex-to-decimal'), {
    key: 'ab',
    state: 'undeliverable',
    providerCode: 'UNDELIV 000',
  })
  // Without the bits of esm_class, and without a text, they say it all the same.
  const bare = delivered('', {
    esmClass: 0,
    tlvs: new Map([...tlvs, [tlvTags.networkErrorCode, Buffer.of(3, 0, 27)]]),
  })
  assert.deepEqual(receiptOf(bare, 'as-is'), {
    key: 'ab',
    state: 'undeliverable',
    providerCode: 'UNDELIV 027',
  })
})

test('an id parameter of blanks alone names nothing, so the text’s id is taken', () => {
  const tlvs = new Map([
    [tlvTags.receiptedMessageId, textTlv('  ')],
    [tlvTags.messageState, uint8Tlv(2)],
  ])
  assert.equal(receiptOf(delivered(receiptText('171', 'DELIVRD'), { tlvs }), 'as-is')?.key, '171')
  assert.equal(receiptOf(delivered('', { tlvs }), 'as-is'), undefined)
})

test('a text is read as bytes whatever its data_coding says, and in UCS-2 too', () => {
  const text = receiptText('9', 'DELIVRD')
  const ucs2 = Buffer.from(text, 'utf16le').swap16().toString('latin1')
  for (const [dataCoding, told] of [
    [8, text],
    [4, text],
    [8, ucs2],
  ] as const)
    assert.equal(receiptOf(delivered(told, { dataCoding }), 'as-is')?.state, 'delivered')
})

test('a long text may come as message_payload', () => {
  const tlvs = new Map([[tlvTags.messagePayload, Buffer.from(receiptText('9', 'EXPIRED'))]])
  assert.equal(receiptOf(delivered('', { tlvs }), 'as-is')?.state, 'undeliverable')
})

test('ids differ in case and zeros, and in their base where the settings say so', () => {
  const keyOf = (id: string, ids: ReceiptIds) => read(receiptText(id, 'DELIVRD'), ids)?.key
  assert.equal(keyOf('000AbC', 'as-is'), canonicalId('abc'))
  assert.equal(keyOf('0000', 'as-is'), canonicalId('0'))
  assert.equal(keyOf('3735928559', 'decimal-to-hex'), canonicalId('DEADBEEF'))
  assert.equal(keyOf('DEADBEEF', 'hex-to-decimal'), canonicalId('3735928559'))
  // What is not of the base stays as it is.
  assert.equal(keyOf('not-hex', 'hex-to-decimal'), 'not-hex')
  assert.equal(keyOf('beef', 'decimal-to-hex'), 'beef')
  fc.assert(
    fc.property(fc.bigInt({ min: 1n, max: 2n ** 128n }), (id) => {
      const hex = id.toString(16).toUpperCase()
      assert.equal(keyOf(id.toString(), 'decimal-to-hex'), canonicalId(hex))
      assert.equal(keyOf(hex, 'hex-to-decimal'), canonicalId(id.toString()))
    }),
  )
})

test('a message from a phone, or a receipt without id or state, is no receipt', () => {
  assert.equal(receiptOf(delivered(receiptText('9', 'DELIVRD'), { esmClass: 0 }), 'as-is'), undefined)
  for (const text of ['', 'stat:DELIVRD', 'id:9', 'id: stat:DELIVRD'.replace('stat:DELIVRD', '')])
    assert.equal(read(text), undefined, text)
})

test('nothing of the message’s own text is read or told: not a state, not an id, not a code', () => {
  const receipt = read('id:9 err:123456 text:id:8 stat:DELIVRD err:012345')
  assert.equal(receipt, undefined)
  assert.deepEqual(read('id:9 stat:UNDELIV err:1234567 text:stat:DELIVRD 012345'), {
    key: '9',
    state: 'undeliverable',
    providerCode: 'UNDELIV',
  })
})

test('S-11: whatever is delivered, reading it neither throws nor tells more than a receipt may', () => {
  const pieces = fc.constantFrom(
    'id:',
    'stat:',
    'err:',
    'text:',
    ' ',
    'DELIVRD',
    '012345',
    '13800138000',
    'x'.repeat(300),
  )
  fc.assert(
    fc.property(
      fc.array(fc.oneof(pieces, fc.string()), { maxLength: 12 }),
      fc.nat(255),
      fc.array(fc.tuple(fc.constantFrom(...Object.values(tlvTags)), fc.uint8Array({ maxLength: 100 }))),
      fc.constantFrom<ReceiptIds>('as-is', 'hex-to-decimal', 'decimal-to-hex'),
      (texts, esmClass, tlvs, ids) => {
        const pdu: Pdu<'deliver_sm'> = {
          ...delivered(''),
          body: { ...emptyMessage, esmClass, shortMessage: Buffer.from(texts.join('')).subarray(0, 254) },
          tlvs: new Map(tlvs.map(([tag, value]) => [tag, Buffer.from(value)])),
        }
        const decoded = decodePdu(encodePdu(pdu))
        assert.ok(decoded.kind === 'pdu' && decoded.pdu.name === 'deliver_sm')
        const receipt = receiptOf(decoded.pdu, ids)
        if (!receipt) return
        assert.match(receipt.providerCode, /^[A-Z]{1,10}( [A-Za-z0-9]{1,5})?$/)
        assert.equal(/\d{6}/.test(receipt.providerCode), false)
        assert.ok(receipt.key.length > 0 && receipt.key.length <= 200)
      },
    ),
    { numRuns: 2_000 },
  )
})
