import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { failure, listening, mailServer, message, providerOf, scripted } from '../../../test/mail-servers.ts'

const never = { signal: new AbortController().signal }

function fault(responseCode: number, words: string): Error {
  return Object.assign(new Error(words), { responseCode })
}

test('a server whose certificate is not trusted gets nothing', async (t) => {
  const { port, mails } = await mailServer(t)
  const error = await failure(providerOf(t, port, { caFile: null }).send(message, never))
  assert.equal(error.kind, 'unavailable')
  assert.match(error.providerCode, /certificate/)
  assert.equal(mails.length, 0)
})

test('a server without STARTTLS gets neither password nor mail', async (t) => {
  const { port, lines } = await scripted(t, (line) =>
    line.startsWith('EHLO') ? '250-scripted\r\n250 AUTH PLAIN' : '502 5.5.1 Not implemented',
  )
  const error = await failure(providerOf(t, port, { user: 'u', password: 'secret' }).send(message, never))
  assert.equal(error.kind, 'unavailable')
  assert.match(error.providerCode, /^502 5\.5\.1 Not implemented/)
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['EHLO', 'STARTTLS'],
  )
})

test('a login opens the way; a wrong password, or no login to be had, is not the recipient’s fault', async (t) => {
  const { port, mails } = await mailServer(t, {
    authOptional: false,
    onAuth: ({ username, password }, _, done) =>
      username === 'codes' && password === 'right' ? done(null, { user: 'codes' }) : done(new Error('No')),
  })
  const right = { user: 'codes', password: 'right' }
  await providerOf(t, port, right).send(message, never)
  await providerOf(t, port, right).check?.()
  assert.equal(mails.length, 1)

  const wrong = providerOf(t, port, { user: 'codes', password: 'wrong' })
  for (const error of [await failure(wrong.send(message, never)), await failure(wrong.check!())]) {
    assert.equal(error.kind, 'unavailable')
    assert.match(error.providerCode, /^535/)
    assert.equal(error.message.includes('wrong'), false)
  }
  const open = await mailServer(t, { disabledCommands: ['AUTH'] })
  const error = await failure(providerOf(t, open.port, right).send(message, never))
  assert.equal(error.kind, 'unavailable')
  assert.equal(open.mails.length, 0)
})

test('a server’s answers to sender, recipient and body become outcomes, and the pool goes on', async (t) => {
  let at = ''
  let words = ''
  const step = (name: string) => (_: unknown, __: unknown, done: (error?: Error | null) => void) =>
    at === name ? done(fault(Number(words.slice(0, 3)), words.slice(4))) : done()
  const { port, mails } = await mailServer(t, {
    onMailFrom: step('MAIL'),
    onRcptTo: step('RCPT'),
    onData(stream, session, done) {
      stream.resume().on('end', () => step('DATA')(stream, session, done))
    },
  })
  const provider = providerOf(t, port, { connections: 1 })
  for (const [where, answer, kind] of [
    ['MAIL', '553 5.7.1 Not your address', 'unavailable'],
    ['RCPT', '550 5.1.1 <Li.Na+x@example.com>: User unknown', 'refused'],
    ['RCPT', '450 4.2.0 Greylisted', 'throttled'],
    ['RCPT', '554 5.7.1 Relay access denied', 'unavailable'],
    ['DATA', '554 5.7.1 Spam', 'unavailable'],
    ['DATA', '451 4.3.0 Try later', 'throttled'],
    ['DATA', '550 5.7.26 Unauthenticated', 'unavailable'],
    ['RCPT', '421 4.7.0 Too many', 'throttled'],
  ] as const) {
    ;[at, words] = [where, answer]
    const error = await failure(provider.send(message, never))
    assert.equal(error.kind, kind, answer)
    assert.equal(error.providerCode, answer.replace(/<.*>:/, '…'))
  }
  at = ''
  assert.ok(await provider.send(message, never))
  assert.equal(mails.length, 0) // this server drops what it takes
})

test('a connection lost with the body under way is unavailable, lost after its end is unknown', async (t) => {
  let cut: 'first bytes' | 'end' = 'end'
  const { port, drop } = await mailServer(t, {
    onData(stream) {
      if (cut === 'end') stream.resume().on('end', drop)
      else stream.once('data', drop)
    },
  })
  const provider = providerOf(t, port)
  assert.equal((await failure(provider.send(message, never))).kind, 'unknown')
  cut = 'first bytes'
  // More than socket buffers hold, so that the end cannot have been written.
  const huge = { ...message, text: 'twenty four characters..\n'.repeat(800_000) }
  assert.equal((await failure(provider.send(huge, never))).kind, 'unavailable')
})

test('a connection lost before the body is unavailable', async (t) => {
  const { port } = await scripted(t, (line, socket) => {
    if (line === 'DATA') socket.destroy()
    return '250 fine'
  })
  const error = await failure(providerOf(t, port, { security: 'none' }).send(message, never))
  assert.equal(error.kind, 'unavailable')
})

test('nobody listening is unavailable, for a message and for a check', async (t) => {
  const server = createServer()
  const port = await listening(server)
  server.close()
  await once(server, 'close')
  const provider = providerOf(t, port)
  for (const error of [await failure(provider.send(message, never)), await failure(provider.check!())]) {
    assert.equal(error.kind, 'unavailable')
    assert.match(error.providerCode, /ECONNREFUSED/)
  }
})

test('an abort settles a hanging call: unknown once the body is out, else unavailable', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const { port } = await mailServer(t, { onData: (stream) => stream.resume().on('end', arrived.resolve) })
  const late = new AbortController()
  const sending = failure(providerOf(t, port).send(message, { signal: late.signal }))
  await arrived.promise
  late.abort()
  assert.equal((await sending).kind, 'unknown')

  const connected = Promise.withResolvers<void>()
  const mute = await mailServer(t, { onConnect: () => connected.resolve() })
  const soon = new AbortController()
  const waiting = failure(providerOf(t, mute.port).send(message, { signal: soon.signal }))
  await connected.promise
  soon.abort()
  assert.equal((await waiting).kind, 'unavailable')
  const error = await failure(providerOf(t, port).send(message, { signal: AbortSignal.abort() }))
  assert.equal(error.kind, 'unavailable')
})
