/** Our SMPP client against the server of the npm package smpp. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import smpp from 'smpp'
import type { Receipt } from '../../src/delivery/provider.ts'
import { failure } from '../mail-servers.ts'
import { until } from '../until.ts'
import { message, never, providerOf } from './smpp-providers.ts'

test('the npm package takes what we send as it was written, and its receipts are understood', async (t) => {
  const seen: Record<string, unknown>[] = []
  const answered: number[] = []
  const server = smpp.createServer((session) => {
    session.on('error', () => {})
    session.on('bind_transceiver', (pdu) => {
      const isGood = pdu.system_id === 'esme' && pdu.password === 'secret'
      session.send(pdu.response({ command_status: isGood ? 0 : smpp.ESME_RBINDFAIL, system_id: 'npm' }))
    })
    session.on('submit_sm', (pdu) => {
      seen.push(pdu)
      if (seen.length === 2) return session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }))
      session.send(pdu.response({ message_id: `ID-${seen.length}` }))
      const text = `id:id-${seen.length} sub:001 dlvrd:001 submit date:2603011200 done date:2603011201 stat:DELIVRD err:000 text:`
      session.deliver_sm({ esm_class: 4, short_message: text }, (response) =>
        answered.push(response.command_status),
      )
    })
    session.on('enquire_link', (pdu) => session.send(pdu.response()))
    session.on('unbind', (pdu) => {
      session.send(pdu.response())
      session.close()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo

  const receipts: Receipt[] = []
  const provider = providerOf(t, port, {
    // It does not announce its version.
    settings: { maxParts: 2, optionalParameters: 'always' },
    timings: { idleMs: 100 },
    receive: async (told) => void receipts.push(...told),
  })
  await provider.check?.()
  const long = `${'Ω'.repeat(100)}${'€'.repeat(40)} 012345`
  const texts = [message.text, '您的验证码是 012345', long]
  const accepted = []
  for (const text of texts) accepted.push(await provider.send({ ...message, text }, never))
  await until(() => receipts.length === 4 && answered.length === 4)

  const textOf = (pdu: (typeof seen)[number]) => (pdu.short_message as { message: string }).message
  assert.equal(textOf(seen[0]!), message.text)
  // Throttled once, then taken.
  assert.deepEqual([textOf(seen[1]!), textOf(seen[2]!)], [texts[1], texts[1]])
  assert.equal(textOf(seen[3]!) + textOf(seen[4]!), long)
  assert.deepEqual((seen[3]!.short_message as { udh: Buffer[] }).udh[0]!.subarray(-2), Buffer.of(2, 1))
  assert.equal(seen[0]!.user_message_reference, 0xbeef)
  assert.equal(seen[0]!.validity_period === '', false)
  assert.deepEqual(answered, [0, 0, 0, 0])
  assert.ok(accepted.every(({ receiptKey }) => receipts.some(({ key }) => key === receiptKey)))

  const refused = providerOf(t, port, { settings: { systemId: 'nobody' } })
  assert.match((await failure(refused.send(message, never))).providerCode, /^bind refused: 0x0000000D/)
})
