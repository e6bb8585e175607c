import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failureOf, plainBlock, startCarrier, type Told } from '../../../test/http-carrier.ts'
import { topicArn } from '../../../test/sns-events.ts'
import { loadBlock, readyMadeNames } from '../../config/carriers/load-block.ts'

type Case = {
  readonly section: Readonly<Record<string, unknown>>
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, RegExp>>
  readonly good: readonly Told[]
  readonly bad: readonly (readonly [told: Told, words: RegExp])[]
}

const basic = (user: string, password: string) =>
  new RegExp(`^Basic ${Buffer.from(`${user}:${password}`).toString('base64')}$`)
const aws = { region: 'eu-west-1', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret', topicArn }
const denied = 'User: arn:aws:iam::123456789012:user/codes is not authorized to perform this'

/** As their documents have them. */
const cases: Readonly<Record<string, Case>> = {
  twilio: {
    section: { accountSid: `AC${'0'.repeat(32)}`, authToken: 'a-token', from: '+15557122661' },
    method: 'GET',
    url: `/2010-04-01/Accounts/AC${'0'.repeat(32)}.json`,
    headers: { authorization: basic(`AC${'0'.repeat(32)}`, 'a-token') },
    good: [{ status: 200, body: { status: 'active' } }],
    bad: [[{ status: 401, body: { code: 20003, message: 'Authenticate' } }, /^401 20003 Authenticate$/]],
  },
  vonage: {
    section: { apiKey: 'abcd1234', apiSecret: 'Abcdef0123456789', from: 'AcmeInc', receiptSecret: 's3cret' },
    method: 'GET',
    url: '/account/get-balance',
    headers: { authorization: basic('abcd1234', 'Abcdef0123456789') },
    good: [{ status: 200, body: { value: 10.28, autoReload: false } }],
    bad: [[{ status: 401 }, /^401$/]],
  },
  plivo: {
    section: { authId: 'MAXXXXXXXXXXXXXXXXXX', authToken: 'a-token', from: '+15557122661' },
    method: 'GET',
    url: '/v1/Account/MAXXXXXXXXXXXXXXXXXX/',
    headers: { authorization: basic('MAXXXXXXXXXXXXXXXXXX', 'a-token') },
    good: [{ status: 200 }],
    bad: [[{ status: 401, body: 'Could not verify your access level' }, /^401$/]],
  },
  sendgrid: {
    section: {
      apiKey: 'SG.key',
      from: 'no-reply@example.com',
      verificationKey:
        'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVpiglSI8eNEc6wEA3F+g==',
    },
    method: 'GET',
    url: '/v3/scopes',
    headers: { authorization: /^Bearer SG\.key$/ },
    good: [{ status: 200, body: { scopes: ['mail.send', 'sender_verification_eligible'] } }],
    bad: [
      [
        { status: 401, body: { errors: [{ message: 'authorization required' }] } },
        /^401 authorization required$/,
      ],
      [{ status: 200, body: { scopes: ['stats.read'] } }, /^200$/],
    ],
  },
  postmark: {
    section: { serverToken: 'a-token', from: 'no-reply@example.com', receiptPassword: 'secret' },
    method: 'GET',
    url: '/server',
    headers: { 'x-postmark-server-token': /^a-token$/ },
    good: [{ status: 200, body: { ID: 1 } }],
    bad: [[{ status: 401, body: { ErrorCode: 10, Message: 'Bad or missing API token' } }, /^401 10 Bad/]],
  },
  bird: {
    section: { accessKey: 'test_key', from: 'MessageBird', receiptSecret: 's3cret' },
    method: 'GET',
    url: '/balance',
    headers: { authorization: /^AccessKey test_key$/ },
    good: [{ status: 200, body: { payment: 'prepaid', type: 'euros', amount: 1 } }],
    bad: [
      [{ status: 401, body: { errors: [{ code: 2, description: 'Request not allowed' }] } }, /^401 2 Req/],
    ],
  },
  sinch: {
    section: { servicePlanId: 'plan', apiToken: 'a-token', from: '+15557122661', receiptSecret: 's3cret' },
    method: 'GET',
    url: '/xms/v1/plan/batches?page_size=1',
    headers: { authorization: /^Bearer a-token$/ },
    good: [{ status: 200, body: { count: 0, page: 0, batches: [], page_size: 1 } }],
    bad: [[{ status: 401 }, /^401$/]],
  },
  'aws-sms': {
    section: { ...aws, originationIdentity: '+15557122661', configurationSet: 'codes' },
    method: 'POST',
    url: '/',
    headers: {
      'x-amz-target': /^PinpointSMSVoiceV2\.DescribeAccountAttributes$/,
      authorization: /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/sms-voice\//,
    },
    good: [
      { status: 200, body: { AccountAttributes: [] } },
      { status: 400, body: { __type: 'com.amazon.coral.service#AccessDeniedException', Message: denied } },
    ],
    bad: [
      [
        { status: 400, body: { __type: 'com.amazon.coral.service#UnrecognizedClientException' } },
        /^400 com\.amazon\.coral\.service#Unrec/,
      ],
      [{ status: 400, body: { __type: 'com.amazon.coral.service#InvalidSignatureException' } }, /InvalidSig/],
    ],
  },
  'aws-ses': {
    section: { ...aws, from: 'no-reply@example.com' },
    method: 'GET',
    url: '/v2/email/account',
    headers: { authorization: /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/ses\// },
    good: [
      { status: 200, body: { SendingEnabled: true } },
      { status: 403, headers: { 'x-amzn-errortype': 'AccessDeniedException' }, body: { message: denied } },
    ],
    bad: [
      [
        {
          status: 403,
          headers: { 'x-amzn-errortype': 'UnrecognizedClientException' },
          body: { message: 'No' },
        },
        /^403 UnrecognizedClientException No$/,
      ],
    ],
  },
  'aliyun-sms': {
    section: {
      accessKeyId: 'LTAI5tExample',
      accessKeySecret: 'secret',
      signName: '云会议',
      receiptSecret: 's3cret',
      templateIds: { code: 'SMS_71390007', 'contact-changed': 'SMS_71390008' },
    },
    method: 'POST',
    url: '/?PageSize=1',
    headers: {
      'x-acs-action': /^QuerySmsSignList$/,
      authorization: /^ACS3-HMAC-SHA256 Credential=LTAI5tExample,/,
    },
    good: [
      { status: 200, body: { Code: 'OK', Message: 'OK', SmsSignList: [], TotalCount: 0 } },
      { status: 200, body: { Code: 'isp.RAM_PERMISSION_DENY', Message: 'RAM' } },
    ],
    bad: [
      [
        { status: 404, body: { Code: 'InvalidAccessKeyId.NotFound', Message: 'No' } },
        /^404 InvalidAccessKeyId/,
      ],
    ],
  },
  'tencent-sms': {
    section: {
      secretId: 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE',
      secretKey: 'key',
      sdkAppId: '1400006666',
      receiptSecret: 's3cret',
      templateIds: { code: '449739', 'contact-changed': '449740' },
    },
    method: 'POST',
    url: '/',
    headers: {
      'x-tc-action': /^DescribePhoneNumberInfo$/,
      authorization: /^TC3-HMAC-SHA256 Credential=AKIDz8/,
    },
    good: [
      { status: 200, body: { Response: { PhoneNumberInfoSet: [{ Code: 'Ok' }], RequestId: 'x' } } },
      {
        status: 200,
        body: {
          Response: { Error: { Code: 'AuthFailure.UnauthorizedOperation', Message: 'No' }, RequestId: 'x' },
        },
      },
    ],
    bad: [
      [
        {
          status: 200,
          body: {
            Response: { Error: { Code: 'AuthFailure.SignatureFailure', Message: 'No' }, RequestId: 'x' },
          },
        },
        /^200 AuthFailure\.SignatureFailure No$/,
      ],
    ],
  },
  kannel: {
    section: {
      url: 'https://kannel.example.com',
      user: 'u',
      password: 'secret',
      receiptSecret: 'a-word-of-ours-0123',
    },
    method: 'GET',
    url: '/cgi-bin/sendsms?username=u&password=secret',
    headers: {},
    good: [{ status: 400, body: 'Missing receiver number, rejected' }],
    bad: [
      [{ status: 403, body: 'Authorization failed for sendsms' }, /^403 Authorization failed for sendsms$/],
    ],
  },
}

for (const [carrier, { section, method, url, headers, good, bad }] of Object.entries(cases))
  test(`${carrier}: its call shows whether it takes the credentials`, async (t) => {
    const { provider, requests, answer } = await startCarrier(t, { carrier, ...section })
    assert.equal(provider.provesCredentials, true)
    for (const told of good) {
      answer(told)
      await provider.check!()
    }
    const { path, query, ...asked } = requests.at(-1)!
    assert.equal(asked.method, method)
    assert.equal(query.size === 0 ? path : `${path}?${query}`, url)
    for (const [name, form] of Object.entries(headers)) assert.match(String(asked.headers[name]), form)
    for (const [told, words] of bad) {
      answer(told)
      const { kind, providerCode } = await failureOf(provider.check!())
      assert.equal(kind, 'unavailable')
      assert.match(providerCode.replace('credentials not taken: ', ''), words)
      assert.match(providerCode, /^credentials not taken: /)
    }
    answer({ status: 500, body: 'broken' })
    await failureOf(provider.check!())
  })

test('each ready-made call is tested, and says where it is documented', () => {
  const named = readyMadeNames().filter((name) => loadBlock({ carrier: name }, name, [], [])!.credentials)
  assert.deepEqual(named.toSorted(), Object.keys(cases).toSorted())
})

test('without such a call any answer will do: somebody is there', async (t) => {
  const { provider, answer } = await startCarrier(t, { block: plainBlock as never })
  assert.equal(provider.provesCredentials, false)
  answer({ status: 401 })
  await provider.check!()
})

test('a call may have what a signature needs, and nothing of a message', () => {
  const problemsOf = (credentials: object) => {
    const problems: string[] = []
    loadBlock({ block: { ...plainBlock, credentials } }, 'own', [], problems)
    return problems.join('\n')
  }
  const call = { source: 'Their page', path: '/account', good: { status: 200 } }
  assert.equal(problemsOf({ ...call, query: { at: '{{ timestamp }}', once: '{{ nonce }}' } }), '')
  assert.match(
    problemsOf({ ...call, query: { to: '{{ to }}' } }),
    /credentials\.query\.to: \{\{ to \}\} is no value/,
  )
  assert.match(problemsOf({ ...call, json: {} }), /credentials: a GET has no body/)
  assert.match(problemsOf({ path: '/account', good: { status: 200 } }), /credentials\.source: must be stated/)
})
