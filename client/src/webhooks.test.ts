import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { webhooks } from './index.ts'

const secret = `whsec_${randomBytes(32).toString('base64')}`
const old = `whsec_${randomBytes(24).toString('base64')}`
const event = {
  id: 'evt_1',
  type: 'verification.used',
  created_at: '2026-12-01T00:00:00.000Z',
  data: { name: '号码' },
}
const body = JSON.stringify(event)

/** Signed by the library that Standard Webhooks publishes. */
function signed(by = secret, at = new Date()) {
  return {
    'webhook-id': 'msg_1',
    'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`,
    'webhook-signature': new Webhook(by).sign('msg_1', at, body),
  }
}
const refused = { name: 'CountersignError', type: 'webhook' }

test('what standardwebhooks signs is accepted, in each form of a request', async () => {
  const headers = signed()
  assert.deepEqual(
    await webhooks.verify(new Request('http://a.example', { method: 'POST', headers, body }), secret),
    event,
  )
  assert.deepEqual(await webhooks.verify({ headers: new Headers(headers), body }, secret), event)
  assert.deepEqual(await webhooks.verify({ headers, body: Buffer.from(body) }, [secret]), event)
  const named = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]),
  )
  assert.deepEqual(await webhooks.verify({ headers: named, body }, secret), event)
})

test('while secrets are rotated either is accepted, whichever side has both', async () => {
  assert.deepEqual(await webhooks.verify({ headers: signed(old), body }, [secret, old]), event)
  const both = {
    ...signed(),
    'webhook-signature': `${signed(old)['webhook-signature']} ${signed()['webhook-signature']}`,
  }
  assert.deepEqual(await webhooks.verify({ headers: both, body }, secret), event)
  assert.deepEqual(await webhooks.verify({ headers: signed(), body }, [undefined, secret]), event)
})

test('another body, id, time or secret is refused', async () => {
  for (const [headers, text, by] of [
    [signed(), `${body} `, secret],
    [{ ...signed(), 'webhook-id': 'msg_2' }, body, secret],
    [{ ...signed(), 'webhook-timestamp': `${Math.floor(Date.now() / 1000) + 1}` }, body, secret],
    [signed(), body, old],
    [{ ...signed(), 'webhook-signature': 'v1,' }, body, secret],
    [{ ...signed(), 'webhook-signature': 'v1,%%%' }, body, secret],
    [{ ...signed(), 'webhook-signature': signed()['webhook-signature'].replace('v1,', 'v2,') }, body, secret],
    [
      { ...signed(), 'webhook-signature': signed()['webhook-signature'].replace('v1,', 'v1a,') },
      body,
      secret,
    ],
    [{ 'webhook-id': 'msg_1' }, body, secret],
  ] as const)
    await assert.rejects(webhooks.verify({ headers, body: text }, by), refused)
})

test('a webhook of earlier or later than five minutes is refused, unless more is tolerated', async () => {
  for (const seconds of [-310, 310]) {
    const headers = signed(secret, new Date(Date.now() + seconds * 1000))
    await assert.rejects(webhooks.verify({ headers, body }, secret), refused)
    assert.deepEqual(await webhooks.verify({ headers, body }, secret, { toleranceS: 400 }), event)
  }
})

test('a signature v1a is accepted by its public key, and by no other', async () => {
  const keyOf = () => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
    return { privateKey, public: `whpk_${raw.toString('base64')}` }
  }
  const ours = keyOf()
  const at = `${Math.floor(Date.now() / 1000)}`
  const signature = sign(null, Buffer.from(`msg_1.${at}.${body}`), ours.privateKey).toString('base64')
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': at,
    'webhook-signature': `v1,AAAA v1a,${signature}`,
  }
  assert.deepEqual(await webhooks.verify({ headers, body }, ours.public), event)
  await assert.rejects(webhooks.verify({ headers, body }, keyOf().public), refused)
  await assert.rejects(
    webhooks.verify({ headers: { ...headers, 'webhook-signature': `v1,${signature}` }, body }, ours.public),
    refused,
  )
})

test('without a secret nothing is accepted', async () => {
  for (const none of [[], [undefined], '', 'whsec_', 'whsec_%'])
    await assert.rejects(webhooks.verify({ headers: signed(), body }, none))
})
