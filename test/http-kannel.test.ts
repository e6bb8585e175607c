/** The HTTP carrier against a real gateway: Kannel of Debian, with receipts by its own call-backs. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, suite, test } from 'node:test'
import type { Provider, Receipt } from '../src/delivery/provider.ts'
import { createHttpProvider } from '../src/providers/http/http-provider.ts'
import { failureOf, never, phoneMessage, settingsOf } from './http-carrier.ts'
import { type Kannel, kannelPaths, startKannel } from './kannel.ts'
import { requirePeer } from './peers.ts'
import { until } from './until.ts'

const { skip } = {
  ...requirePeer('Kannel (apt-get install kannel)', kannelPaths.bearerbox),
  ...requirePeer('fakesmsc (apt-get install kannel-extras)', kannelPaths.fakesmsc),
}

const password = 'a-password-of-kannel'

suite('a message through Kannel', skip === undefined ? {} : { skip }, () => {
  let kannel: Kannel
  let listener: Server
  let provider: Provider
  const receipts: Receipt[] = []
  /** What the listener answers once, in place of handing the call on. */
  let statusOnce = 0

  const providerOf = (more: Readonly<Record<string, unknown>> = {}) => {
    const { port } = listener.address() as AddressInfo
    const section = {
      carrier: 'kannel',
      url: kannel.url,
      user: 'countersign',
      password,
      receiptSecret: 'a-word-of-ours-0123',
      allowPrivate: ['127.0.0.1'],
      ...more,
    }
    return createHttpProvider(
      { ...settingsOf(section, `http://127.0.0.1:${port}`), name: 'carrier' },
      async (given) => void receipts.push(...given),
    )
  }

  before(async () => {
    kannel = await startKannel('countersign', password)
    listener = createServer(async (request, response) => {
      if (statusOnce > 0) {
        response.writeHead(statusOnce).end()
        statusOnce = 0
        return
      }
      const { status } = await provider.receipts!({
        method: request.method as 'GET',
        query: request.url!.split('?')[1] ?? '',
        headers: request.headers as Record<string, string>,
        body: Buffer.alloc(0),
        clientIp: request.socket.remoteAddress!,
      })
      response.writeHead(status).end()
    }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    provider = providerOf()
  })

  after(async () => {
    await provider?.close?.()
    listener?.closeAllConnections()
    listener?.close()
    await kannel?.stop()
  })

  const receiptsOf = (id: string) => receipts.filter(({ key }) => key === id).map(({ state }) => state)

  test('it arrives as it was written, in either alphabet', async () => {
    const own = { ...phoneMessage, text: 'Your code is 012345 & <€> {{ to }} %d "x"' }
    const accepted = await provider.send(own, never)
    assert.deepEqual(accepted, { id: own.id })
    await until(() => kannel.messages.length === 1)
    assert.equal(kannel.messages[0], `12345 +15558675310 text ${own.text}`)
    await provider.send({ ...own, text: '【云会议】您的验证码是 012345', sender: 'Example' }, never)
    await until(() => kannel.messages.length === 2)
    const [sender, to, coding, ...words] = kannel.messages[1]!.split(' ')
    assert.deepEqual([sender, to, coding], ['Example', '+15558675310', 'ucs-2'])
    // Two bytes a character; what ASCII can show it shows.
    const bytes = words
      .join(' ')
      .replaceAll('+', '%20')
      .match(/%[0-9A-F]{2}|./g)!
      .map((one) => (one.length === 3 ? Number.parseInt(one.slice(1), 16) : one.charCodeAt(0)))
    assert.equal(Buffer.from(bytes).swap16().toString('utf16le'), '【云会议】您的验证码是 012345')
  })

  test('what became of it comes back by its own id', async () => {
    const id = 'a'.repeat(32)
    await provider.send({ ...phoneMessage, id }, never)
    await until(() => receiptsOf(id).includes('delivered'))
    assert.deepEqual(receiptsOf(id), ['enroute', 'delivered'])
    assert.equal(receipts.find(({ key }) => key === id)?.providerCode, '8 ACK/')
  })

  test('a receipt that was not taken in is told again', async () => {
    const id = 'b'.repeat(32)
    statusOnce = 503
    await provider.send({ ...phoneMessage, id }, never)
    await until(() => receiptsOf(id).length === 2)
  })

  test('a wrong password is no refusal of the message, and is not shown', async () => {
    const other = providerOf({ password: 'wrong-password-7' })
    const error = await failureOf(other.send(phoneMessage, never))
    assert.equal(error.kind, 'unavailable')
    assert.equal(error.providerCode, '403 Authorization failed for sendsms')
    const untaken = await failureOf(other.check!())
    assert.equal(untaken.providerCode, 'credentials not taken: 403 Authorization failed for sendsms')
    await other.close?.()
    await provider.check!()
  })

  test('with the centre away it is taken and waits; with the gateway away it is not taken', async () => {
    await kannel.endCentre()
    const id = 'c'.repeat(32)
    assert.deepEqual(await provider.send({ ...phoneMessage, id }, never), { id })
    await provider.check!()
    await kannel.stop()
    const error = await failureOf(provider.send(phoneMessage, never))
    assert.ok(error.kind === 'unavailable' || error.kind === 'unknown', error.kind)
    assert.equal((await failureOf(provider.check!())).kind, 'unavailable')
  })
})
