import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { after, before, test } from 'node:test'
import type { FastifyError, FastifyReply } from 'fastify'
import { AppError } from '../errors.ts'
import type { Dialect } from './dialect.ts'
import { huaweiDialect } from './huawei/dialect.ts'
import { problemOf } from './request-problem.ts'
import { type Answer, createServer } from './server.ts'

/** As small as a dialect can be. All of its answers are `{"native": "WORD"}`. */
const native: Dialect = {
  register(app, onError) {
    const send = (reply: FastifyReply, status: number, word: string) =>
      reply.code(status).type('application/json').send({ native: word })
    app.setErrorHandler((error: FastifyError, request, reply) => {
      if (error.validation) return send(reply, 422, 'validation')
      const problem = problemOf(error)
      if (problem) return send(reply, 400, problem)
      onError(error, request)
      return send(reply, 500, 'error')
    })
    app.setNotFoundHandler((_request, reply) => send(reply, 404, 'not-found'))
    const schema = { body: { type: 'object', required: ['to'], properties: { to: { type: 'string' } } } }
    app.post('/codes', { schema }, (_request, reply) => send(reply, 200, 'done'))
    app.get('/broken', () => {
      throw new Error('broken')
    })
  },
  answerTo: (problem) => ({
    status: 400,
    errorCode: problem,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ native: problem }),
  }),
}

/** Services with only the parts that these requests reach. */
const services = {
  sessions: { find: () => undefined },
  store: {
    directory: {
      session() {
        throw new AppError('store.unavailable', 'away')
      },
    },
  },
}

const answers: Answer[] = []
const errors: unknown[] = []
const server = createServer({
  tls: null,
  trustedProxies: [],
  dialects: [
    { prefix: '', dialect: huaweiDialect(services as never) },
    { prefix: '/native', dialect: native },
  ],
  onAnswer: (answer) => answers.push(answer),
  onError: (error) => errors.push(error),
})
server.get('/page', () => {
  throw new Error('broken')
})
before(() => server.listen({ host: '127.0.0.1', port: 0 }))
after(() => server.close())

/** Sends bytes on one connection, each after the answer to those before. @returns The last answer. */
async function answerTo(...parts: readonly string[]): Promise<string> {
  const socket = connect((server.server.address() as AddressInfo).port, '127.0.0.1')
  try {
    let answer = ''
    for (const part of parts) {
      socket.write(part)
      answer = String(await once(socket, 'data').then(([chunk]) => chunk))
    }
    return answer
  } finally {
    socket.destroy()
  }
}

const get = (path: string, headers = 'Host: x\r\n') => `GET ${path} HTTP/1.1\r\n${headers}\r\n`
const post = (path: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`

const login = '/v1/usg/acs/auth/account'
const large = 'x'.repeat(17_000)

/** By what is wrong: a request to either dialect, and what each answers. */
const wrong: Readonly<Record<string, readonly [huawei: string, code: string, native: string, word: string]>> =
  {
    'an unknown path': [get('/v1/none'), '404 USG.000000006', get('/native/none'), '404 not-found'],
    'a path that only begins like a prefix': [
      get('/nativex'),
      '404 USG.000000006',
      get('/native'),
      '404 not-found',
    ],
    'a wrong method': [get(login), '405 USG.000000007', get('/native/codes'), '404 not-found'],
    'a missing field': [
      post(login, '{}'),
      '400 USG.000000003',
      post('/native/codes', '{}'),
      '422 validation',
    ],
    'a body that is no JSON': [
      post(login, '{'),
      '400 USG.000000003',
      post('/native/codes', '{'),
      '400 syntax',
    ],
    'a body that is too large': [
      post(login, large),
      '400 USG.000000003',
      post('/native/codes', large),
      '400 body-too-large',
    ],
    'no Host': [get(login, ''), '400 USG.000000003', get('/native/codes', ''), '400 host'],
    'a path that is no UTF-8': [get('/v1/%FF'), '400 USG.000000003', get('/native/%FF'), '400 path'],
    'a chunk that is none': [
      `POST ${login} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      '400 USG.000000003',
      'POST /native/codes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      '400 not-http',
    ],
    'bytes that are not HTTP': [
      'BREW\r\n\r\n',
      '400 USG.000000003',
      `${post('/native/codes', '{"to":"x"}')}BREW\r\n\r\n`,
      '400 not-http',
    ],
  }

for (const [what, [toHuawei, code, toNative, word]] of Object.entries(wrong))
  test(`${what}: each of two dialects answers in its own shape`, async () => {
    const huawei = await answerTo(toHuawei)
    assert.equal(`${huawei.slice(9, 12)} ${/"error_code":"([^"]*)"/.exec(huawei)?.[1]}`, code)
    assert.ok(!huawei.includes('"native"'))
    const parts = toNative.split(/(?=BREW)/)
    const other = await answerTo(...parts)
    assert.equal(`${other.slice(9, 12)} ${/"native":"([^"]*)"/.exec(other)?.[1]}`, word)
    assert.ok(!other.includes('error_code') && !other.includes('No-cache'))
    for (const answer of [huawei, other]) assert.match(answer, /\r\nx-request-id: [0-9a-f]{32}\r\n/)
  })

test('what fails is answered by its own dialect, elsewhere in plain text, and reported', async () => {
  errors.length = 0
  const huawei = await answerTo(
    'DELETE /v1/usg/acs/token HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n',
    `PUT /v1/usg/acs/token HTTP/1.1\r\nHost: x\r\nX-Access-Token: y\r\nContent-Length: 0\r\n\r\n`,
  )
  assert.match(huawei, /^HTTP\/1\.1 500 [\s\S]*"error_code":"USG\.000000001"/)
  assert.match(await answerTo(get('/native/broken')), /^HTTP\/1\.1 500 [\s\S]*\{"native":"error"\}$/)
  const page = await answerTo(get('/page'))
  assert.match(page, /^HTTP\/1\.1 500 [\s\S]*\r\n\r\nInternal server error\.\n$/)
  assert.equal(errors.length, 3)
})

test('a client that sends no request gets the answer of the dialect at the root', async () => {
  answers.length = 0
  assert.match(await answerTo('BREW\r\n\r\n'), /^HTTP\/1\.1 400 [\s\S]*"error_code":"USG\.000000003"/)
  assert.deepEqual(
    answers.map(({ route, errorCode }) => [route, errorCode]),
    [['unknown', 'USG.000000003']],
  )
})

test('a listener without a dialect answers in plain text', async () => {
  const bare = createServer({ tls: null, trustedProxies: [], onAnswer() {} })
  try {
    const base = await bare.listen({ host: '127.0.0.1', port: 0 })
    const answer = await fetch(`${base}/none`)
    assert.equal(`${answer.status} ${await answer.text()}`, '404 Not found.\n')
    const socket = connect((bare.server.address() as AddressInfo).port, '127.0.0.1', () =>
      socket.write('BREW\r\n\r\n'),
    )
    const [bytes] = await once(socket, 'data')
    assert.match(String(bytes), /^HTTP\/1\.1 400 [\s\S]*\r\n\r\nThe request is not valid HTTP\.\n$/)
  } finally {
    await bare.close()
  }
})
