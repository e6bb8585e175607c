import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { generate } from 'selfsigned'
import { failure } from '../../../test/mail-servers.ts'
import { type ReceiptPlan, startFakeSmsc } from '../../../test/smpp/fake-smsc.ts'
import { message, never, providerOf } from '../../../test/smpp/smpp-providers.ts'
import { until } from '../../../test/until.ts'
import type { Receipt } from '../../delivery/provider.ts'
import { absoluteTime, relativeTime } from './times.ts'

test('S-1, S-4, S-7: a code goes out as one submit_sm with its life, asking for a receipt', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port)
  const accepted = await provider.send({ ...message, remainingMs: 59_999.5 }, never)
  assert.deepEqual(accepted, { id: 'm0', receiptKey: 'm0', segments: 1 })
  assert.deepEqual(smsc.binds, [
    {
      name: 'bind_transceiver',
      body: {
        systemId: 'esme',
        password: 'secret',
        systemType: '',
        interfaceVersion: 0x34,
        addrTon: 0,
        addrNpi: 0,
        addressRange: '',
      },
    },
  ])
  const [submit = assert.fail()] = smsc.submits
  assert.equal(submit.to, '+8613800138000')
  assert.equal(submit.text, message.text)
  assert.equal(submit.code, '012345')
  assert.equal(submit.reference, 0xbeef)
  const { destAddrTon, destAddrNpi, validityPeriod, registeredDelivery, esmClass, dataCoding } =
    submit.pdu.body
  assert.deepEqual([destAddrTon, destAddrNpi], [1, 1])
  assert.match(validityPeriod, /^0000000000[45]\d000R$/)
  assert.deepEqual([registeredDelivery, esmClass, dataCoding], [1, 0, 0])
  assert.ok(submit.pdu.sequence >= 1)
  assert.deepEqual(smsc.complaints, [])
})

test('S-4: what is left of a life is told in relative form', () => {
  assert.equal(relativeTime(60_000), '000000000100000R')
  assert.equal(relativeTime(59_999), '000000000059000R')
  assert.equal(relativeTime(3_723_000), '000000010203000R')
  assert.equal(relativeTime(90_000_000), '000001010000000R')
  assert.equal(relativeTime(0), '000000000001000R')
  assert.equal(relativeTime(Number.POSITIVE_INFINITY), '000002000000000R')
})

test('S-4: or by the clock, in UTC, or not at all', async (t) => {
  assert.equal(absoluteTime(Date.UTC(2026, 2, 1, 9, 5, 7, 890)), '260301090507800+')
  await using smsc = await startFakeSmsc()
  for (const validity of ['absolute', 'none'] as const)
    await providerOf(t, smsc.port, { settings: { validity } }).send(message, never)
  const [absolute, none] = smsc.submits.map(({ pdu }) => pdu.body.validityPeriod)
  assert.match(absolute!, /^\d{15}\+$/)
  const [year, month, day, hour, minute, second] = absolute!.match(/\d\d/g)!.map(Number)
  const until = Date.UTC(2000 + year!, month! - 1, day, hour, minute, second)
  assert.ok(until > Date.now() + 30_000 && until <= Date.now() + 60_000)
  assert.equal(none, '')
})

test('a carrier that wants otherwise gets its service type, types and plans of numbers, and version', async (t) => {
  await using smsc = await startFakeSmsc()
  const numbers = { sourceTon: 0, sourceNpi: 9, destinationTon: 2, destinationNpi: 0 }
  const settings = { ...numbers, serviceType: 'VMA', interfaceVersion: 3.3, sender: 'Acme' } as const
  await providerOf(t, smsc.port, { settings }).send(message, never)
  const { body } = smsc.submits[0]!.pdu
  assert.deepEqual(
    [body.sourceAddrTon, body.sourceAddrNpi, body.destAddrTon, body.destAddrNpi, body.serviceType],
    [0, 9, 2, 0, 'VMA'],
  )
  assert.equal(smsc.binds[0]!.body.interfaceVersion, 0x33)
})

test('optional parameters go to a peer that says it speaks 3.4 or newer, unless settings say otherwise', async (t) => {
  for (const [version, settings, has] of [
    [0x34, {}, true],
    [0x50, {}, true],
    [0x33, {}, false],
    [null, {}, false],
    [0x34, { interfaceVersion: 3.3 }, false],
    [0x34, { optionalParameters: 'never' }, false],
    [null, { optionalParameters: 'always' }, true],
  ] as const) {
    await using smsc = await startFakeSmsc()
    smsc.script.version = version
    await providerOf(t, smsc.port, { settings }).send(message, never)
    assert.equal(smsc.submits[0]!.pdu.tlvs.size > 0, has, `${version} ${JSON.stringify(settings)}`)
  }
})

test('S-10: a name, a number and a short code have their type and plan; the message’s own wins', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port, { settings: { sender: 'Acme' } })
  for (const sender of [null, '+447700900123', '12345', 'Sign-in 2'])
    await provider.send({ ...message, sender }, never)
  await providerOf(t, smsc.port).send(message, never)
  assert.deepEqual(
    smsc.submits.map(({ pdu: { body } }) => [body.sourceAddrTon, body.sourceAddrNpi, body.sourceAddr]),
    [
      [5, 0, 'Acme'],
      [1, 1, '447700900123'],
      [3, 0, '12345'],
      [5, 0, 'Sign-in 2'],
      [0, 0, ''],
    ],
  )
})

test('S-9: the alphabet is the carrier’s; what it lacks turns the text to UCS-2', async (t) => {
  for (const alphabet of ['gsm', 'latin1'] as const) {
    await using smsc = await startFakeSmsc({ alphabet })
    const provider = providerOf(t, smsc.port, { settings: { alphabet } })
    const texts = ['a@b [x] £ à 012345', '【会议】您的验证码是 012345', 'ça 012345']
    for (const text of texts) await provider.send({ ...message, text }, never)
    assert.deepEqual(
      smsc.submits.map(({ text }) => text),
      texts,
    )
    assert.deepEqual(
      smsc.submits.map(({ pdu }) => pdu.body.dataCoding),
      [0, 8, 8],
    )
    assert.equal(smsc.submits[0]!.pdu.body.shortMessage[1], alphabet === 'gsm' ? 0x00 : 0x40)
  }
})

test('S-9: a message of two parts goes to another carrier unless allowed, and then asks for the last part’s receipt', async (t) => {
  await using smsc = await startFakeSmsc()
  const text = `${'码'.repeat(66)}😀${'码'.repeat(10)}`
  const refused = await failure(providerOf(t, smsc.port).send({ ...message, text }, never))
  assert.deepEqual([refused.kind, refused.providerCode], ['throttled', 'takes 2 parts, maxParts is 1'])
  assert.equal(smsc.submits.length, 0)

  const provider = providerOf(t, smsc.port, { settings: { maxParts: 2 } })
  assert.deepEqual(await provider.send({ ...message, text }, never), {
    id: 'm1',
    receiptKey: 'm1',
    segments: 2,
  })
  assert.equal(smsc.submits.map((part) => part.text).join(''), text)
  const [first, last] = smsc.submits
  assert.equal(first?.part?.reference, last?.part?.reference)
  assert.deepEqual(
    smsc.submits.map(({ part, pdu }) => [
      part?.number,
      part?.total,
      pdu.body.esmClass,
      pdu.body.registeredDelivery,
    ]),
    [
      [1, 2, 0x40, 0],
      [2, 2, 0x40, 1],
    ],
  )

  smsc.script.answer = ({ part }) => (part?.number === 1 ? { status: 0x0b } : {})
  assert.equal((await failure(provider.send({ ...message, text }, never))).kind, 'refused')
  assert.equal(smsc.submits.length, 3, 'the second part was not sent after the first was refused')
})

test('a status is an outcome with the SMSC’s own word', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port)
  for (const [status, kind, words] of [
    [0x0b, 'refused', '0x0000000B ESME_RINVDSTADR'],
    [0x08, 'unavailable', '0x00000008 ESME_RSYSERR'],
    [0x0a, 'unavailable', '0x0000000A ESME_RINVSRCADR; see the setting sender'],
    [0x62, 'unavailable', '0x00000062 ESME_RINVEXPIRY; see the setting validity'],
    [0xc1, 'unavailable', '0x000000C1 ESME_ROPTPARNOTALLWD; see the setting optionalParameters'],
    [0x50, 'unavailable', '0x00000050 ESME_RINVDSTTON; see the setting destinationTon'],
    [0x45, 'unavailable', '0x00000045 ESME_RSUBMITFAIL'],
    [0x0444, 'unavailable', '0x00000444'],
    [0x66, 'unavailable', '0x00000066 ESME_RX_R_APPN'],
    [0xfe, 'unavailable', '0x000000FE ESME_RDELIVERYFAILURE'],
  ] as const) {
    smsc.script.answer = () => ({ status })
    const error = await failure(provider.send(message, never))
    assert.deepEqual([error.kind, error.providerCode], [kind, words])
  }
})

test('S-7, S-8: receipts by text and by parameter, early and twice, come to the sink under the accepted key', async (t) => {
  await using smsc = await startFakeSmsc()
  const receipts: Receipt[] = []
  const provider = providerOf(t, smsc.port, {
    settings: { receiptIds: 'decimal-to-hex' },
    receive: async (told) => void receipts.push(...told),
  })
  const plans: readonly (readonly ReceiptPlan[])[] = [
    [{ stat: 'DELIVRD', id: '2748', afterMs: -1 }],
    [
      { stat: 'ENROUTE', id: '2748' },
      { stat: 'UNDELIV', err: '001', id: '2748', afterMs: 5 },
      { stat: 'UNDELIV', err: '001', id: '2748', afterMs: 10 },
    ],
    [{ stat: 'DELIVRD', form: 'tlv' }],
  ]
  smsc.script.answer = (_, n) => ({ id: '00000ABC', receipts: plans[n]! })
  for (const _ of plans) assert.equal((await provider.send(message, never)).receiptKey, 'abc')
  await until(() => (smsc.counts.deliver_sm_resp ?? 0) === 5)
  assert.ok(smsc.answers.every(({ status }) => status === 0))
  assert.deepEqual(
    receipts.map(({ key, state, providerCode }) => [key, state, providerCode]).toSorted(),
    [
      ['abc', 'delivered', 'DELIVRD 000'],
      ['abc', 'delivered', 'DELIVRD'],
      ['abc', 'enroute', 'ENROUTE 000'],
      ['abc', 'undeliverable', 'UNDELIV 001'],
      ['abc', 'undeliverable', 'UNDELIV 001'],
    ].toSorted(),
  )
})

test('S-8: everything delivered is answered with 0; only a receipt that is not recorded is asked for again', async (t) => {
  await using smsc = await startFakeSmsc()
  let isAway = false
  let calls = 0
  const shapes: string[] = []
  const provider = providerOf(t, smsc.port, {
    async receive(receipts, unread = []) {
      shapes.push(...unread)
      if (receipts.length > 0) calls++
      if (isAway) throw new Error('store is away')
    },
  })
  await provider.check?.()
  const receipt = { esmClass: 0x04, shortMessage: Buffer.from('id:9 stat:DELIVRD err:000') }
  assert.equal((await smsc.deliver({ shortMessage: Buffer.from('STOP') })).status, 0)
  assert.equal((await smsc.deliver({ esmClass: 0x04, shortMessage: Buffer.from('nonsense') })).status, 0)
  assert.deepEqual([calls, shapes], [0, ['esm_class 0x4 aaaaaaaa']])
  assert.equal((await smsc.deliver(receipt)).status, 0)
  isAway = true
  assert.equal((await smsc.deliver(receipt)).status, 0x64)
  isAway = false
  const many = await Promise.all(Array.from({ length: 100 }, () => smsc.deliver(receipt)))
  assert.ok(many.every(({ status, name }) => status === 0 && name === 'deliver_sm_resp'))
  assert.ok(calls < 50, `receipts that come together are recorded together, not in ${calls} calls`)
})

test('without receipts none is asked for and no key is told', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port, { settings: { receipts: false } })
  assert.equal(provider.hasReceipts, false)
  assert.deepEqual(await provider.send(message, never), { id: 'm0', segments: 1 })
  assert.equal(smsc.submits[0]!.pdu.body.registeredDelivery, 0)
})

test('S-1: a pair sends by its transmitter and hears by its receiver', async (t) => {
  await using smsc = await startFakeSmsc()
  const receipts: Receipt[] = []
  const provider = providerOf(t, smsc.port, {
    settings: { bind: 'pair' },
    receive: async (told) => void receipts.push(...told),
  })
  await provider.check?.()
  assert.deepEqual(smsc.binds.map(({ name }) => name).toSorted(), ['bind_receiver', 'bind_transmitter'])
  smsc.script.answer = () => ({ receipts: [{ stat: 'DELIVRD' }] })
  await provider.send(message, never)
  await until(() => receipts.length === 1)
})

test('S-10: over TLS, to a name whose certificate is trusted, and to no other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-smpp-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  })
  const caFile = join(folder, 'ca.pem')
  writeFileSync(caFile, made.cert)
  await using smsc = await startFakeSmsc({ tls: { key: made.private, cert: made.cert } })
  const tls = { security: 'tls', host: 'localhost' } as const
  const provider = providerOf(t, smsc.port, { settings: { ...tls, caFile, binds: 2 } })
  await provider.check?.()
  assert.equal((await provider.send(message, never)).id, 'm0')
  for (const settings of [tls, { ...tls, host: '127.0.0.1', caFile }]) {
    const error = await failure(providerOf(t, smsc.port, { settings }).send(message, never))
    assert.equal(error.kind, 'unavailable')
    assert.match(error.providerCode, /self-signed certificate|IP: 127\.0\.0\.1 is not in the cert/)
  }
  assert.equal(smsc.submits.length, 1)
})

test('an e-mail address, or a sender that no field holds, is not sent to', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port)
  const mail = { kind: 'email', mailbox: 'a@b.c', canonical: 'a@b.c', needsSmtpUtf8: false } as const
  assert.equal((await failure(provider.send({ ...message, to: mail }, never))).kind, 'refused')
  assert.equal((await failure(provider.send({ ...message, sender: '会议' }, never))).kind, 'unavailable')
  assert.equal((await provider.send(message, never)).id, 'm0')
})
