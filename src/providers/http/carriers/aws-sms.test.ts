import { phoneMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const failed = (type: string, Reason: string, Message: string, more = {}) => ({
  status: 400,
  body: { __type: `com.amazonaws.smsvoice#${type}`, Reason, Message, ...more },
})

exchange({
  section: {
    carrier: 'aws-sms',
    region: 'eu-west-1',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'secret',
    originationIdentity: '+15557122661',
  },
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
    [
      failed('ValidationException', 'INVALID_PARAMETER', 'bad', {
        Fields: [{ Name: 'DestinationPhoneNumber' }],
      }),
      'refused',
      /INVALID_PARAMETER/,
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
