import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { createServer } from 'node:https'
import { after, before, suite, test } from 'node:test'
import { generate } from 'selfsigned'
import { callOf } from '../../../../test/http-carrier.ts'
import { createReach, type Reach } from '../other-servers.ts'
import { sns } from './sns.ts'

const topicArn = 'arn:aws:sns:eu-west-1:123456789012:codes'
const origin = 'https://sns.eu-west-1.amazonaws.com'
const nowMs = Date.parse('2030-01-31T12:00:00.000Z')
const dayMs = 86_400_000

type Fields = Readonly<Record<string, string | null>>
type Made = Awaited<ReturnType<typeof generate>>

/** As the developer guide shows it. */
const notification: Fields = {
  Type: 'Notification',
  MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
  TopicArn: topicArn,
  Subject: 'My First Message',
  Message: '{"eventType":"TEXT_DELIVERED"}',
  Timestamp: '2030-01-31T11:59:30.321Z',
  SignatureVersion: '2',
  SigningCertURL: `${origin}/SimpleNotificationService-good.pem`,
}
const confirmation: Fields = {
  ...notification,
  Type: 'SubscriptionConfirmation',
  Subject: null,
  Token: '2336412f37',
  Message: 'You have chosen to subscribe to the topic.',
  SubscribeURL: `${origin}/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent(topicArn)}&Token=2336412f37`,
}

/** The signed text by the guide's list of fields for each type. */
function textOf(message: Fields): string {
  const names =
    message.Type === 'Notification'
      ? ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type']
      : ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  return names
    .filter((name) => typeof message[name] === 'string')
    .map((name) => `${name}\n${message[name]}\n`)
    .join('')
}

const certificate = (commonName: string, from = nowMs - dayMs, days = 30) =>
  generate([{ name: 'commonName', value: commonName }], {
    keySize: 2048,
    algorithm: 'sha256',
    notBeforeDate: new Date(from),
    notAfterDate: new Date(from + days * dayMs),
  })

suite('a call of Amazon SNS', () => {
  const certificates: Record<string, Made> = {}
  /** Paths that the stand-in for SNS was asked for. */
  const asked: string[] = []
  let isAway = false
  let reach: Reach
  let close = async () => {}

  before(async () => {
    const names = {
      good: 'sns.amazonaws.com',
      regional: 'sns-signing.eu-west-1.amazonaws.com',
      other: 'sns.example.com',
    }
    await Promise.all(
      Object.entries(names).map(async ([name, commonName]) => {
        certificates[name] = await certificate(commonName)
      }),
    )
    certificates.old = await certificate('sns.amazonaws.com', nowMs - 60 * dayMs)
    const tls = await generate([{ name: 'commonName', value: 'localhost' }], {
      algorithm: 'sha256',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    })
    const server = createServer({ key: tls.private, cert: tls.cert }, (request, response) => {
      asked.push(request.url!)
      const name = /SimpleNotificationService-(\w+)\.pem$/.exec(request.url!)?.[1]
      if (isAway) response.writeHead(503).end()
      else if (name === undefined) response.end('<ConfirmSubscriptionResponse/>')
      else if (certificates[name]) response.end(certificates[name].cert)
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    const made = createReach({ allowPrivate: ['127.0.0.1'], ca: tls.cert })
    // Stands in for the host of the topic, and for no other.
    reach = (url) => {
      assert.equal(url.origin, origin)
      return made.reach(new URL(url.pathname + url.search, `https://127.0.0.1:${port}`))
    }
    close = async () => {
      await made.close()
      server.closeAllConnections()
      server.close()
    }
  })
  after(() => close())

  function verdictOf(message: Fields, { by = 'good', sent = {} as Fields, topics = topicArn } = {}) {
    const algorithm = message.SignatureVersion === '1' ? 'sha1' : 'sha256'
    const Signature = sign(algorithm, Buffer.from(textOf(message)), certificates[by]!.private)
    const document = { ...message, Signature: Signature.toString('base64'), ...sent }
    const said = { document, text: '', headers: {}, query: new URLSearchParams() }
    return sns(topics, reach)({ request: callOf(), said, url: '', nowMs })
  }

  test('is verified by either version of the signature, with a subject and without', async () => {
    for (const SignatureVersion of ['1', '2'])
      for (const Subject of ['My First Message', null])
        assert.equal(await verdictOf({ ...notification, SignatureVersion, Subject }), true)
    const regional = { ...notification, SigningCertURL: `${origin}/SimpleNotificationService-regional.pem` }
    assert.equal(await verdictOf(regional, { by: 'regional' }), true)
    assert.equal(await verdictOf(notification, { topics: `arn:aws:sns:eu-west-1:1:x, ${topicArn}` }), true)
  })

  test('that was changed is refused', async () => {
    for (const sent of [
      { Message: '{"eventType":"TEXT_INVALID"}' },
      { MessageId: 'other' },
      { Subject: 'Other' },
      { Subject: null },
      { Timestamp: '2030-01-31T11:59:31.321Z' },
      { SignatureVersion: '1' },
      { SignatureVersion: '3' },
      { SignatureVersion: 'constructor' },
      { Type: 'UnsubscribeConfirmation', Token: 'x', SubscribeURL: 'x' },
      { Type: 'constructor' },
      { Signature: '' },
      { Message: null },
    ])
      assert.equal(await verdictOf(notification, { sent }), false, JSON.stringify(sent))
    assert.equal(await verdictOf(notification, { by: 'other' }), false, 'of another key')
  })

  test('about a topic of anybody else is refused, whoever signed it', async () => {
    for (const TopicArn of [
      'arn:aws:sns:eu-west-1:999999999999:codes',
      'arn:aws:sns:eu-west-1:123456789012:other',
      'arn:aws:sns:eu-west-2:123456789012:codes',
      `${topicArn}:more`,
    ])
      assert.equal(await verdictOf({ ...notification, TopicArn }), false, TopicArn)
    assert.equal(await verdictOf(notification, { topics: '' }), false)
  })

  test('with a certificate from anywhere but the topic’s own SNS is refused, and nothing is fetched', async () => {
    asked.length = 0
    for (const SigningCertURL of [
      'http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-good.pem',
      'https://sns.eu-west-1.amazonaws.com.example.com/SimpleNotificationService-good.pem',
      'https://sns.eu-west-1.amazonaws.com@example.com/SimpleNotificationService-good.pem',
      'https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-good.pem',
      'https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-good.pem',
      'https://example.com/sns.eu-west-1.amazonaws.com/SimpleNotificationService-good.pem',
      'https://sns-eu-west-1.amazonaws.com/SimpleNotificationService-good.pem',
      'https://sns.eu-west-2.amazonaws.com/SimpleNotificationService-good.pem',
      'https://sns.eu-west-1.amazonaws.com.cn/SimpleNotificationService-good.pem',
      'https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-good.pem',
      'https://sns.eu-west-1.amazonaws.com/good',
      // One certificate under many names would crowd the others out.
      `${origin}/SimpleNotificationService-good.pem?1`,
      `${origin}/SimpleNotificationService-good.pem#1`,
      'file:///etc/passwd.pem',
      '',
    ])
      assert.equal(await verdictOf({ ...notification, SigningCertURL }), false, SigningCertURL)
    assert.deepEqual(asked, [])
  })

  test('with a certificate that is for another name, ran out or is none is refused', async () => {
    for (const by of ['other', 'old', 'absent']) {
      const SigningCertURL = `${origin}/SimpleNotificationService-${by}.pem`
      const signer = by === 'absent' ? 'good' : by
      assert.equal(await verdictOf({ ...notification, SigningCertURL }, { by: signer }), false, by)
    }
  })

  test('older than the hour for which Amazon tries, or from the future, is refused', async () => {
    for (const [offMs, verdict] of [
      [-3_600_000, true],
      [-3_901_000, false],
      [299_000, true],
      [301_000, false],
    ] as const) {
      const Timestamp = new Date(nowMs + offMs).toISOString()
      assert.equal(await verdictOf({ ...notification, Timestamp }), verdict, Timestamp)
    }
    assert.equal(await verdictOf({ ...notification, Timestamp: 'today' }), false)
  })

  test('that asks for a subscription to our topic is confirmed at the topic’s own SNS only', async () => {
    asked.length = 0
    assert.equal(await verdictOf(confirmation), 'answered')
    const { pathname, search } = new URL(confirmation.SubscribeURL!)
    assert.deepEqual(asked.splice(0), ['/SimpleNotificationService-good.pem', pathname + search])
    const parameters = search
    for (const SubscribeURL of [
      `https://sns.eu-west-1.amazonaws.com.example.com/${parameters}`,
      `http://sns.eu-west-1.amazonaws.com/${parameters}`,
      `${origin}/?Action=DeleteTopic&TopicArn=${encodeURIComponent(topicArn)}`,
      `${origin}/?Action=ConfirmSubscription&TopicArn=${encodeURIComponent('arn:aws:sns:eu-west-1:9:x')}`,
      'http://169.254.169.254/latest/meta-data/',
    ])
      assert.equal(await verdictOf({ ...confirmation, SubscribeURL }), false, SubscribeURL)
    assert.equal(await verdictOf(confirmation, { sent: { Token: 'other' } }), false)
    assert.ok(asked.every((path) => path.endsWith('.pem')))
    asked.length = 0
    assert.equal(await verdictOf({ ...confirmation, Type: 'UnsubscribeConfirmation' }), 'answered')
    assert.deepEqual(asked, ['/SimpleNotificationService-good.pem'], 'its end is nothing to undo')
  })

  test('fetches a certificate once, and few that are not there', async () => {
    asked.length = 0
    const verify = sns(topicArn, reach)
    const call = (name: string, at = nowMs) => {
      const message = { ...notification, SigningCertURL: `${origin}/SimpleNotificationService-${name}.pem` }
      const Signature = sign('sha256', Buffer.from(textOf(message)), certificates.good!.private)
      const document = { ...message, Signature: Signature.toString('base64') }
      const said = { document, text: '', headers: {}, query: new URLSearchParams() }
      return verify({ request: callOf(), said, url: '', nowMs: at })
    }
    assert.deepEqual(await Promise.all([call('good'), call('good'), call('good')]), [true, true, true])
    assert.equal(asked.length, 1)
    const verdicts = await Promise.all(Array.from({ length: 20 }, (_, i) => call(`absent${i}`)))
    assert.equal(asked.length, 10)
    assert.equal(verdicts.filter((one) => one === 'later').length, 11)
    assert.equal(await call('good'), true, 'what is known goes on')
    const later = nowMs + 60_000
    const absent = Array.from({ length: 10 }, (_, i) => call(`other${i}`, later))
    assert.equal(await call('good', later), true, 'and what is not there takes no place of it')
    assert.deepEqual(new Set(await Promise.all(absent)), new Set([false]))
    assert.equal(asked.length, 20)
  })

  test('is put off, not refused, while SNS cannot be reached', async () => {
    isAway = true
    try {
      await assert.rejects(verdictOf(confirmation))
    } finally {
      isAway = false
    }
    const gone: Reach = async () => {
      throw new Error('no connection in time')
    }
    const said = { document: notification, text: '', headers: {}, query: new URLSearchParams() }
    await assert.rejects(sns(topicArn, gone)({ request: callOf(), said, url: '', nowMs }))
  })
})
