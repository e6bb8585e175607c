import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import fc from 'fast-check'
import { type SignedLogin, signedText } from '../../flows/app-login.ts'
import { Type } from '../../json-schema.ts'
import { createServer } from '../server.ts'
import { appAuthBody } from './parameters.ts'

type Check = (body: unknown) => boolean

/** Validators as the server makes them. */
let isAccepted: Check
let isAcceptedWithColons: Check
before(async () => {
  const text = (minLength: number) => Type.String({ minLength, maxLength: 64 })
  const colons = Type.Object({
    ...appAuthBody.properties,
    appId: text(1),
    userId: Type.Optional(text(0)),
    corpId: Type.Optional(text(0)),
    nonce: text(32),
  })
  const server = createServer({ tls: null, trustedProxies: [], onAnswer: () => undefined })
  server.get('/', async (request) => {
    isAccepted = request.compileValidationSchema(appAuthBody)
    isAcceptedWithColons = request.compileValidationSchema(colons)
  })
  await server.inject('/')
})

const app = 'fdb8e4699586458bbd10c834872dcc62'
const part = fc.constantFrom('', '0', '1900000000', 'bob', '13800138000', 'demo', '张三', app, 'n'.repeat(32))

/** All ways to read a text as an App ID login. */
function readings(text: string): SignedLogin[] {
  const parts = text.split(':')
  const groups = (from: number, most: number): string[][] => {
    if (most === 1) return [[parts.slice(from).join(':')]]
    const found: string[][] = []
    for (let to = from + 1; to <= parts.length - most + 1; to++)
      for (const rest of groups(to, most - 1)) found.push([parts.slice(from, to).join(':'), ...rest])
    return found
  }
  const logins: SignedLogin[] = []
  for (const [appId = '', userId, time, nonce = ''] of groups(0, 4))
    logins.push({ appId, corpId: undefined, userId, expireTime: Number(time), nonce })
  for (const [appId = '', corpId, userId, time, nonce = ''] of groups(0, 5))
    logins.push({ appId, corpId, userId, expireTime: Number(time), nonce })
  return logins.filter((login) => signedText(login) === text)
}

function accepted(text: string, isTaken: Check): SignedLogin[] {
  return readings(text).filter(({ corpId, ...login }) =>
    isTaken({ ...login, clientType: 72, ...(corpId !== undefined && { corpId }) }),
  )
}

test('A-11: no text is the signed text of two accepted App ID logins, whatever its fields', () => {
  let taken = 0
  fc.assert(
    fc.property(fc.array(part, { minLength: 4, maxLength: 8 }), (parts) => {
      const meanings = accepted(parts.join(':'), isAccepted)
      taken += meanings.length
      assert.ok(meanings.length <= 1, JSON.stringify(meanings))
    }),
    { numRuns: 20_000 },
  )
  assert.ok(taken > 50, `${taken} of the texts were accepted at all`)
})

test('A-11: the same check finds fields that may hold colons', () => {
  const text = `${app}::13800138000:1900000000:${'n'.repeat(32)}`
  assert.ok(accepted(text, isAcceptedWithColons).length > 1)
  assert.equal(accepted(text, isAccepted).length, 1)
})

test('A-11: with no colon in a field the two forms differ in the number of colons', () => {
  const field = fc.string({ unit: 'grapheme', maxLength: 64 }).filter((text) => !text.includes(':'))
  const colons = (login: SignedLogin) => signedText(login).split(':').length - 1
  fc.assert(
    fc.property(field, field, field, fc.nat(), field, (appId, corpId, userId, expireTime, nonce) => {
      assert.equal(colons({ appId, corpId: undefined, userId, expireTime, nonce }), 3)
      assert.equal(colons({ appId, corpId, userId, expireTime, nonce }), 4)
    }),
  )
})
