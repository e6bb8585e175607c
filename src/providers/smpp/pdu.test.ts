import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import fc from 'fast-check'
import {
  decodePdu,
  encodePdu,
  fieldsOf,
  type Pdu,
  type PduName,
  pduNames,
  responseTo,
  simplePdu,
} from './pdu.ts'
import { noTlvs } from './tlv.ts'

const octet = fc.integer({ min: 0, max: 0xff })
const uint32 = fc.integer({ min: 0, max: 0xffffffff })
const octets = (max: number) => fc.uint8Array({ maxLength: max }).map((bytes) => Buffer.from(bytes))
const latin1 = (max: number) =>
  fc
    .array(fc.integer({ min: 1, max: 0xff }), { maxLength: max })
    .map((units) => String.fromCharCode(...units))

function bodyOf(name: PduName) {
  return fc.record(
    Object.fromEntries(
      fieldsOf(name).map(([field, layout]): [string, fc.Arbitrary<unknown>] => [
        field,
        layout.type === 'uint8'
          ? octet
          : layout.type === 'c-string'
            ? latin1(layout.max - 1)
            : octets(layout.max),
      ]),
    ),
    { noNullPrototype: true },
  )
}

function pduOf(name: PduName): fc.Arbitrary<Pdu> {
  return fc.record(
    {
      name: fc.constant(name),
      status: uint32,
      sequence: uint32,
      body: bodyOf(name),
      tlvs: fc
        .array(fc.tuple(fc.integer({ min: 0, max: 0xffff }), octets(80)), { maxLength: 4 })
        .map((entries) => new Map(entries)),
    },
    { noNullPrototype: true },
  ) as unknown as fc.Arbitrary<Pdu>
}

suite('decoding what was encoded gives it back', () => {
  for (const name of pduNames)
    test(name, () => {
      fc.assert(
        fc.property(pduOf(name), (pdu) => {
          const frame = encodePdu(pdu)
          assert.equal(frame.readUInt32BE(0), frame.length)
          assert.deepEqual(decodePdu(frame), { kind: 'pdu', pdu, isWhole: true })
        }),
      )
    })
})

test('a submit_sm has the octets of SMPP 3.4, 4.4.1', () => {
  const frame = encodePdu({
    name: 'submit_sm',
    status: 0,
    sequence: 7,
    body: {
      serviceType: '',
      sourceAddrTon: 5,
      sourceAddrNpi: 0,
      sourceAddr: 'Acme',
      destAddrTon: 1,
      destAddrNpi: 1,
      destinationAddr: '8613800138000',
      esmClass: 0,
      protocolId: 0,
      priorityFlag: 0,
      scheduleDeliveryTime: '',
      validityPeriod: '000000000100000R',
      registeredDelivery: 1,
      replaceIfPresentFlag: 0,
      dataCoding: 0,
      smDefaultMsgId: 0,
      shortMessage: Buffer.from('hi'),
    },
    tlvs: new Map([[0x0204, Buffer.of(0x12, 0x34)]]),
  })
  const text = (value: string) => `${Buffer.from(value).toString('hex')}00`
  const told = [
    '0000004a',
    '00000004',
    '00000000',
    '00000007',
    '00',
    '0500',
    text('Acme'),
    '0101',
    text('8613800138000'),
    '000000',
    '00',
    text('000000000100000R'),
    '01000000',
    '026869',
    '0204',
    '0002',
    '1234',
  ].join('')
  assert.equal(frame.toString('hex'), told)
})

test('a text that its field cannot hold is not sent cut', () => {
  const outbind = (systemId: string) =>
    encodePdu({ name: 'outbind', status: 0, sequence: 1, body: { systemId, password: '' }, tlvs: noTlvs })
  assert.ok(outbind('a'.repeat(15)))
  for (const bad of ['a'.repeat(16), 'a\0b', '码']) assert.throws(() => outbind(bad), RangeError)
})

test('a refusal without a body, a text without its NUL and fields left out are read all the same', () => {
  const header = (id: number, status: number, rest = '') => {
    const body = Buffer.from(rest, 'latin1')
    const frame = Buffer.alloc(16 + body.length)
    frame.writeUInt32BE(frame.length, 0)
    frame.writeUInt32BE(id, 4)
    frame.writeUInt32BE(status, 8)
    body.copy(frame, 16)
    return decodePdu(frame)
  }
  const pdu = (status: number, messageId: string) => simplePdu('submit_sm_resp', 0, status, messageId)
  assert.deepEqual(header(0x80000004, 0x58), { kind: 'pdu', pdu: pdu(0x58, ''), isWhole: true })
  assert.deepEqual(header(0x80000004, 0), { kind: 'pdu', pdu: pdu(0, ''), isWhole: false })
  assert.deepEqual(header(0x80000004, 0, 'abc'), { kind: 'pdu', pdu: pdu(0, 'abc'), isWhole: false })
  const long = 'x'.repeat(300)
  assert.deepEqual(header(0x80000004, 0, `${long}\0`), { kind: 'pdu', pdu: pdu(0, long), isWhole: true })
  assert.deepEqual(header(0x00000021, 0), { kind: 'unknown', id: 0x21, status: 0, sequence: 0 })
})

test('every request has its response, and alert_notification and outbind have none', () => {
  const without = pduNames.filter((name) => !name.endsWith('_resp') && responseTo(name) === undefined)
  assert.deepEqual(without, ['outbind', 'alert_notification'])
  assert.equal(responseTo('bind_transceiver'), 'bind_transceiver_resp')
})

test('S-11: whatever a frame holds, there is a result, and nothing in it is beyond the frame', () => {
  const fuzzed = fc.oneof(
    fc.uint8Array({ minLength: 16, maxLength: 600 }),
    // Frames of a kind we know, with octets changed and the end cut off.
    fc
      .tuple(
        fc.constantFrom(...pduNames).chain(pduOf),
        fc.array(fc.tuple(fc.nat(400), octet), { maxLength: 8 }),
        fc.nat(400),
      )
      .map(([pdu, changes, cut]) => {
        const frame = encodePdu(pdu)
        for (const [at, value] of changes) if (at < frame.length && (at < 4 || at > 7)) frame[at] = value
        return frame.subarray(0, Math.max(16, frame.length - (cut % frame.length)))
      }),
  )
  fc.assert(
    fc.property(fuzzed, (bytes) => {
      const frame = Buffer.from(bytes)
      const decoded = decodePdu(frame)
      if (decoded.kind === 'unknown') return
      let held = 0
      for (const value of Object.values(decoded.pdu.body) as (string | number | Buffer)[])
        held += typeof value === 'number' ? 1 : value.length
      for (const value of decoded.pdu.tlvs.values()) held += 4 + value.length
      assert.ok(held <= frame.length + fieldsOf(decoded.pdu.name).length)
    }),
    { numRuns: 5_000 },
  )
})
