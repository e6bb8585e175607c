/** The proxy that makes faults: each fault acts as described, in its direction alone, and ends when the test ends it. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'
import { until } from './until.ts'

/** A server that answers each byte with the same in capitals, and keeps what it was sent. */
async function startEcho() {
  const sockets = new Set<Socket>()
  const got: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      got.push(String(chunk))
      socket.write(String(chunk).toUpperCase())
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    got: () => got.join(''),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

async function caller(proxy: FaultProxy) {
  const socket = connect(proxy.port, '127.0.0.1')
  let heard = ''
  let end = ''
  socket.on('data', (chunk) => {
    heard += chunk
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    end = error.code ?? error.message
  })
  socket.on('end', () => {
    end ||= 'end'
  })
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  return { socket, heard: () => heard, end: () => end }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function stage() {
  const echo = await startEcho()
  const proxy = await startFaultProxy(echo.port)
  return {
    echo,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]()
      await echo[Symbol.asyncDispose]()
    },
  }
}

test('a line that is well carries both ways', async () => {
  await using line = await stage()
  const { socket, heard } = await caller(line.proxy)
  socket.write('hello')
  await until(() => heard() === 'HELLO')
  socket.destroy()
})

test('delayed, everything arrives later and in order', async () => {
  await using line = await stage()
  line.proxy.set('toClient', { kind: 'delay', ms: 120 })
  const { socket, heard } = await caller(line.proxy)
  const startedAt = performance.now()
  for (const letter of 'abcdef') {
    socket.write(letter)
    await pause(5)
  }
  line.proxy.set('toClient', null)
  socket.write('g')
  await until(() => heard().length === 7)
  assert.equal(heard(), 'ABCDEFG')
  assert.ok(performance.now() - startedAt >= 115)
  socket.destroy()
})

test('throttled, so many bytes a second arrive', async () => {
  await using line = await stage()
  line.proxy.set('toServer', { kind: 'throttle', bytesPerSecond: 10_000 })
  const { socket, heard } = await caller(line.proxy)
  const startedAt = performance.now()
  socket.write('x'.repeat(3_000))
  await until(() => heard().length === 3_000)
  assert.ok(performance.now() - startedAt >= 290)
  socket.destroy()
})

test('dropped in one direction, the other still arrives, and an end is told to nobody', async () => {
  await using line = await stage()
  const { socket, heard, end } = await caller(line.proxy)
  socket.write('a')
  await until(() => heard() === 'A')
  line.proxy.set('toClient', { kind: 'drop' })
  socket.write('b')
  await until(() => line.echo.got() === 'ab')
  line.proxy.set('toClient', null)
  socket.write('c')
  await until(() => heard() === 'AC')
  assert.equal(end(), '')
  socket.destroy()
})

test('held, it arrives when the fault is over', async () => {
  await using line = await stage()
  const { socket } = await caller(line.proxy)
  line.proxy.set('toServer', { kind: 'hold' })
  socket.write('late')
  await pause(50)
  assert.equal(line.echo.got(), '')
  line.proxy.set('toServer', null)
  await until(() => line.echo.got() === 'late')
  socket.destroy()
})

test('cut, just so many bytes arrive, and both sides see a reset', async () => {
  await using line = await stage()
  line.proxy.set('toServer', { kind: 'cut', afterBytes: 7 })
  const { socket, end } = await caller(line.proxy)
  socket.write('abcde')
  socket.write('fghij')
  await until(() => end() !== '')
  assert.equal(end(), 'ECONNRESET')
  assert.equal(line.echo.got(), 'abcdefg')
})

test('half open, the client is not told that its server is gone; a new connection works', async () => {
  await using line = await stage()
  const { socket, heard, end } = await caller(line.proxy)
  socket.write('a')
  await until(() => heard() === 'A')
  line.proxy.halfOpen()
  socket.write('b')
  await pause(50)
  assert.equal(heard() + end(), 'A')
  const other = await caller(line.proxy)
  other.socket.write('c')
  await until(() => other.heard() === 'C')
  socket.destroy()
  other.socket.destroy()
})

test('refusing, new connections are refused, old ones go on, and it can be well again on its port', async () => {
  await using line = await stage()
  const old = await caller(line.proxy)
  await line.proxy.refuse(true)
  const refused = await caller(line.proxy)
  await until(() => refused.end() === 'ECONNREFUSED')
  old.socket.write('a')
  await until(() => old.heard() === 'A')
  await line.proxy.refuse(false)
  const anew = await caller(line.proxy)
  anew.socket.write('b')
  await until(() => anew.heard() === 'B')
  line.proxy.cutAll()
  await until(() => old.end() === 'ECONNRESET' && anew.end() === 'ECONNRESET')
})
