import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import {
  callOf,
  failureOf,
  never,
  phoneMessage,
  settingsOf,
  startCarrier,
} from '../../../../test/http-carrier.ts'

const section = {
  carrier: 'twilio',
  accountSid: `AC${'0'.repeat(32)}`,
  authToken: 'a-token-of-twilio',
  from: '+15557122661',
}

/** The answer of the page "Messages resource". */
const created = {
  account_sid: section.accountSid,
  api_version: '2010-04-01',
  body: 'Hi there',
  direction: 'outbound-api',
  error_code: null,
  error_message: null,
  from: '+15557122661',
  num_media: '0',
  num_segments: '1',
  price: null,
  price_unit: null,
  messaging_service_sid: null,
  sid: 'SMb7c0a2ce80504485a6f653a7110836f5',
  status: 'queued',
  to: '+15558675310',
  uri: `/2010-04-01/Accounts/${section.accountSid}/Messages/SMb7c0a2ce80504485a6f653a7110836f5.json`,
}

const refusal = (code: number, status: number, message: string) => ({
  status,
  body: { code, message, more_info: `https://www.twilio.com/docs/errors/${code}`, status },
})

test('a message is handed over as the documentation shows it', async (t) => {
  const { provider, requests, answer, receiptUrl } = await startCarrier(t, section)
  answer({ status: 201, body: created })
  assert.deepEqual(await provider.send(phoneMessage, never), { id: created.sid, segments: 1 })
  const [{ method, path, headers, form }] = requests as [(typeof requests)[0]]
  assert.equal(method, 'POST')
  assert.equal(path, `/2010-04-01/Accounts/${section.accountSid}/Messages.json`)
  assert.equal(headers['content-type'], 'application/x-www-form-urlencoded')
  assert.equal(
    headers.authorization,
    `Basic ${Buffer.from(`${section.accountSid}:${section.authToken}`).toString('base64')}`,
  )
  assert.deepEqual(form, {
    To: '+15558675310',
    From: '+15557122661',
    Body: phoneMessage.text,
    ValidityPeriod: '59',
    StatusCallback: receiptUrl,
  })
})

test('a region is called at its edge, and no other host', () => {
  assert.equal(settingsOf(section).server, 'https://api.twilio.com')
  for (const host of [
    'api.dublin.ie1.twilio.com',
    'api.sydney.au1.twilio.com',
    'api.sao-paulo.br1.twilio.com',
  ])
    assert.equal(settingsOf({ ...section, host }).server, `https://${host}`)
  for (const host of ['api.ie1.twilio.com', 'api.twilio.com.example.com', 'api.dublin.ie1.twilio.com/x'])
    assert.throws(() => settingsOf({ ...section, host }), /host: is not of the form/)
})

test('a sender of the settings goes before the number, and a messaging service does without', async (t) => {
  const own = await startCarrier(t, section)
  own.answer({ status: 201, body: created })
  await own.provider.send({ ...phoneMessage, sender: 'Example' }, never)
  assert.equal(own.requests[0]!.form.From, 'Example')
  const { from: _, ...rest } = section
  const service = await startCarrier(t, { ...rest, messagingServiceSid: `MG${'a'.repeat(32)}` })
  service.answer({ status: 201, body: created })
  await service.provider.send(phoneMessage, never)
  assert.equal(service.requests[0]!.form.From, undefined)
  assert.equal(service.requests[0]!.form.MessagingServiceSid, `MG${'a'.repeat(32)}`)
})

test('a messaging service does not know the parts yet, and says 0', async (t) => {
  const { provider, answer } = await startCarrier(t, section)
  answer({ status: 201, body: { ...created, num_segments: '0', status: 'accepted' } })
  assert.deepEqual(await provider.send(phoneMessage, never), { id: created.sid })
})

test('its error codes become outcomes, with its words less the number', async (t) => {
  const { provider, answer } = await startCarrier(t, section)
  for (const [told, kind] of [
    [refusal(21211, 400, "The 'To' number +15558675310 is not a valid phone number."), 'refused'],
    [refusal(21610, 400, 'Attempt to send to unsubscribed recipient'), 'refused'],
    [refusal(21614, 400, "'To' number is not a valid mobile number"), 'refused'],
    [refusal(21635, 400, "'To' number cannot be a landline"), 'refused'],
    [refusal(21214, 400, "'To' phone number cannot be reached"), 'unavailable'],
    [refusal(21217, 400, 'Phone number does not appear to be valid'), 'unavailable'],
    [refusal(21408, 400, 'Permission to send an SMS has not been enabled for the region'), 'unavailable'],
    [refusal(21612, 400, 'Message cannot be sent with the current combination'), 'unavailable'],
    [refusal(20003, 401, 'Authentication Error - invalid username'), 'unavailable'],
    [refusal(20429, 429, 'Too Many Requests'), 'throttled'],
    [refusal(20500, 500, 'An internal server error has occurred'), 'unavailable'],
  ] as const) {
    answer(told)
    const error = await failureOf(provider.send(phoneMessage, never))
    assert.equal(error.kind, kind, String(told.body.code))
    assert.match(error.providerCode, new RegExp(`^${told.status} ${told.body.code} `))
    assert.doesNotMatch(error.providerCode, /5558675310/)
  }
})

function signed(
  url: string,
  fields: Readonly<Record<string, string>>,
  token: string,
  algorithm = 'sha1',
): string {
  const sorted = Object.keys(fields).sort()
  return createHmac(algorithm, token)
    .update(url + sorted.map((name) => name + fields[name]).join(''))
    .digest('base64')
}

test('a call-back that Twilio signed becomes a receipt; any other is refused', async (t) => {
  const { provider, receipts, receiptUrl } = await startCarrier(t, section)
  const fields = {
    SmsSid: created.sid,
    SmsStatus: 'undelivered',
    MessageStatus: 'undelivered',
    To: '+15558675310',
    MessageSid: created.sid,
    AccountSid: section.accountSid,
    From: '+15557122661',
    ApiVersion: '2010-04-01',
    ErrorCode: '30003',
  }
  const body = new URLSearchParams(fields).toString()
  const call = (signature: string) =>
    provider.receipts!(callOf({ body, headers: { 'x-twilio-signature': signature } }))
  assert.deepEqual(await call(signed(receiptUrl, fields, section.authToken)), { status: 204 })
  assert.deepEqual(receipts, [
    { key: created.sid, state: 'undeliverable', providerCode: 'undelivered 30003' },
  ])
  const shared = await startCarrier(t, { ...section, sharedKey: 'a-shared-key' })
  const { status } = await shared.provider.receipts!(
    callOf({
      body,
      headers: {
        'x-twilio-signature': signed(receiptUrl, fields, 'a-shared-key', 'sha256'),
        'x-twilio-webhooks-signature-settings': 'key=SK1,algorithm=HMAC_SHA256',
      },
    }),
  )
  assert.deepEqual([status, shared.receipts.length], [204, 1])
  for (const wrong of [
    '',
    'x',
    signed(receiptUrl, fields, 'other'),
    signed('https://x', fields, section.authToken),
  ])
    assert.equal((await call(wrong)).status, 403)
  assert.equal(receipts.length, 1)
})
