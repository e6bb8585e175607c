/** A foreign client at our fake SMSC: Kannel's bearerbox, so that our codec is not only checked against itself. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { suite, type TestContext, test } from 'node:test'
import { textTlv, tlvTags, uint8Tlv } from '../../src/providers/smpp/tlv.ts'
import { kannelPaths } from '../kannel.ts'
import { requirePeer } from '../peers.ts'
import { until } from '../until.ts'
import { startFakeSmsc } from './fake-smsc.ts'
import { startKannelClient } from './kannel-client.ts'

const { skip } = requirePeer('Kannel (apt-get install kannel)', kannelPaths.bearerbox)

/** Gets the calls by which Kannel reports our receipts: the query of each. */
async function callBacks(t: TestContext) {
  const calls: URLSearchParams[] = []
  const server = createServer((request, response) => {
    calls.push(new URL(request.url!, 'http://x').searchParams)
    response.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  // Its escapes: type of the report, and the SMSC's own words.
  return { calls, url: (message: string) => `http://127.0.0.1:${port}/?message=${message}&type=%d&words=%A` }
}

suite('Kannel', { skip: skip ?? false }, () => {
  test('binds, sends in both alphabets, reads our answers and receipts, and answers what we deliver', async (t) => {
    await using smsc = await startFakeSmsc()
    const bind = { 'smsc-username': 'esme', 'smsc-password': 'secret', 'system-type': 'VMA' }
    const session = {
      'transceiver-mode': 'true',
      'enquire-link-interval': '1',
      'connect-allow-ip': '127.0.0.1',
    }
    const { calls, url } = await callBacks(t)
    smsc.script.answer = ({ text }) => ({
      id: text.includes('refused') ? '' : `${smsc.submits.length}abc`,
      status: text.includes('refused') ? 0x0b : 0,
      receipts: text.includes('refused')
        ? []
        : [
            {
              stat: text.includes('lost') ? 'UNDELIV' : 'DELIVRD',
              err: '007',
              form: text.includes('tlv') ? 'tlv' : 'text',
              afterMs: 50,
            },
          ],
    })
    const kannel = await startKannelClient(smsc.port, { ...bind, ...session }, 'pong')
    t.after(() => kannel.stop())
    await until(() => smsc.binds.length === 1)
    assert.equal(smsc.binds[0]!.name, 'bind_transceiver')
    assert.deepEqual(
      [smsc.binds[0]!.body.systemId, smsc.binds[0]!.body.password, smsc.binds[0]!.body.systemType],
      ['esme', 'secret', 'VMA'],
    )

    // mask 1 + 2 + 16: delivered, undeliverable, refused by the SMSC.
    const send = (id: string, text: string, more: Record<string, string> = {}) =>
      kannel.sendSms({
        to: '8613800138000',
        from: 'Acme',
        text,
        'dlr-mask': '19',
        'dlr-url': url(id),
        ...more,
      })
    assert.match(await send('a', 'code 012345 @£€[x]'), /^202 /)
    assert.match(await send('b', 'lost 012345', { 'dlr-mask': '19' }), /^202 /)
    assert.match(await send('c', 'tlv 012345'), /^202 /)
    assert.match(await send('d', 'refused 012345'), /^202 /)
    assert.match(await send('e', '您的验证码是 012345', { coding: '2', charset: 'UTF-8' }), /^202 /)
    await until(() => calls.length >= 5)

    const bodies = new Map(smsc.submits.map((one) => [one.text, one.pdu.body]))
    assert.deepEqual(
      new Set(bodies.keys()),
      new Set(['code 012345 @£€[x]', 'lost 012345', 'tlv 012345', 'refused 012345', '您的验证码是 012345']),
    )
    assert.equal(bodies.get('您的验证码是 012345')!.dataCoding, 8)
    assert.ok(smsc.submits.every(({ to, code }) => to === '+8613800138000' && code === '012345'))
    const told = Object.fromEntries(calls.map((call) => [call.get('message'), call.get('type')]))
    assert.deepEqual(told, { a: '1', b: '2', c: '1', d: '16', e: '1' })

    // A message from a phone: Kannel reads our deliver_sm, answers it, and its service replies by a submit.
    const answer = await smsc.deliver({
      sourceAddr: '447700900123',
      destinationAddr: '12345',
      shortMessage: Buffer.from('ping'),
    })
    assert.deepEqual([answer.name, answer.status], ['deliver_sm_resp', 0])
    await until(() => smsc.submits.some(({ text }) => text === 'pong'))

    // Receipts for nobody are answered too, whichever way they are written.
    const stray = await smsc.deliver(
      { esmClass: 4 },
      new Map([
        [tlvTags.receiptedMessageId, textTlv('nobody')],
        [tlvTags.messageState, uint8Tlv(2)],
      ]),
    )
    assert.equal(stray.name, 'deliver_sm_resp')
    await until(() => (smsc.counts.enquire_link ?? 0) >= 1)
    await kannel.stop()
    assert.equal(smsc.counts.unbind, 1, 'it unbound, by our answer or not')
    assert.deepEqual(smsc.complaints, [])
    assert.ok((smsc.counts.deliver_sm_resp ?? 0) >= 6)
  })
})
