import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { type Answer, createServer } from './server.ts'

/** A server that counts its answers, and connections to it with both of their ends. */
async function serve() {
  const answers: Answer[] = []
  const near: Socket[] = []
  const far: Socket[] = []
  let onAnswer = () => {}
  const server = createServer({
    tls: null,
    trustedProxies: [],
    onAnswer(answer) {
      answers.push(answer)
      onAnswer()
    },
  })
  server.get('/page', (_request, reply) => reply.send('served'))
  server.server.on('connection', (socket) => far.push(socket))
  await server.listen({ host: '127.0.0.1', port: 0 })
  const { port } = server.server.address() as AddressInfo
  return {
    answers,
    far,
    onNextAnswer(act: () => void) {
      onAnswer = () => {
        onAnswer = () => {}
        act()
      }
    },
    async open(count: number): Promise<readonly Socket[]> {
      const opened = Array.from({ length: count }, () => connect(port, '127.0.0.1'))
      near.push(...opened)
      while (far.length < near.length) await once(server.server, 'connection')
      return opened
    },
    /** Does what Node does with connections whose time has run out: it handles all of them in one turn. */
    timeOut(sockets: readonly Socket[]) {
      const error = Object.assign(new Error('late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' })
      for (const socket of sockets) server.server.emit('clientError', error, socket)
    },
    async [Symbol.asyncDispose]() {
      for (const socket of near) socket.destroy()
      await server.close()
    },
  }
}

const page = 'GET /page HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n'

test('however many connections are cut at once, a call in the midst of it is answered before the last of them', async () => {
  await using server = await serve()
  const idle = await server.open(1_000)
  const [caller] = (await server.open(1)) as [Socket]
  server.onNextAnswer(() => caller.write(page))
  server.timeOut(server.far.slice(0, idle.length))
  assert.match(await text(caller), /^HTTP\/1\.1 200 /)
  const refusedBefore = server.answers.findIndex(({ status }) => status === 200)
  assert.ok(refusedBefore < idle.length / 2, `${refusedBefore} were refused before the call was answered`)
  const refusals = await Promise.all(idle.map((socket) => text(socket)))
  for (const refusal of refusals) assert.match(refusal, /^HTTP\/1\.1 400 [\s\S]*within 10 seconds\.\n$/)
  assert.equal(server.answers.length, idle.length + 1)
})

test('a request whose rest arrives while its refusal waits for its turn is not served', async () => {
  await using server = await serve()
  await server.open(200)
  const [late] = (await server.open(1)) as [Socket]
  late.write(page.slice(0, -2))
  server.timeOut(server.far)
  late.write(page.slice(-2))
  assert.match(await text(late), /^HTTP\/1\.1 400 [\s\S]*within 10 seconds\.\n$/)
  assert.deepEqual(
    server.answers.filter(({ status }) => status !== 400),
    [],
  )
})
