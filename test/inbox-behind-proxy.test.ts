/** A development server behind a real nginx: codes are shown to this machine, but not to callers through the proxy. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { ofNoEngine } from './engine.ts'
import { requirePeer } from './peers.ts'
import { nginxPath, startNginx } from './proxies.ts'
import { newNumber, paths, type Server, startServer } from './server.ts'

let server: Server
let code: string
const contact = newNumber()
before(async () => {
  server = await startServer()
  const token = await server.logIn('developer')
  assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)
  code = await server.codeFor(contact)
})
after(() => server[Symbol.asyncDispose]())

/** How nginx passes requests on, as its users write it. */
const ways: Readonly<Record<string, string>> = {
  'as it does by itself': '',
  'with the Host line as it came': 'proxy_set_header Host $http_host;',
  'by HTTP/1.1 with X-Real-IP':
    "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host; proxy_set_header X-Real-IP $remote_addr;",
  'by HTTP/1.1 with X-Forwarded-Proto':
    "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Host $http_host; proxy_set_header X-Forwarded-Proto $scheme;",
  'by HTTP/1.1 with Forwarded':
    "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Forwarded for=$remote_addr;",
  'by HTTP/1.1 with Via':
    "proxy_http_version 1.1; proxy_set_header Connection ''; proxy_set_header Via '1.1 nginx';",
}

const pages = ['/inbox', '/inbox/messages', '/inbox/events', '/inbox/page.js', '/inbox/mail/x', '/metrics']

for (const [how, location] of Object.entries(ways))
  test(`who comes through nginx ${how} gets no page of this machine, whatever the Host line says`, {
    ...requirePeer('nginx (apt-get install nginx)', nginxPath),
    ...ofNoEngine,
  }, async () => {
    const port = Number(new URL(server.http).port)
    await using proxy = await startNginx([port], location)
    const hosts = [
      'localhost',
      `localhost:${port}`,
      '127.0.0.1',
      `127.0.0.1:${port}`,
      '[::1]',
      'codes.example.com',
    ]
    for (const host of hosts)
      for (const path of pages) {
        const { status, text } = await get(proxy.url, path, host)
        assert.equal(status, 403, `${path} as ${host}: ${text}`)
        assert.ok(!text.includes(code))
      }
    assert.equal((await get(proxy.url, '/livez', 'codes.example.com')).status, 200, 'the proxy works')
  })

test('without a proxy the inbox is there, for curl and for a browser', async () => {
  for (const host of ['localhost', new URL(server.http).host]) {
    const { status, text } = await get(
      server.http,
      `/inbox/messages?to=${encodeURIComponent(contact)}`,
      host,
      `Bearer ${server.inboxKey}`,
    )
    assert.equal(status, 200)
    assert.ok(text.includes(code))
  }
})

test('what a proxy passes on without a mark shows no code to who lacks the key', async () => {
  const { hostname, port } = new URL(server.http)
  // As ssh -R, or HAProxy in TCP mode: byte for byte.
  const bare = createServer((socket) => {
    const onward = connect(Number(port), hostname)
    socket.pipe(onward).pipe(socket)
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
  }).listen(0, '127.0.0.1')
  await once(bare, 'listening')
  const url = `http://127.0.0.1:${(bare.address() as AddressInfo).port}`
  for (const path of pages.filter((one) => one.startsWith('/inbox'))) {
    const { status, text } = await get(url, path, 'localhost')
    assert.equal(status, 403, path)
    assert.ok(!text.includes(code))
  }
  bare.close()
})

test('a development server that is behind a proxy by its settings has no inbox', async () => {
  await using behind = await startServer({ env: { COUNTERSIGN_BEHIND_PROXY: 'true' } })
  for (const path of ['/inbox', '/inbox/messages', '/inbox/events'])
    assert.equal((await get(behind.http, path, 'localhost')).status, 404, path)
  assert.match(behind.output(), /"inbox":null/)
})

/** With a Host line of the test's own, which fetch would not send. */
function get(
  base: string,
  path: string,
  host: string,
  authorization?: string,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    request(
      { hostname, port, path, headers: { host, ...(authorization && { authorization }) }, agent: false },
      (response) => {
        let text = ''
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode!, text }))
      },
    )
      .on('error', reject)
      .end()
  })
}
