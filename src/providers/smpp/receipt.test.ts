import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { emptyMessage, receiptText } from '../../../test/smpp/fake-smsc.ts'
import { decodePdu, encodePdu, type Pdu } from './pdu.ts'
import { canonicalId, type ReceiptIds, type ReceiptRules, readReceipt } from './receipt.ts'
import { noTlvs, type Tlvs, textTlv, tlvTags, uint8Tlv } from './tlv.ts'

function delivered(text: string, given: { esmClass?: number; dataCoding?: number; tlvs?: Tlvs } = {}) {
  const { esmClass = 0x04, dataCoding = 0, tlvs = noTlvs } = given
  const body = { ...emptyMessage, esmClass, dataCoding, shortMessage: Buffer.from(text, 'latin1') }
  return { name: 'deliver_sm', status: 0, sequence: 1, body, tlvs } as const
}

const rules = (ids: ReceiptIds = 'as-is', states: ReceiptRules['states'] = {}): ReceiptRules => ({
  ids,
  states,
})

/** The receipt, if it is one. */
function receiptOf(pdu: Pdu<'deliver_sm' | 'data_sm'>, given: ReceiptRules = rules()) {
  const reading = readReceipt(pdu, given)
  return reading.kind === 'receipt' ? reading.receipt : undefined
}

const read = (text: string, ids: ReceiptIds = 'as-is') => receiptOf(delivered(text), rules(ids))

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
  assert.deepEqual(receiptOf(pdu, rules('decimal-to-hex')), {
    key: 'ab',
    state: 'undeliverable',
    providerCode: 'UNDELIV 000',
  })
  // The parameters are enough, without the bits of esm_class and without a text.
  const bare = delivered('', {
    esmClass: 0,
    tlvs: new Map([...tlvs, [tlvTags.networkErrorCode, Buffer.of(3, 0, 27)]]),
  })
  assert.deepEqual(receiptOf(bare), {
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
  assert.equal(receiptOf(delivered(receiptText('171', 'DELIVRD'), { tlvs }))?.key, '171')
  assert.equal(receiptOf(delivered('', { tlvs })), undefined)
})

test('a text is read as bytes whatever its data_coding says, and in UCS-2 too', () => {
  const text = receiptText('9', 'DELIVRD')
  const ucs2 = Buffer.from(text, 'utf16le').swap16().toString('latin1')
  for (const [dataCoding, told] of [
    [8, text],
    [4, text],
    [8, ucs2],
  ] as const)
    assert.equal(receiptOf(delivered(told, { dataCoding }))?.state, 'delivered')
})

test('a long text may come as message_payload', () => {
  const tlvs = new Map([[tlvTags.messagePayload, Buffer.from(receiptText('9', 'EXPIRED'))]])
  assert.equal(receiptOf(delivered('', { tlvs }))?.state, 'undeliverable')
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

test('a receipt without an id or a state is unread, and told by its shape alone', () => {
  for (const [text, shape] of [
    ['', 'esm_class 0x4'],
    ['stat:DELIVRD', 'esm_class 0x4 stat:aaaaaaa'],
    ['id:9', 'esm_class 0x4 id:9'],
    ['id: stat:', 'esm_class 0x4 id: stat:'],
    [
      '00,0210021543,0210021500,,447887123456,8000',
      'esm_class 0x4 99,9999999999,9999999999,,999999999999,9999',
    ],
    ['Hallo Jörg 123456 text:123456', 'esm_class 0x4 aaaaa aaaa 999999 text:…'],
  ] as const)
    assert.deepEqual(readReceipt(delivered(text), rules()), { kind: 'unread', shape })
})

test('a message from a phone is no receipt', () => {
  for (const text of [
    'STOP',
    'my id:9 stat:DELIVRD',
    'id:9 stat:whatever',
    'id: 9',
    'text:id:9 stat:DELIVRD',
  ])
    assert.equal(readReceipt(delivered(text, { esmClass: 0 }), rules()).kind, 'none', text)
  // A delivery acknowledgement of a phone (SMPP 3.4, 5.2.12).
  assert.equal(readReceipt(delivered('read it', { esmClass: 0x08 }), rules()).kind, 'none')
})

test('esm_class 0x24 is a receipt, and so is 0 where a text begins as one and its state is known', () => {
  for (const esmClass of [0x04, 0x20, 0x24, 0x44, 0])
    assert.equal(receiptOf(delivered(receiptText('9', 'DELIVRD'), { esmClass }))?.state, 'delivered')
})

test('what an intermediate notification says of one attempt is not the end of the message', () => {
  for (const stat of ['UNDELIV', 'EXPIRED', 'ENROUTE']) {
    const told = receiptOf(delivered(receiptText('9', stat), { esmClass: 0x20 }))
    assert.deepEqual([told?.state, told?.providerCode.split(' ')[0]], ['enroute', stat])
  }
  for (const esmClass of [0x04, 0x24])
    assert.equal(receiptOf(delivered(receiptText('9', 'UNDELIV'), { esmClass }))?.state, 'undeliverable')
})

// Forms seen at carriers; the sources are beside the field's expression and the table of states.
const written: readonly (readonly [text: string, key: string, state: string, providerCode: string])[] = [
  [
    'id:0654354026 submit date:2302101454 done date:2302101454 stat:DELIVRD err:000',
    '654354026',
    'delivered',
    'DELIVRD 000',
  ],
  [
    'id:1216080510463401720 sub:001 dlvrd:001 submit date:1608051046 done date:0000000000 stat:FAILED err:002 Text:',
    '1216080510463401720',
    'undeliverable',
    'FAILED 002',
  ],
  [
    'ID:0D9A2F Sub:001 Dlvrd:001 Submit Date:2607181200 Done Date:2607181201 Stat:DELIVERED Err:00A Text:OK',
    'd9a2f',
    'delivered',
    'DELIVERED 00A',
  ],
  [
    'id:a sub:001 dlvrd:001 submit date:2024-03-21 12:00:00.000000 done date:2024-03-21 12:00:01 stat:DELIVERED err:600 TEXT:',
    'a',
    'delivered',
    'DELIVERED 600',
  ],
  ['id:9  sub:001  dlvrd:001  stat:UNDELIVERABLE  err:1  text:x', '9', 'undeliverable', 'UNDELIVERABLE 1'],
  ['id:9\tsub:001\tstat:REJECTED\terr:1\ttext:x', '9', 'undeliverable', 'REJECTED 1'],
  ['id: 9 stat:  EXPIRED err: 0', '9', 'undeliverable', 'EXPIRED 0'],
  ['id:9\r\nstat:ACCEPTED\r\nerr:0', '9', 'enroute', 'ACCEPTED 0'],
  ['id:9;stat:DELIVRD;err:0', '9', 'delivered', 'DELIVRD 0'],
  ['id:9, stat:DELIVRD, err:0', '9', 'delivered', 'DELIVRD 0'],
  ['id=9|stat=DELIVRD|err=0', '9', 'delivered', 'DELIVRD 0'],
  ['stat:DELIVRD id:9', '9', 'delivered', 'DELIVRD'],
  ['id:2f:a8:01 sub:001 stat:DELIVRD err:000 text:x', '2f:a8:01', 'delivered', 'DELIVRD 000'],
  ['id:9 stat:2 err:000', '9', 'delivered', 'DELIVRD 000'],
  ['id:9 stat:005 err:000', '9', 'undeliverable', 'UNDELIV 000'],
  ['id:9 stat:9', '9', 'undeliverable', 'SKIPPED'],
  ['text:your code is id:8 stat:UNDELIV id:9 stat:DELIVRD err:000', '9', 'delivered', 'DELIVRD 000'],
]
for (const [text, key, state, providerCode] of written)
  test(`read: ${JSON.stringify(text)}`, () => {
    const receipt = read(text)
    assert.deepEqual([receipt?.key, receipt?.state, receipt?.providerCode], [key, state, providerCode])
  })

test('of two ids in a text either may be the one', () => {
  const receipt = read('ID:149994-11658328384691 STAT:Delivered id:28d2e34e sub:001 err:000 text:x')
  assert.deepEqual([receipt?.key, receipt?.otherKeys], ['149994-11658328384691', ['28d2e34e']])
})

test('a state that no table has is recorded as unknown and told by its shape; settings can name it', () => {
  const pdu = delivered('id:9 stat:LOST err:000')
  assert.deepEqual(readReceipt(pdu, rules()), {
    kind: 'receipt',
    receipt: { key: '9', state: 'unknown', providerCode: 'LOST 000' },
    shape: 'esm_class 0x4 id:9 stat:aaaa err:999',
  })
  assert.deepEqual(readReceipt(pdu, rules('as-is', { LOST: 'undeliverable' })), {
    kind: 'receipt',
    receipt: { key: '9', state: 'undeliverable', providerCode: 'LOST 000' },
  })
  // It means scheduled in SMPP 5.0 and delivered at one carrier, so only settings can decide.
  assert.equal(read('id:9 stat:0')?.state, 'unknown')
  assert.equal(receiptOf(delivered('id:9 stat:0'), rules('as-is', { '0': 'delivered' }))?.state, 'delivered')
})

test('message_state may have two octets or be written out, and what it says of nothing the text says', () => {
  const stateOf = (value: Buffer, text = 'id:9') =>
    receiptOf(delivered(text, { tlvs: new Map([[tlvTags.messageState, value]]) }))?.state
  for (const value of [[2], [0, 2], [2, 0], [0x32], [0x30, 0x32], [0x32, 0], [...Buffer.from('DELIVRD\0')]])
    assert.equal(stateOf(Buffer.from(value)), 'delivered', String(value))
  assert.equal(stateOf(Buffer.of(9)), 'undeliverable')
  for (const value of [[], [0], [0, 0], [77], Buffer.from('whatever'), Buffer.alloc(300, 2)])
    assert.equal(stateOf(Buffer.from(value), 'id:9 stat:DELIVRD'), 'delivered', String(value))
})

test('the id of the parameter may be written as the text’s is; the text’s is another that may be meant', () => {
  const keysOf = (tlv: string, text: string, ids: ReceiptIds) => {
    const receipt = receiptOf(
      delivered(`id:${text} stat:DELIVRD`, { tlvs: new Map([[tlvTags.receiptedMessageId, textTlv(tlv)]]) }),
      rules(ids),
    )
    return [receipt!.key, ...(receipt!.otherKeys ?? [])]
  }
  assert.deepEqual(keysOf('AB', '171', 'decimal-to-hex'), ['ab'])
  assert.deepEqual(keysOf('171', '171', 'decimal-to-hex'), ['ab', '171'])
  assert.deepEqual(keysOf('123', '291', 'decimal-to-hex'), ['123', '7b'])
  assert.deepEqual(keysOf('other', '9', 'as-is'), ['other', '9'])
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

test('A-10: the longest text is read in milliseconds, whatever it is made of', () => {
  const hostile = [
    'id:',
    'id ',
    'stat',
    'stat:',
    'text',
    ' ',
    ',',
    'id: ',
    'a',
    '0',
    'submit date',
    'text:id:',
  ]
  for (const piece of hostile) {
    const payload = Buffer.from(piece.repeat(Math.ceil(65_000 / piece.length)))
    const pdu = delivered('', { tlvs: new Map([[tlvTags.messagePayload, payload]]) })
    const startedAt = performance.now()
    for (let i = 0; i < 20; i++) readReceipt(pdu, rules('decimal-to-hex'))
    assert.ok((performance.now() - startedAt) / 20 < 50, piece)
  }
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
        const reading = readReceipt(decoded.pdu, rules(ids))
        if ('shape' in reading) {
          assert.match(reading.shape!, /^[\x20-\x7e…]{1,250}$/)
          assert.doesNotMatch(reading.shape!.replace(/^esm_class 0x[0-9a-f]+|of \d+ octets/g, ''), /[0-8]/)
        }
        if (reading.kind !== 'receipt') return
        const { receipt } = reading
        assert.match(receipt.providerCode, /^([A-Z]{1,20}|\d{1,3})( [A-Za-z0-9]{1,5})?$/)
        assert.equal(/\d{6}/.test(receipt.providerCode), false)
        assert.ok(receipt.key.length > 0 && receipt.key.length <= 200)
      },
    ),
    { numRuns: 2_000 },
  )
})
