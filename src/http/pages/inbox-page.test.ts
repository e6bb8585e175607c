import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { createInbox, type InboxMessage } from '../../providers/sandbox/inbox.ts'
import { createServer } from '../server.ts'
import { inboxPages } from './inbox-page.ts'

const key = 'the-key-that-the-server-printed'
const keyed = { authorization: `Bearer ${key}` }

async function open({ size = 1000 } = {}) {
  const inbox = createInbox(size)
  const server = createServer({ tls: null, trustedProxies: [], onAnswer() {} })
  await server.register(inboxPages, { inbox, key })
  return { inbox, server, [Symbol.asyncDispose]: () => server.close() }
}

const arriving: Omit<InboxMessage, 'seq'> = {
  id: 'one',
  channel: 'sms',
  to: '+8613800138000',
  locale: 'zh-CN',
  template: 'code',
  subject: null,
  text: '您的验证码是 012345',
  html: null,
  code: '012345',
  arrivedAt: 1,
  expiresAt: 60_001,
}

/** A reader of the event stream. */
async function listen(url: string, headers: Record<string, string> = {}) {
  const controller = new AbortController()
  const answer = await fetch(`${url}/inbox/events`, {
    headers: { ...keyed, ...headers },
    signal: controller.signal,
  })
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  return {
    answer,
    /** Reads until this many events have come in all. */
    async events(howMany: number) {
      for (;;) {
        const found = [...text.matchAll(/^id: (.+)\ndata: (.+)\n\n/gm)].map(([, id = '', data = '']) => ({
          eventId: id,
          message: JSON.parse(data) as Record<string, unknown>,
        }))
        if (found.length >= howMany) return found
        const { done, value } = await reader.read()
        assert.ok(!done, 'the stream ended early')
        text += value
      }
    },
    async ended() {
      while (!(await reader.read()).done);
    },
    leave: () => controller.abort(),
  }
}

test('the page and its assets come with a policy that lets nothing else in', async () => {
  await using page = await open()
  for (const [url, type] of [
    ['/inbox', 'text/html; charset=utf-8'],
    ['/inbox/page.css', 'text/css; charset=utf-8'],
    ['/inbox/page.js', 'text/javascript; charset=utf-8'],
  ] as const) {
    const answer = await page.server.inject({ url, headers: { host: '127.0.0.1:8080', ...keyed } })
    assert.equal(answer.statusCode, 200)
    assert.equal(answer.headers['content-type'], type)
    assert.match(
      String(answer.headers['content-security-policy']),
      /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; /,
    )
    assert.doesNotMatch(answer.body, /https?:\/\/(?!127\.0\.0\.1|www\.w3\.org\/2000\/svg)/)
  }
})

test('a host that is not this machine is refused, on every path', async () => {
  await using page = await open()
  page.inbox.add(arriving)
  for (const url of ['/inbox', '/inbox/messages', '/inbox/events', '/inbox/page.js', '/inbox/mail/one'])
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '192.168.1.4']) {
      const answer = await page.server.inject({ url, headers: { host, ...keyed } })
      assert.equal(answer.statusCode, 403, `${url} as ${host}`)
      assert.ok(!answer.body.includes('012345'))
    }
  for (const host of ['localhost', 'LOCALHOST:8080', '127.0.0.1:8080', '127.8.8.8', '[::1]:8080'])
    assert.equal(
      (await page.server.inject({ url: '/inbox/messages', headers: { host, ...keyed } })).statusCode,
      200,
      host,
    )
})

test('without the key nothing is shown, whatever is tried in its place', async () => {
  await using page = await open()
  page.inbox.add(arriving)
  const tries: Record<string, string>[] = [
    {},
    { authorization: 'Bearer ' },
    { authorization: 'Bearer the-key-that-the-server-printe' },
    { authorization: key },
    { cookie: 'countersign-inbox-0=x' },
    { cookie: `other=${key}` },
  ]
  for (const url of [
    '/inbox',
    '/inbox?key=wrong',
    `/inbox/messages?key=${key}`,
    '/inbox/messages',
    '/inbox/events',
    '/inbox/mail/one',
  ])
    for (const own of tries) {
      const answer = await page.server.inject({ url, headers: { host: 'localhost', ...own } })
      assert.equal(answer.statusCode, 403, `${url} ${JSON.stringify(own)}`)
      assert.ok(!answer.body.includes('012345') && !answer.body.includes(key))
    }
})

test('the address with the key keeps it in a cookie for this server alone, and leads to the page', async () => {
  await using page = await open()
  page.inbox.add(arriving)
  const url = await page.server.listen({ host: '127.0.0.1', port: 0 })
  const answer = await fetch(`${url}/inbox?key=${key}&to=%2B8613800138000`, { redirect: 'manual' })
  assert.equal(answer.status, 303)
  assert.equal(answer.headers.get('location'), '/inbox?to=%2B8613800138000')
  const cookie = answer.headers.get('set-cookie')!
  assert.match(
    cookie,
    new RegExp(`^countersign-inbox-${new URL(url).port}=${key}; Path=/inbox; HttpOnly; SameSite=Strict$`),
  )
  const shown = await fetch(`${url}/inbox/messages`, { headers: { cookie: `a=b; ${cookie.split(';')[0]}` } })
  assert.equal(shown.status, 200)
  assert.match(await shown.text(), /012345/)
})

test('messages are listed newest first and not stored by anyone', async () => {
  await using page = await open()
  page.inbox.add(arriving)
  page.inbox.add({ ...arriving, id: 'two', to: 'li.na@example.com' })
  const answer = await page.server.inject({
    url: '/inbox/messages',
    headers: { host: 'localhost', ...keyed },
  })
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.match(String(answer.headers['content-type']), /^application\/json/)
  assert.deepEqual(answer.json(), [
    { ...arriving, seq: 2, id: 'two', to: 'li.na@example.com' },
    { ...arriving, seq: 1 },
  ])
})

test('an address is found however it is written in the query', async () => {
  await using page = await open()
  for (const to of ['+8613800138000', 'a+b@example.com', 'c@xn--fsqu00a.cn'])
    page.inbox.add({ ...arriving, to })
  const found = async (query: string) => {
    const url = `/inbox/messages${query}`
    const answer = await page.server.inject({ url, headers: { host: 'localhost', ...keyed } })
    return answer.json<InboxMessage[]>().map(({ to }) => to)
  }
  for (const to of [
    '+8613800138000',
    '%2B8613800138000',
    '8613800138000',
    '%2B86+138-0013-8000',
    '+86013800138000',
  ])
    assert.deepEqual(await found(`?to=${to}`), ['+8613800138000'], to)
  for (const to of ['a+b@example.com', 'A%2Bb@EXAMPLE.com'])
    assert.deepEqual(await found(`?to=${to}`), ['a+b@example.com'], to)
  assert.deepEqual(await found(`?to=${encodeURIComponent('c@例子.cn')}`), ['c@xn--fsqu00a.cn'])
  for (const to of ['+86138001380', 'example.com', '%00', 'nobody'])
    assert.deepEqual(await found(`?to=${to}`), [], to)
  assert.equal((await found('?to=')).length, 3)
  assert.deepEqual(await found('?to=%2B8613800138000&to=b@c.d'), ['+8613800138000'])
})

test('a mail is shown under a policy that lets it style itself and nothing else', async () => {
  await using page = await open()
  page.inbox.add({ ...arriving, id: 'mail', channel: 'email', html: '<script>steal()</script>' })
  const answer = await page.server.inject({
    url: '/inbox/mail/mail',
    headers: { host: 'localhost', ...keyed },
  })
  assert.equal(answer.body, '<script>steal()</script>')
  assert.equal(
    answer.headers['content-security-policy'],
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox",
  )
  for (const url of ['/inbox/mail/other', '/inbox/mail/%3Cb%3E'])
    assert.equal(
      (await page.server.inject({ url, headers: { host: 'localhost', ...keyed } })).statusCode,
      404,
    )
})

test('a stream brings what the inbox holds, oldest first, then what arrives', async () => {
  await using page = await open()
  page.inbox.add(arriving)
  page.inbox.add({ ...arriving, id: 'two', html: '<p>mail</p>' })
  const stream = await listen(await page.server.listen({ host: '127.0.0.1', port: 0 }))
  assert.equal(stream.answer.headers.get('content-type'), 'text/event-stream')
  await stream.events(2)
  page.inbox.add({ ...arriving, id: 'three' })
  const messages = (await stream.events(3)).map(({ message }) => message)
  assert.deepEqual(
    messages.map(({ id, hasHtml, html }) => ({ id, hasHtml, html })),
    [
      { id: 'one', hasHtml: false, html: undefined },
      { id: 'two', hasHtml: true, html: undefined },
      { id: 'three', hasHtml: false, html: undefined },
    ],
  )
  stream.leave()
})

test('a reader that comes back gets what it missed, and after a restart everything', async () => {
  await using page = await open()
  const url = await page.server.listen({ host: '127.0.0.1', port: 0 })
  for (const id of ['one', 'two', 'three']) page.inbox.add({ ...arriving, id })
  const first = await listen(url)
  const eventId = (await first.events(3))[1]!.eventId
  first.leave()
  for (const [lastEventId, expected] of [
    [eventId, ['three']],
    [eventId.replace(/^\w+/, '0123456789ab'), ['one', 'two', 'three']],
    ['nonsense', ['one', 'two', 'three']],
  ] as const) {
    const again = await listen(url, { 'last-event-id': lastEventId })
    const events = await again.events(expected.length)
    assert.deepEqual(
      events.map(({ message }) => message.id),
      expected,
    )
    again.leave()
  }
})

test('nobody listens to the inbox once the last stream has gone', async () => {
  await using page = await open()
  let listening = 0
  const { subscribe } = page.inbox
  page.inbox.subscribe = (listener) => {
    listening++
    const unsubscribe = subscribe(listener)
    return () => {
      listening--
      unsubscribe()
    }
  }
  const url = await page.server.listen({ host: '127.0.0.1', port: 0 })
  const [one, two] = [await listen(url), await listen(url)]
  assert.equal(listening, 1)
  one.leave()
  two.leave()
  while (listening > 0) await new Promise((resolve) => setTimeout(resolve, 5))
})

test('a reader that does not read holds no memory and loses nothing that is kept', async () => {
  await using page = await open({ size: 50 })
  const url = new URL(await page.server.listen({ host: '127.0.0.1', port: 0 }))
  const accepted = once(page.server.server, 'connection')
  const socket = connect(Number(url.port), '127.0.0.1')
  const [connection]: Socket[] = await accepted
  socket.pause()
  socket.write(`GET /inbox/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${key}\r\n\r\n`)
  const text = 'x'.repeat(10_000)
  let most = 0
  for (let i = 0; i < 5_000; i++) {
    page.inbox.add({ ...arriving, id: `m${i}`, text })
    if (i % 25 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
    most = Math.max(most, connection!.writableLength)
  }
  // 50 MB arrived; of it at most one pull, all that the inbox holds, may wait here.
  assert.ok(most < 50 * 12_000, `${most} bytes wait`)

  const seen: string[] = []
  let unread = ''
  socket.on('data', (chunk) => {
    unread += chunk
    const end = unread.lastIndexOf('\n')
    seen.push(...[...unread.slice(0, end).matchAll(/"id":"(m\d+)"/g)].map(([, id]) => id!))
    unread = unread.slice(end)
  })
  socket.resume()
  while (seen.at(-1) !== 'm4999') await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(
    seen.slice(-50),
    Array.from({ length: 50 }, (_, i) => `m${4950 + i}`),
  )
  socket.destroy()
})

test('a server that stops ends its streams and waits for none', async () => {
  await using page = await open()
  const url = await page.server.listen({ host: '127.0.0.1', port: 0 })
  page.inbox.add(arriving)
  const stream = await listen(url)
  await stream.events(1)
  await Promise.all([page.server.close(), stream.ended()])
})

test('HEAD opens no stream', async () => {
  await using page = await open()
  const answer = await page.server.inject({
    method: 'HEAD',
    url: '/inbox/events',
    headers: { host: 'localhost', ...keyed },
  })
  assert.equal(answer.statusCode, 404)
})
