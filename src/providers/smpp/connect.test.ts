import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { connectTo } from './connect.ts'

test('A-12: the name of an SMSC is looked up without a thread', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const byThread = t.mock.method(dns, 'lookup')
  const socket = await connectTo({ host: 'localhost', port, tls: null }, 5_000, new AbortController().signal)
  socket.destroy()
  assert.equal(byThread.mock.callCount(), 0)
})
