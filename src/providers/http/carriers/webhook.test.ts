import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import {
  callOf,
  failureOf,
  mailMessage,
  never,
  phoneMessage,
  startCarrier,
} from '../../../../test/http-carrier.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const section = { carrier: 'webhook', url: 'https://messages.example.com/countersign', secret }
/** The rule's own implementation. */
const peer = new Webhook(secret)

test('the rule’s own implementation verifies what is sent, for each channel', async (t) => {
  const { provider, requests, answer, receiptUrl } = await startCarrier(t, section)
  answer({ status: 202 })
  const voice = { ...phoneMessage, channel: 'voice', text: 'Your code is 0, 1, 2' } as const
  for (const message of [phoneMessage, mailMessage, voice]) {
    assert.deepEqual(await provider.send(message, never), { id: message.id })
    const { path, headers, body, json } = requests.at(-1)!
    assert.equal(path, '/countersign')
    assert.equal(headers['content-type'], 'application/json')
    peer.verify(body, headers as Record<string, string>)
    const { data } = json as { data: Record<string, unknown> }
    assert.equal(headers['webhook-id'], message.id)
    assert.deepEqual(data, {
      id: message.id,
      channel: message.channel,
      to: message.to.kind === 'phone' ? message.to.e164 : message.to.mailbox,
      locale: 'en-US',
      ...(message.channel === 'email' && { subject: mailMessage.subject }),
      text: message.text,
      ...(message.channel === 'email' && { html: mailMessage.html }),
      template: 'code',
      variables: message.variables,
      lifetimeSeconds: 59,
      receiptUrl,
    })
  }
})

test('its answers become outcomes: success alone is not enough if it tells of an error', async (t) => {
  const { provider, answer } = await startCarrier(t, section)
  for (const [status, body, kind] of [
    [200, { error: 'no credit' }, 'unavailable'],
    [422, { error: 'no such number' }, 'refused'],
    [400, {}, 'unavailable'],
    [404, {}, 'unavailable'],
    [410, {}, 'unavailable'],
    [429, {}, 'throttled'],
    [503, {}, 'throttled'],
    [500, {}, 'unavailable'],
    [302, {}, 'unavailable'],
  ] as const) {
    answer({ status, body, headers: { location: 'https://elsewhere.example.com' } })
    assert.equal((await failureOf(provider.send(phoneMessage, never))).kind, kind, String(status))
  }
})

test('receipts are taken from who has the secret, and not for ever', async (t) => {
  const { provider, receipts } = await startCarrier(t, section)
  const body = JSON.stringify({ id: phoneMessage.id, state: 'delivered', words: 'read out' })
  const call = (at: Date, by = peer, id = 'receipt-1') =>
    provider.receipts!(
      callOf({
        body,
        headers: {
          'webhook-id': id,
          'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
          'webhook-signature': `v1,b2xk ${by.sign(id, at, body)}`,
        },
      }),
    )
  assert.equal((await call(new Date())).status, 204)
  assert.deepEqual(receipts, [
    { key: phoneMessage.id, state: 'delivered', providerCode: 'delivered read out' },
  ])
  const stranger = new Webhook(`whsec_${randomBytes(32).toString('base64')}`)
  assert.equal((await call(new Date(), stranger)).status, 403)
  assert.equal((await call(new Date(Date.now() - 301_000))).status, 403)
  assert.equal((await call(new Date(Date.now() + 301_000))).status, 403)
  assert.equal((await provider.receipts!(callOf({ body }))).status, 403)
  assert.equal(receipts.length, 1)
})
