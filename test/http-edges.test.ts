/** Requests at the edge of HTTP, as bytes: each gets the documented answer, and none is taken for what it is not. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { newNumber, paths, type Server, startServer } from './server.ts'

let server: Server
let token: string
before(async () => {
  server = await startServer({ args: ['--limits', 'none'] })
  token = await server.logIn('edges')
})
after(() => server[Symbol.asyncDispose]())

/** Sends bytes on a connection of their own. @returns All that comes back until its end. */
async function exchange(...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(Number(new URL(server.http).port), '127.0.0.1')
  let answer = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => undefined)
  for (const part of parts) socket.write(part)
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

type Sent = { readonly contentType?: string | null; readonly chunked?: boolean }

/** POSTs a body as bytes. @returns Status and error code. */
async function post(
  path: string,
  body: string | Buffer,
  { contentType = 'application/json' }: Sent = {},
): Promise<string> {
  const bytes = Buffer.from(body as string)
  const answer = await exchange(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Access-Token: ${token}\r\n` +
      `${contentType === null ? '' : `Content-Type: ${contentType}\r\n`}Content-Length: ${bytes.length}\r\n\r\n`,
    bytes,
  )
  const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]
  const code = /"error_code":"(USG\.\d{9})"/.exec(answer)?.[1]
  return [status, code].filter(Boolean).join(' ')
}

test('what the prototype of a body holds is no parameter, whether the body is JSON or nearly', async () => {
  for (const name of ['__proto__', 'constructor', 'prototype'])
    for (const end of ['}', ',}']) {
      const contact = newNumber()
      assert.equal(await post(paths.send, `{"${name}":{"contact":"${contact}"}${end}`), '400 USG.000000003')
      assert.deepEqual(await server.inbox(contact), [])
    }
})

test('a body nested too deep is refused, however deep, and with or without a token', async () => {
  for (const levels of [33, 8_000])
    for (const path of [paths.send, paths.accountLogin, paths.appLogin, paths.validate])
      for (const body of ['['.repeat(levels), `${'{"a":'.repeat(levels / 6)}[${'['.repeat(32)}`])
        assert.equal(await post(path, body), '400 USG.000000003', `${path} ${levels}`)
  assert.equal(
    await post(paths.send, `{"contact":"${newNumber()}","x":${'['.repeat(31)}${']'.repeat(31)}}`),
    '200',
  )
})

test('a byte order mark is overlooked, and bytes that are not UTF-8 are refused', async () => {
  assert.equal(await post(paths.send, `\ufeff{"contact":"${newNumber()}"}`), '200')
  for (const name of [
    Buffer.from([0x22, 0xe9, 0x22]),
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
  ]) {
    const body = Buffer.concat([Buffer.from(`{"contact":"${newNumber()}","name":`), name, Buffer.from('}')])
    assert.equal(await post(paths.send, body), '400 USG.000000003')
  }
  const utf16 = Buffer.from(`\ufeff{"contact":"${newNumber()}"}`, 'utf16le')
  assert.equal(await post(paths.send, utf16), '400 USG.000000003')
})
