/** The built server with mail as its carrier, a real Postfix behind it: greylisted by Postgrey, bounced, recorded. */

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { DeliveryError, type Message } from '../src/delivery/provider.ts'
import { createSmtpProvider } from '../src/providers/smtp/smtp-provider.ts'
import { freePort } from './free-port.ts'
import { peerAt, requirePeer } from './peers.ts'
import { type Door, isRoot, type Postfix, postfixPath, startPostfix } from './postfix.ts'
import { type Postgrey, postgreyPath, startPostgrey } from './postgrey.ts'
import { paths, type Server, startServer } from './server.ts'
import { until } from './until.ts'

const domain = 'bounces.countersign.example'
const { skip } = !isRoot
  ? requirePeer('root, to start Postfix', [])
  : peerAt(postgreyPath) === undefined
    ? requirePeer('Postgrey (apt-get install postgrey)', postgreyPath)
    : requirePeer('Postfix (apt-get install postfix)', postfixPath)

suite('mail through a Postfix that greylists', skip === undefined ? {} : { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-mail-server-'))
  let postgrey: Postgrey
  let postfix: Postfix
  let bouncePort: number

  before(async () => {
    postgrey = await startPostgrey(2)
    bouncePort = await freePort()
    postfix = await startPostfix({ bounces: { domain, port: bouncePort }, policyPort: postgrey.port })
  })
  after(async () => {
    await postfix?.stop()
    await postgrey?.[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true })
  })

  function messageTo(mailbox: string, id: string): Message {
    return {
      id,
      channel: 'email',
      to: { kind: 'email', mailbox, canonical: mailbox, needsSmtpUtf8: false },
      locale: 'en-US',
      subject: 'Your code',
      text: 'Your code is 012345\n',
      template: 'code',
      variables: ['012345', '5 minutes'],
      tenant: 't',
      app: 'a',
      sender: null,
      deadlineAt: 0,
      remainingMs: 300_000,
    }
  }

  test('puts the first mail off and takes it later; the next one comes through at once', async () => {
    const provider = createSmtpProvider(
      {
        type: 'smtp',
        name: 'mail',
        host: '127.0.0.1',
        port: postfix.port,
        security: 'starttls',
        user: null,
        password: null,
        from: { name: 'Codes', address: 'codes@countersign.example' },
        connections: 2,
        dkim: null,
        caFile: postfix.caFile,
        bounces: { listen: { host: '127.0.0.1', port: 0 }, domain, secretFile: join(folder, 'bounces.key') },
      },
      async () => {},
    )
    const signal = new AbortController().signal
    const handOver = (message: Message) =>
      provider.send(message, { signal }).catch((error: unknown) => error as DeliveryError)
    try {
      const first = messageTo('patient@example.com', 'a'.repeat(32))
      const answer = await handOver(first)
      assert.ok(answer instanceof DeliveryError)
      assert.equal(answer.kind, 'throttled')
      assert.match(answer.providerCode, /^450 4\.2\.0 … Recipient address rejected: Greylisted/)
      assert.ok(!answer.providerCode.includes('patient'))

      const taken = await until(async () => {
        const again = await handOver(first)
        return again instanceof DeliveryError ? undefined : again
      })
      assert.equal(taken.id, `<${first.id}@countersign.example>`)
      // Another message has another envelope sender, which greylisting must know as the same.
      const second = messageTo('patient@example.com', 'b'.repeat(32))
      assert.ok(!((await handOver(second)) instanceof DeliveryError), 'put off anew')

      const ids = (await postfix.arrived('patient@example.com', 2)).map(messageIdOf)
      assert.deepEqual(
        ids.toSorted(),
        [first, second].map(({ id }) => `<${id}@countersign.example>`),
      )
    } finally {
      await provider.close?.()
    }
  })

  function start(): Promise<Server> {
    const config = join(folder, 'settings.yaml')
    writeFileSync(
      config,
      `limits: none
policy: { lifetime: { email: 5m } }
providers:
  sandbox: { type: sandbox }
  mail:
    type: smtp
    host: 127.0.0.1
    port: ${postfix.port}
    caFile: ${postfix.caFile}
    from: { address: codes@countersign.example }
    bounces: { listen: '127.0.0.1:${bouncePort}', domain: ${domain} }
routes: { email: [mail], sms: [sandbox] }
`,
    )
    return startServer({ args: ['--config', config] })
  }

  test('a code that is put off arrives by the outbox’s own tries, once, and is accepted', async () => {
    await using server = await start()
    const [contact, token] = ['new@example.com', await server.logIn('asker')]
    await server.call('POST', paths.send, {
      token,
      body: { contact },
      headers: { 'Accept-Language': 'en-US' },
    })
    const mail = await until(async () => postfix.mailOf(contact)[0])
    const verificationCode = /code is (\d{6})/.exec(mail)?.[1]
    const update = await server.call('PUT', paths.contact, { token, body: { contact, verificationCode } })
    assert.equal(update.status, 200, update.text)

    const { dispatches } = await recordOf(server, contact)
    assert.ok(dispatches.length >= 2)
    assert.equal(dispatches[0]!.outcome, 'throttled')
    assert.match(dispatches[0]!.providerCode ?? '', /Greylisted/)
    assert.equal(dispatches.at(-1)!.outcome, 'accepted')
    assert.equal(messageIdOf(mail), dispatches.at(-1)!.providerMessageId)
    assert.equal(postfix.mailOf(contact).length, 1)
  })

  test('a mail that comes back is told of in the record, in Postfix’s words, and the address is nowhere in them', async () => {
    await using server = await start()
    const [contact, token] = ['closed@example.com', await server.logIn('asker')]
    await server.call('POST', paths.send, { token, body: { contact } })
    const receipt = await until(async () => {
      const { dispatches } = await recordOf(server, contact)
      return dispatches.at(-1)?.receipt ?? undefined
    })
    assert.equal(receipt.state, 'undeliverable')
    assert.equal(receipt.providerCode, '5.2.1 Mailbox of … is no more')
    const metrics = (await server.call('GET', '/metrics')).text
    assert.match(
      metrics,
      /^countersign_receipts_total\{provider="mail",country="",state="undeliverable"\} 1$/m,
    )
    assert.equal(statSync(join(server.dataFolder, 'bounces.key')).mode & 0o077, 0)
  })

  test('what refuses us by sender, client or HELO name leaves the code to the next carrier; no such mailbox is final', async () => {
    const config = join(folder, 'doors.yaml')
    const carrier = (door: Door) =>
      `  ${door}: { type: smtp, host: 127.0.0.1, port: ${postfix.doors[door]}, caFile: ${postfix.caFile}, from: { address: codes@countersign.example } }`
    const order: Door[] = ['sender', 'client', 'helo', 'open']
    writeFileSync(
      config,
      `limits: none
providers:
  sandbox: { type: sandbox }
${order.map(carrier).join('\n')}
routes: { email: [${order.join(', ')}], sms: [sandbox] }
`,
    )
    await using server = await startServer({ args: ['--config', config] })
    const token = await server.logIn('asker')
    const triesFor = async (contact: string) => {
      await server.call('POST', paths.send, { token, body: { contact } })
      return until(async () => {
        const { dispatches } = await recordOf(server, contact)
        const isEnded = ['accepted', 'refused'].includes(dispatches.at(-1)?.outcome ?? '')
        return isEnded ? dispatches : undefined
      })
    }
    const taken = await triesFor('doors@example.com')
    assert.deepEqual(
      taken.map(({ provider, outcome }) => [provider, outcome]),
      [
        ['sender', 'unavailable'],
        ['client', 'unavailable'],
        ['helo', 'unavailable'],
        ['open', 'accepted'],
      ],
    )
    assert.match(taken[0]!.providerCode!, /^554 5\.7\.1 … Sender address rejected: Access denied/)
    assert.match(taken[1]!.providerCode!, /^554 5\.7\.1 .*Client host rejected: Access denied/)
    assert.match(taken[2]!.providerCode!, /^554 5\.7\.1 .*Helo command rejected: Access denied/)
    assert.equal((await postfix.arrived('doors@example.com', 1)).length, 1)
    // Carriers that refused us once are tried again: it takes more to open a breaker.
    const known = await triesFor('nobody@example.com')
    const [last] = known.slice(-1)
    assert.deepEqual([last!.provider, last!.outcome], ['open', 'refused'])
    assert.match(last!.providerCode!, /^550 5\.1\.1 … Recipient address rejected: User unknown in virtual/)
  })

  test('an unknown mailbox is refused for good by the first carrier, and the second is not asked', async () => {
    const config = join(folder, 'two.yaml')
    const carrier = (name: string) =>
      `  ${name}: { type: smtp, host: 127.0.0.1, port: ${postfix.doors.open}, caFile: ${postfix.caFile}, from: { address: codes@countersign.example } }`
    writeFileSync(
      config,
      `limits: none
providers:
  sandbox: { type: sandbox }
${carrier('one')}
${carrier('two')}
routes: { email: [one, two], sms: [sandbox] }
`,
    )
    await using server = await startServer({ args: ['--config', config] })
    const token = await server.logIn('asker')
    await server.call('POST', paths.send, { token, body: { contact: 'nobody@example.com' } })
    const { state, dispatches } = await until(async () => {
      const record = await recordOf(server, 'nobody@example.com')
      return record.dispatches.length > 0 ? record : undefined
    })
    assert.deepEqual(
      dispatches.map(({ provider, outcome }) => [provider, outcome]),
      [['one', 'refused']],
      state,
    )
  })

  test('a server whose place for bounces is taken says so and does not start', async () => {
    await using _first = await start()
    await assert.rejects(
      start(),
      /bounces\.listen: cannot listen on 127\.0\.0\.1:\d+: something else listens/,
    )
  })
})

type Shown = {
  readonly state: string
  readonly dispatches: readonly {
    readonly provider: string
    readonly outcome: string
    readonly providerCode: string | null
    readonly providerMessageId: string | null
    readonly receipt: { readonly state: string; readonly providerCode: string } | null
  }[]
}

async function recordOf(server: Server, address: string): Promise<Shown> {
  const token = readFileSync(join(server.dataFolder, 'admin.token'), 'utf8').trim()
  const headers = { Authorization: `Bearer ${token}` }
  const search = await server.call('POST', '/admin/v1/verifications/search', { headers, body: { address } })
  const [{ id }] = search.json.found as [{ id: string }]
  const { json } = await server.call('GET', `/admin/v1/verifications/${id}`, { headers })
  return json as unknown as Shown
}

function messageIdOf(mail: string): string | undefined {
  return /^Message-ID: (\S+)$/im.exec(mail)?.[1]
}
