import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outgoing } from '../outgoing.ts'
import { aliyunAcs3 } from './aliyun-acs3.ts'
import { awsSigv4 } from './aws-sigv4.ts'
import { huaweiSdkHmacSha256 } from './huawei-sdk-hmac-sha256.ts'
import type { Parameter } from './signature.ts'
import { tencentTc3 } from './tencent-tc3.ts'

const parameters =
  (given: Readonly<Record<string, string>>): Parameter =>
  (name) =>
    given[name] ?? ''
const signatureIn = (headers: Readonly<Record<string, string>>) =>
  /Signature=([0-9a-f]{64})$/.exec(headers.authorization!)?.[1]

test('AWS Signature Version 4: the vectors "get-vanilla" and "post-vanilla" of its test suite', () => {
  const parameter = parameters({
    accessKey: 'AKIDEXAMPLE',
    secretKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
    region: 'us-east-1',
    service: 'service',
  })
  const request: Outgoing = {
    method: 'GET',
    origin: 'https://example.amazonaws.com',
    path: '/',
    headers: {},
    body: '',
  }
  const at = Date.UTC(2015, 7, 30, 12, 36)
  const headers = awsSigv4(request, parameter, at)
  assert.equal(
    headers.authorization,
    'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  )
  assert.equal(headers['x-amz-date'], '20150830T123600Z')
  assert.equal(
    signatureIn(awsSigv4({ ...request, method: 'POST' }, parameter, at)),
    '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  )
})

test('TC3-HMAC-SHA256: the example of its documentation', () => {
  const headers = tencentTc3(
    {
      method: 'POST',
      origin: 'https://cvm.tencentcloudapi.com',
      path: '/',
      headers: { 'content-type': 'application/json; charset=utf-8', 'x-tc-action': 'DescribeInstances' },
      body: '{"Limit": 1, "Filters": [{"Values": ["\\u672a\\u547d\\u540d"], "Name": "instance-name"}]}',
    },
    parameters({
      accessKey: 'AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE',
      secretKey: 'Gu5t9xGARNpq86cd98joQYCN3EXAMPLE',
      service: 'cvm',
    }),
    1_551_113_065_000,
  )
  assert.equal(
    headers.authorization,
    'TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, SignedHeaders=content-type;host, Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168',
  )
})

test('ACS3-HMAC-SHA256: the example of its documentation', () => {
  const headers = aliyunAcs3(
    {
      method: 'POST',
      origin: 'https://ecs.cn-shanghai.aliyuncs.com',
      path: '/?ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd&RegionId=cn-shanghai',
      headers: { 'x-acs-action': 'RunInstances', 'x-acs-version': '2014-05-26' },
      body: '',
    },
    parameters({
      accessKey: 'YourAccessKeyId',
      secretKey: 'YourAccessKeySecret',
      nonce: '3156853299f313e23d1673dc12e1703d',
    }),
    Date.UTC(2023, 9, 26, 10, 22, 32),
  )
  assert.equal(signatureIn(headers), '06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0')
  assert.match(headers.authorization!, /SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;/)
})

test('SDK-HMAC-SHA256 changes with each part that it covers, and signs the path with a slash at its end', () => {
  const request: Outgoing = {
    method: 'POST',
    origin: 'https://smsapi.cn-north-4.myhuaweicloud.com:443',
    path: '/sms/batchSendSms/v1',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'from=1',
  }
  const given = { accessKey: 'a', secretKey: 'b' }
  const at = Date.UTC(2026, 10, 25)
  const sign = (change: Partial<Outgoing>, secretKey = 'b', time = at) =>
    signatureIn(huaweiSdkHmacSha256({ ...request, ...change }, parameters({ ...given, secretKey }), time))
  const plain = sign({})
  for (const other of [
    sign({ method: 'PUT' }),
    sign({ path: '/sms/batchSendSms/v2' }),
    sign({ path: '/sms/batchSendSms/v1?a=1' }),
    sign({ body: 'from=2' }),
    sign({ headers: { 'content-type': 'text/plain' } }),
    sign({ origin: 'https://other.example' }),
    sign({}, 'c'),
    sign({}, 'b', at + 1000),
  ])
    assert.notEqual(other, plain)
  assert.equal(sign({ path: '/sms/batchSendSms/v1/' }), plain)
})
