import { phoneMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const SerialNo = '5000:1045710669157053657849499619'
const answered = (Code: string, Message: string) => ({
  status: 200,
  body: {
    Response: {
      SendStatusSet: [
        {
          SerialNo: Code === 'Ok' ? SerialNo : '',
          PhoneNumber: '+15558675310',
          Fee: 1,
          SessionContext: 'test',
          Code,
          Message,
        },
      ],
      RequestId: 'a0aabda6-cf91-4f3e-a81f-9198114a2279',
    },
  },
})
const refusal = (Code: string, Message: string) => ({
  status: 200,
  body: { Response: { Error: { Code, Message }, RequestId: 'x' } },
})
const call =
  (report_status: string, errmsg: string, query = 'secret=s3cret') =>
  () => ({
    query,
    body: JSON.stringify([
      {
        user_receive_time: '2015-10-17 08:03:04',
        nationcode: '1',
        mobile: '5558675310',
        report_status,
        errmsg,
        sid: SerialNo,
      },
    ]),
  })

exchange({
  section: {
    carrier: 'tencent-sms',
    secretId: 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE',
    secretKey: 'key',
    sdkAppId: '1400006666',
    signName: '云会议',
    receiptSecret: 's3cret',
    templateIds: { code: { id: '449739', variables: ['code', 'lifetime'] }, 'contact-changed': '449740' },
  },
  request: {
    method: 'POST',
    path: '/',
    headers: {
      'x-tc-action': 'SendSms',
      'x-tc-version': '2021-01-11',
      'x-tc-region': 'ap-guangzhou',
      'x-tc-timestamp': /^\d{10}$/,
      authorization:
        /^TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE\/\d{4}-\d\d-\d\d\/sms\/tc3_request, SignedHeaders=content-type;host, Signature=[0-9a-f]{64}$/,
    },
    json: {
      PhoneNumberSet: ['+15558675310'],
      SmsSdkAppId: '1400006666',
      SignName: '云会议',
      TemplateId: '449739',
      TemplateParamSet: ['012345', '1 minute'],
      SessionContext: phoneMessage.id,
    },
  },
  success: { told: answered('Ok', 'send success'), accepted: { id: SerialNo, segments: 1 } },
  failures: [
    [
      answered('InvalidParameterValue.IncorrectPhoneNumber', 'incorrect phone number'),
      'refused',
      /IncorrectPhoneNumber/,
    ],
    [
      answered('FailedOperation.PhoneNumberInBlacklist', 'on a list'),
      'unavailable',
      /PhoneNumberInBlacklist/,
    ],
    [answered('LimitExceeded.PhoneNumberThirtySecondLimit', 'limit'), 'throttled', /LimitExceeded/],
    [
      answered('FailedOperation.InsufficientBalanceInSmsPackage', 'no balance'),
      'unavailable',
      /Insufficient/,
    ],
    [
      refusal('AuthFailure.SignatureFailure', 'signature could not be verified'),
      'unavailable',
      /AuthFailure/,
    ],
    [refusal('RequestLimitExceeded', 'slow down'), 'throttled', /RequestLimitExceeded/],
  ],
  receipts: [
    [
      call('SUCCESS', 'DELIVRD'),
      [{ key: SerialNo, state: 'delivered', providerCode: 'SUCCESS DELIVRD' }],
      '{"result":0,"errmsg":"OK"}',
    ],
    [call('FAIL', 'MK:0001'), [{ key: SerialNo, state: 'undeliverable', providerCode: 'FAIL MK:0001' }]],
  ],
  forged: [call('SUCCESS', 'DELIVRD', ''), call('SUCCESS', 'DELIVRD', 'secret=x')],
})
