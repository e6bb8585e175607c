import { phoneMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const smsMsgId = 'd6e3cdd0-522b-4692-8304-a07553cdf591_8539659'
const answered = (code: string, status: string, description = 'Success') => ({
  status: 200,
  body: {
    result: [{ originTo: '+15558675310', smsMsgId, status, countryId: 'US', total: 1 }],
    code,
    description,
  },
})
const call =
  (status: string, query = 'secret=s3cret') =>
  () => ({
    query,
    body: new URLSearchParams({
      smsMsgId,
      status,
      total: '1',
      sequence: '1',
      source: '2',
      to: '+15558675310',
    }).toString(),
  })
const told = (state: 'delivered' | 'undeliverable' | 'enroute', providerCode: string) => [
  { key: smsMsgId, state, providerCode, segments: 1 },
]

exchange({
  section: {
    carrier: 'huawei-sms',
    endpoint: 'https://smsapi.cn-north-4.myhuaweicloud.com:443',
    appKey: 'c8RWg3ggEcyd4D3p94bf3Y7x1Ile',
    appSecret: 'app-secret',
    from: 'csms12345678',
    signature: '云会议',
    receiptSecret: 's3cret',
    templateIds: {
      code: { id: '8ff55eac1d0b478ab3c06c3c6a492300', variables: ['code', 'lifetime'] },
      'contact-changed': 'b',
    },
  },
  request: {
    method: 'POST',
    path: '/sms/batchSendSms/v1',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-sdk-date': /^\d{8}T\d{6}Z$/,
      authorization:
        /^SDK-HMAC-SHA256 Access=c8RWg3ggEcyd4D3p94bf3Y7x1Ile, SignedHeaders=content-type;host;x-sdk-date, Signature=[0-9a-f]{64}$/,
    },
    form: {
      from: 'csms12345678',
      to: '+15558675310',
      templateId: '8ff55eac1d0b478ab3c06c3c6a492300',
      templateParas: '["012345","1 minute"]',
      signature: '云会议',
      statusCallback: 'https://codes.example.com/receipts/carrier?secret=s3cret',
      extend: phoneMessage.id,
    },
  },
  success: { told: answered('000000', '000000'), accepted: { id: smsMsgId, segments: 1 } },
  failures: [
    // Documented, and about the account, the application or the template: another carrier may do it.
    ...(['E200028', 'E200029', 'E200030', 'E200031', 'E200033', 'E200041'] as const).map(
      (status) =>
        [
          answered('E000510', status, 'The SMS fails to be sent.'),
          'unavailable',
          new RegExp(`^200 E000510 The SMS fails to be sent\\. ${status}$`),
        ] as const,
    ),
    [answered('E000106', '', 'The app_key cannot call this API.'), 'unavailable', /^200 E000106/],
    [answered('E000620', '', 'The app client ip is not in ip white list.'), 'unavailable', /^200 E000620/],
    // In no document.
    [answered('E000510', 'E200013'), 'unavailable', /E200013/],
    [answered('E000510', 'E200044'), 'unavailable', /E200044/],
    [answered('E000510', 'E200015', 'Too many messages wait.'), 'throttled', /E200015/],
    [answered('E000623', '', 'The quota is used up.'), 'throttled', /^200 E000623/],
    [
      { status: 401, body: { code: 'E000101', description: 'Authentication failed.' } },
      'unavailable',
      /^401 E000101/,
    ],
  ],
  receipts: [
    [call('DELIVRD'), told('delivered', 'DELIVRD')],
    [call('UNDELIV'), told('undeliverable', 'UNDELIV')],
    [call('ACCEPTD'), told('enroute', 'ACCEPTD')],
    [call('E200999'), told('undeliverable', 'E200999')],
  ],
  forged: [call('DELIVRD', ''), call('DELIVRD', 'secret=x')],
})
