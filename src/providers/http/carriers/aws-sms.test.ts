import assert from 'node:assert/strict'
import { test } from 'node:test'
import { never, phoneMessage, settingsOf, startCarrier } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'
import { snsEvents, topicArn } from '../../../../test/sns-events.ts'

const failed = (type: string, Reason: string, Message: string, more = {}) => ({
  status: 400,
  body: { __type: `com.amazonaws.smsvoice#${type}`, Reason, Message, ...more },
})

const section = {
  carrier: 'aws-sms',
  region: 'eu-west-1',
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret',
  originationIdentity: '+15557122661',
  configurationSet: 'codes',
  topicArn,
}

exchange({
  section,
  request: {
    method: 'POST',
    path: '/',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': 'PinpointSMSVoiceV2.SendTextMessage',
      'x-amz-date': /^\d{8}T\d{6}Z$/,
      authorization:
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/sms-voice\/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=[0-9a-f]{64}$/,
    },
    json: {
      DestinationPhoneNumber: '+15558675310',
      OriginationIdentity: '+15557122661',
      MessageBody: phoneMessage.text,
      MessageType: 'TRANSACTIONAL',
      TimeToLive: 59,
      ConfigurationSetName: 'codes',
      Context: { countersign: phoneMessage.id },
    },
  },
  success: { told: { status: 200, body: { MessageId: 'm-1' } }, accepted: { id: 'm-1' } },
  failures: [
    [
      failed('ConflictException', 'DESTINATION_PHONE_NUMBER_OPTED_OUT', 'opted out'),
      'refused',
      /DESTINATION_PHONE_NUMBER_OPTED_OUT/,
    ],
    ...(['DestinationPhoneNumber', 'destinationPhoneNumber'] as const).map(
      (Name) =>
        [
          failed('ValidationException', 'INVALID_PARAMETER', 'bad', { Fields: [{ Name }] }),
          'refused',
          /INVALID_PARAMETER/,
        ] as const,
    ),
    [
      failed('ValidationException', 'DESTINATION_COUNTRY_BLOCKED', 'blocked', {
        Fields: [{ Name: 'DestinationPhoneNumber' }],
      }),
      'unavailable',
      /DESTINATION_COUNTRY_BLOCKED/,
    ],
    [
      failed('ConflictException', 'DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION', 'blocked'),
      'unavailable',
      /PROTECT/,
    ],
    [
      failed('ValidationException', 'INVALID_PARAMETER', 'bad', { Fields: [{ Name: 'MessageBody' }] }),
      'unavailable',
      /INVALID/,
    ],
    [failed('ThrottlingException', '', 'Rate exceeded'), 'throttled', /Rate exceeded/],
    [failed('AccessDeniedException', 'x', 'not authorized'), 'unavailable', /AccessDenied/],
  ],
})

test('a message is given a life that Amazon takes, however short or long', async (t) => {
  const { provider, requests, answer } = await startCarrier(t, section)
  answer({ status: 200, body: { MessageId: 'm-1' } })
  for (const [remainingMs, seconds] of [
    [1_500, 5],
    [59_500, 59],
    [30 * 86_400_000, 259_200],
  ] as const) {
    await provider.send({ ...phoneMessage, remainingMs }, never)
    assert.equal((requests.at(-1)!.json as { TimeToLive: number }).TimeToLive, seconds)
  }
})

test('the host is that of the region’s partition, for mail too', () => {
  const ses = {
    carrier: 'aws-ses',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'secret',
    from: 'no-reply@example.com',
    topicArn,
  }
  for (const [region, domain] of [
    ['eu-west-1', 'amazonaws.com'],
    ['us-gov-east-1', 'amazonaws.com'],
    ['cn-northwest-1', 'amazonaws.com.cn'],
    ['us-iso-east-1', 'c2s.ic.gov'],
    ['us-isob-east-1', 'sc2s.sgov.gov'],
    ['us-isof-south-1', 'csp.hci.ic.gov'],
    ['eu-isoe-west-1', 'cloud.adc-e.uk'],
    ['eusc-de-east-1', 'amazonaws.eu'],
  ] as const) {
    assert.equal(settingsOf({ ...section, region }).server, `https://sms-voice.${region}.${domain}`)
    assert.equal(settingsOf({ ...ses, region }).server, `https://email.${region}.${domain}`)
  }
})

/** The event of the page "Example event data". */
const event = {
  eventType: 'TEXT_SUCCESSFUL',
  eventVersion: '1.0',
  eventTimestamp: 1686975103470,
  isFinal: true,
  originationPhoneNumber: '+12065550152',
  destinationPhoneNumber: '+14255550156',
  isoCountryCode: 'US',
  messageId: '862a8790-60c0-4430-9b2b-658bdexample',
  messageRequestTimestamp: 1686975103170,
  messageEncoding: 'GSM',
  messageType: 'TRANSACTIONAL',
  messageStatus: 'SUCCESSFUL',
  messageStatusDescription: 'Message has been accepted by phone carrier',
  context: { account: 'bar' },
  totalMessageParts: 1,
  totalMessagePrice: 0.09582,
  totalCarrierFee: 0.0,
}

test('what Amazon tells of a message by SNS becomes a receipt, once it is signed for our topic', async () => {
  const tell = await snsEvents('aws-sms')
  const receipt = {
    key: event.messageId,
    state: 'enroute',
    providerCode: 'TEXT_SUCCESSFUL SUCCESSFUL Message has been accepted by phone carrier',
    segments: 1,
    price: { amount: '0.09582', currency: 'USD' },
  }
  assert.deepEqual(await tell(event), { status: 200, receipts: [receipt] })
  for (const [eventType, isFinal, state] of [
    ['TEXT_DELIVERED', true, 'delivered'],
    ['TEXT_QUEUED', false, 'enroute'],
    ['TEXT_PENDING', false, 'enroute'],
    ['TEXT_CARRIER_UNREACHABLE', false, undefined],
    ['TEXT_CARRIER_UNREACHABLE', true, 'undeliverable'],
    ['TEXT_CARRIER_BLOCKED', true, 'undeliverable'],
    ['TEXT_INVALID', true, 'undeliverable'],
    ['TEXT_PROTECT_BLOCKED', true, 'undeliverable'],
    ['TEXT_SPAM', true, 'undeliverable'],
    ['TEXT_TTL_EXPIRED', true, 'undeliverable'],
    ['TEXT_UNKNOWN', true, 'unknown'],
    ['TEXT_OF_TOMORROW', true, 'unknown'],
  ] as const) {
    const { status, receipts } = await tell({ ...event, eventType, isFinal })
    assert.equal(status, 200)
    assert.equal(receipts[0]?.state, state, eventType)
  }
  assert.deepEqual(await tell(event, { Signature: 'AAAA' }), { status: 403, receipts: [] })
  const elsewhere = { TopicArn: 'arn:aws:sns:eu-west-1:999999999999:codes' }
  assert.deepEqual(await tell(event, elsewhere), { status: 403, receipts: [] })
})
