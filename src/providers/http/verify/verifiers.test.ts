import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { callOf } from '../../../../test/http-carrier.ts'
import { webhookSignature } from '../../../code/webhook-signature.ts'
import type { ReceiptRules } from '../../../config/carriers/block-schema.ts'
import { basic } from './basic.ts'
import type { Call } from './call.ts'
import { secret } from './secret.ts'
import { standardWebhooks } from './standard-webhooks.ts'
import { twilio } from './twilio.ts'
import { verifierOf } from './verifier.ts'

const given =
  (parameters: Readonly<Record<string, string>>) =>
  (name: string): string =>
    parameters[name] ?? ''

function calls<V>(verify: (call: Call) => V, call: Parameters<typeof callOf>[0], url = '', nowMs = 0): V {
  const said: Call['said'] = { document: undefined, text: '', headers: {}, query: new URLSearchParams() }
  return verify({ request: callOf(call), said, url, nowMs })
}

const documented = new URLSearchParams({
  Digits: '1234',
  To: '+18005551212',
  From: '+12349013030',
  Caller: '+12349013030',
  CallSid: 'CA1234567890ABCDE',
})
const address = 'https://mycompany.com/myapp.php?foo=1&bar=2'

function isTwilio(signature: string, url = address, body = documented.toString(), token = '12345'): boolean {
  return calls(twilio(given({ token })), { headers: { 'x-twilio-signature': signature }, body }, url)
}

test('Twilio: the example of its page "Webhooks security", and of earlier ones, is verified', () => {
  assert.equal(isTwilio('0/KCTR6DLpKmkAf8muzZqo1nDgQ='), true)
  const earlier = documented.toString().replaceAll('%2B12349013030', '%2B14158675309')
  assert.equal(isTwilio('RSOYDt4T1cUTdK1PDd93/VVr8B8=', address, earlier), true)
})

test('Twilio: any other signature, address, field or token is not', () => {
  const signature = '0/KCTR6DLpKmkAf8muzZqo1nDgQ='
  for (const [given, url, body, token] of [
    [''],
    [signature.toLowerCase()],
    [`${signature} `],
    [signature, 'https://mycompany.com/myapp.php?foo=1&bar=3'],
    [signature, 'http://mycompany.com/myapp.php?foo=1&bar=2'],
    [signature, 'https://other.example/myapp.php?foo=1&bar=2'],
    [signature, address, `${documented}&Extra=1`],
    [signature, address, documented.toString().replace('1234', '1235')],
    [signature, address, documented.toString(), '12346'],
  ] as const)
    assert.equal(isTwilio(given, url, body, token), false, `${given} ${url} ${body} ${token}`)
  const unkeyed = createHmac('sha1', '').update(address).digest('base64')
  assert.equal(isTwilio(unkeyed, address, '', ''), false, 'without a token nothing is verified')
})

test('Twilio: the address is signed with its port or without, whichever it was given', () => {
  const sign = (over: string) => createHmac('sha1', '12345').update(`${over}A1`).digest('base64')
  for (const host of ['codes.example.com', '[2001:db8::1]'])
    for (const [url, ports] of [
      [`https://${host}/r?a=https://x:1`, ['', ':443']],
      [`https://${host}:8443/r?a=https://x:1`, ['', ':8443']],
      [`http://${host}/r?a=https://x:1`, ['', ':80']],
    ] as const) {
      const scheme = url.slice(0, url.indexOf('//'))
      for (const port of ports)
        assert.equal(
          isTwilio(sign(`${scheme}//${host}${port}/r?a=https://x:1`), url, 'A=1'),
          true,
          `${url} as ${port}`,
        )
      assert.equal(isTwilio(sign(`${scheme}//${host}:81/r?a=https://x:1`), url, 'A=1'), false)
    }
})

test('Twilio: a call signed by a shared key is verified by that key and its algorithm alone', () => {
  const keys = { token: 'token', sharedKey: 'shared' }
  const call = (algorithm: string, by: string, named = algorithm, known = keys) =>
    calls(
      twilio(given(known)),
      {
        headers: {
          'x-twilio-signature': createHmac(algorithm, by).update(`${address}FromShop`).digest('base64'),
          'x-twilio-webhooks-signature-settings': `key=SK1,algorithm=HMAC_${named.toUpperCase()}`,
        },
        body: 'From=Shop',
      },
      address,
    )
  assert.equal(call('sha256', 'shared'), true)
  assert.equal(call('sha1', 'shared'), true)
  assert.equal(call('sha256', 'token'), false)
  assert.equal(call('sha1', 'token'), false)
  assert.equal(call('sha1', 'shared', 'sha256'), false)
  assert.equal(call('md5', 'shared'), false)
  assert.equal(call('sha256', '', 'sha256', { ...keys, sharedKey: '' }), false)
})

test('Twilio: a body of JSON is the one whose hash the signed address holds', () => {
  const body = '{"MessageSid":"SM1","MessageStatus":"delivered"}'
  const hash = createHash('sha256').update(body).digest('hex')
  const call = (
    sent: string,
    stated: string,
    signed = `https://codes.example.com/r?bodySHA256=${stated}`,
  ) => {
    const signature = createHmac('sha1', '12345').update(signed).digest('base64')
    const query = `bodySHA256=${stated}`
    const said = { document: undefined, text: '', headers: {}, query: new URLSearchParams(query) }
    const request = callOf({ headers: { 'x-twilio-signature': signature }, body: sent, query })
    const url = `https://codes.example.com/r?${query}`
    return twilio(given({ token: '12345' }))({ request, said, url, nowMs: 0 })
  }
  assert.equal(call(body, hash), true)
  assert.equal(call(body.replace('delivered', 'failed'), hash), false)
  assert.equal(call(body, ''), false)
  assert.equal(call(body, hash, 'https://codes.example.com/r'), false)
})

test('Twilio: fields go by their names, also where one begins with another; repeated values once', () => {
  const sign = (text: string) => createHmac('sha1', '12345').update(`${address}${text}`).digest('base64')
  const body = 'FromCity=Bern&From=Shop&Media=b&Media=a&Media=b'
  assert.equal(isTwilio(sign('FromShopFromCityBernMediaaMediab'), address, body), true)
})

/** Of the specification, which its libraries are tested with too. */
const vector = {
  secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
  timestamp: '1614265330',
  body: '{"test": 2432232314}',
  signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
}

test('Standard Webhooks: the example of its specification is what we sign and what we verify', () => {
  const { secret, id, timestamp, body, signature } = vector
  assert.equal(`v1,${webhookSignature(secret, id, timestamp, body)}`, signature)
  const verify = standardWebhooks(given({ secret }))
  const isWebhook = (change: Partial<typeof vector> = {}, lateMs = 0) => {
    const one = { ...vector, ...change }
    const headers = {
      'webhook-id': one.id,
      'webhook-timestamp': one.timestamp,
      'webhook-signature': one.signature,
    }
    return calls(verify, { headers, body: one.body }, '', Number(timestamp) * 1000 + lateMs)
  }
  assert.equal(isWebhook(), true)
  assert.equal(isWebhook({ signature: `v1a,x v1,eA== ${signature}` }), true)
  for (const change of [
    { id: 'msg_other' },
    { timestamp: '1614265331' },
    { timestamp: `${timestamp}.0` },
    { body: '{"test": 2432232315}' },
    { signature: signature.replace('v1,', 'v2,') },
    { signature: signature.slice(3) },
    { signature: '' },
  ])
    assert.equal(isWebhook(change), false, JSON.stringify(change))
  for (const lateMs of [-300_000, 300_000]) assert.equal(isWebhook({}, lateMs), true)
  for (const lateMs of [-301_000, 301_000]) assert.equal(isWebhook({}, lateMs), false)
})

const nowhere = () => assert.fail('nothing is to be called')

test('a secret that was not stated lets nobody in, least of all who sends none', async () => {
  const sent = { headers: { 'x-secret': '', authorization: 'Basic ' }, query: 'secret=' }
  for (const call of [{}, sent, { headers: { authorization: `Basic ${btoa(':')}` } }])
    for (const verify of [
      secret(given({ header: 'x-secret' })),
      secret(given({ query: 'secret' })),
      basic(given({})),
      basic(given({ user: 'u' })),
      standardWebhooks(given({})),
      twilio(given({})),
      verifierOf({ hmac: { key: '', text: '', signature: { header: 'x-secret' } } }, {}, nowhere),
      verifierOf({ sns: { topics: '' } } as ReceiptRules['verify'], {}, nowhere),
      verifierOf({ addresses: { list: '' } } as ReceiptRules['verify'], {}, nowhere),
    ])
      assert.equal(await calls<unknown>(verify, call), false)
})

test('all ways that a block states must hold', async () => {
  const verify = verifierOf(
    {
      addresses: { list: '198.51.100.0/24, 2001:db8::1' },
      secret: { header: 'X-Secret', value: '{{ word }}' },
    } as ReceiptRules['verify'],
    { word: 'shh' },
    nowhere,
  )
  const known = { 'x-secret': 'shh' }
  for (const [clientIp, headers, holds] of [
    ['198.51.100.7', known, true],
    ['2001:db8::1', known, true],
    ['198.51.101.7', known, false],
    ['198.51.100.7', { 'x-secret': 'shhh' }, false],
    ['198.51.100.7', {}, false],
    ['', known, false],
  ] as const)
    assert.equal(await calls(verify, { clientIp, headers }), holds, `${clientIp} ${JSON.stringify(headers)}`)
})
