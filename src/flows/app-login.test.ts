import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import { seal } from '../code/seal.ts'
import { decideAcquire, type Limit } from '../throttle/acquire.ts'
import type { LimiterState } from '../throttle/limiter-state.ts'
import { appLogIn, signAppLogin } from './app-login.ts'

/** Computed without this code, from the description of the wire. */
const appId = 'fdb8e4699586458bbd10c834872dcc62'
const appKey = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'
const nonce = 'EycLQsHwxhzK9OW8UEKWNfH2I3CGR2nINuU1EBpv162d42d92s'
const expireTime = 1_627_722_929

const vectors: [string, string | undefined, string | undefined, string][] = [
  [
    'a user',
    'testuser@mycorp.com',
    undefined,
    'c6a69dadb77d4063e6b71effeab4c5ddca099f527110fad39c2ebe4631b0b59a',
  ],
  [
    'no user: the colons stay',
    undefined,
    undefined,
    '2f1fc292fa8d6af3ce5401001cf5646c99f0e54612d5036dcfd3773a40225a9c',
  ],
  [
    'a user in Chinese, as UTF-8',
    '张三',
    undefined,
    '166d0951ab62964280d909eb8264cc250c7ac36903ae379a26e71a884dcaac1d',
  ],
  [
    "the service provider's form",
    'alice@ent01',
    '807074304',
    'b7e799e98ec121657f64759649d96f9df795118d7c8c8cb527b3b75149b8aaf9',
  ],
  ['the same with both empty', '', '', 'dbeb958193ff89aaa22d85ab0a85288e359a9d8725dd286558620690e0e949c0'],
]

for (const [name, userId, corpId, expected] of vectors)
  test(`an App ID login is signed as the wire says: ${name}`, () => {
    assert.equal(signAppLogin(appKey, { appId, userId, corpId, expireTime, nonce }), expected)
  })

test('a nonce that may be used once is remembered as long as its signature may live', async () => {
  const day = 86_400_000
  let now = 1_700_000_000_000
  const ring = parseKeyRing(newKeyLine(new Date(now)))
  const limiters = new Map<string, { limiter: LimiterState; forgottenAt: number }>()
  const app = { id: appId, tenant: 't', sealedKey: seal(ring, appKey, `app:${appId}`), isDisabled: false }
  const services = {
    ring,
    clock: { now: () => now },
    policyOf: () => ({ refusesRepeatedNonce: true, allowsLongSignatures: false, calls: ['log-in'] }),
    store: {
      directory: {
        app: async () => app,
        tenant: async () => ({ id: 't' }),
        // Refused after the signature and the nonce, and by a word of its own.
        defaultAdministrator: async () => ({ isDisabled: true }),
      },
      limiters: {
        async acquire([limit]: [Limit]) {
          const kept = limiters.get(limit.key)
          const decision = decideAcquire(
            [limit],
            [kept && kept.forgottenAt > now ? kept.limiter : undefined],
            now,
          )
          if (decision.kind === 'acquired') limiters.set(limit.key, decision.limiters[0]!)
          return decision
        },
      },
    },
  } as unknown as Parameters<typeof appLogIn>[0]
  const expires = Math.floor(now / 1000) + 7 * 86_400
  const login = { appId, expireTime: expires, nonce, userId: undefined, corpId: undefined }
  const signed = { ...login, signature: signAppLogin(appKey, login), clientType: 72, name: '', deptCode: '' }
  const tried = async () => (await appLogIn(services, signed)).kind
  assert.equal(await tried(), 'member-disabled')
  for (const days of [0, 1.5, 5, 0.49]) {
    now += days * day
    assert.equal(await tried(), 'refused', `${days} days later`)
  }
  now += 0.02 * day
  assert.equal(await tried(), 'signature-expired')
})

test('the key before a reset signs until its overlap ends, and what is no key signs never', async () => {
  let now = 1_700_000_000_000
  const ring = parseKeyRing(newKeyLine(new Date(now)))
  const sealed = (key: string) => seal(ring, key, `app:${appId}`)
  let app: object | undefined
  const services = {
    ring,
    clock: { now: () => now },
    policyOf: () => ({ refusesRepeatedNonce: false, allowsLongSignatures: false, calls: ['log-in'] }),
    store: {
      directory: {
        app: async () => app,
        tenant: async () => ({ id: 't' }),
        // Refused after the signature, and by a word of its own.
        defaultAdministrator: async () => ({ isDisabled: true }),
      },
    },
  } as unknown as Parameters<typeof appLogIn>[0]
  const login = { appId, expireTime: now / 1000 + 86_400, nonce, userId: undefined, corpId: undefined }
  const tried = async (key: string) => {
    const signature = signAppLogin(key, login)
    return (await appLogIn(services, { ...login, signature, clientType: 72, name: '', deptCode: '' })).kind
  }
  const fresh = 'f'.repeat(64)
  const common = { id: appId, tenant: 't', isDisabled: false, sealedKey: sealed(fresh) }
  app = { ...common, previousKey: { sealed: sealed(appKey), until: now + 60_000 } }
  assert.equal(await tried(fresh), 'member-disabled')
  assert.equal(await tried(appKey), 'member-disabled')
  now += 59_999
  assert.equal(await tried(appKey), 'member-disabled')
  now += 1
  assert.equal(await tried(appKey), 'refused')
  assert.equal(await tried(fresh), 'member-disabled')
  app = { ...common, previousKey: null }
  for (const key of [appKey, 'nobody', '']) assert.equal(await tried(key), 'refused', key)
  // A deleted app has no key at all.
  app = { ...common, sealedKey: '', previousKey: null }
  for (const key of [fresh, 'nobody', '']) assert.equal(await tried(key), 'refused', key)
  app = undefined
  for (const key of [fresh, 'nobody', '']) assert.equal(await tried(key), 'refused', key)
})
