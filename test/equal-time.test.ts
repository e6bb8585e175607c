/**
 * A-1 in time: ten thousand interleaved pairs, compared by rank. A long suite of its own, for it wants the machine to
 * itself for minutes.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { partitionOf } from '../src/address/partition.ts'
import { type Api, apiOf, apiWith } from './api.ts'
import { run } from './cli-run.ts'
import { nextCode, ownerOf, sendTo, verify } from './codes.ts'
import { engine } from './engine.ts'
import { holeIn } from './puzzle.ts'
import { appLogin, newNumber, paths, startServer } from './server.ts'
import { mannWhitney } from './statistics.ts'

/** Times interleaved calls of two kinds. */
async function timesOf(
  pairs: number,
  a: () => Promise<unknown>,
  b: () => Promise<unknown>,
): Promise<[number[], number[]]> {
  const times: [number[], number[]] = [[], []]
  for (let i = 0; i < pairs; i++)
    for (const kind of Math.random() < 0.5 ? ([0, 1] as const) : ([1, 0] as const)) {
      const start = performance.now()
      await (kind === 0 ? a() : b())
      times[kind].push(performance.now() - start)
    }
  return times
}

/** @returns The p-value of their being alike. */
async function compared(
  pairs: number,
  a: () => Promise<unknown>,
  b: () => Promise<unknown>,
): Promise<number> {
  return mannWhitney(...(await timesOf(pairs, a, b)))
}

/** The same in several lanes at once, each of so many pairs. */
async function comparedAtOnce(
  lanes: number,
  pairs: number,
  a: () => Promise<unknown>,
  b: () => Promise<unknown>,
): Promise<number> {
  const times = await Promise.all(Array.from({ length: lanes }, () => timesOf(pairs, a, b)))
  return mannWhitney(
    times.flatMap(([ofA]) => ofA),
    times.flatMap(([, ofB]) => ofB),
  )
}

/**
 * Over other engines fewer, which is enough to find a millisecond, as the plant below shows; for a long run as many
 * as COUNTERSIGN_TIMING_PAIRS says.
 */
const pairs = Number(process.env.COUNTERSIGN_TIMING_PAIRS ?? (engine === 'sqlite' ? 10_000 : 2_000))

/** Alike unless three samples in a row say otherwise: one of a hundred honest ones does by chance. */
async function areAlike(
  a: () => Promise<unknown>,
  b: () => Promise<unknown>,
  count = pairs,
): Promise<boolean> {
  await compared(1_000, a, b) // until compilers and caches have settled
  for (let tries = 0; tries < 3; tries++) if ((await compared(count, a, b)) > 0.01) return true
  return false
}

/** A new number that a cluster keeps where this one is: some of its shards answer sooner than others. */
function newNumberBeside(number: string): string {
  const placeOf = (one: string) => partitionOf(`tel:${one}`)
  for (;;) {
    const other = newNumber()
    if (placeOf(other) === placeOf(number)) return other
  }
}

test('A-1: wrong, expired, unknown and used codes get one answer, in one time', async () => {
  await using server = await startServer({
    args: ['--limits', 'none'],
    env: { COUNTERSIGN_POLICY_LIFETIME_SMS: '10s' },
  })
  const own = newNumber()
  const token = await ownerOf(server, 'timed', own)
  const [used, expired, unknown] = [own, newNumberBeside(own), newNumberBeside(own)]
  assert.equal((await verify(server, token, used, await nextCode(server, token, used))).status, 200)
  await sendTo(server, token, expired)
  await new Promise((resolve) => setTimeout(resolve, 10_100))
  const answers = new Set<string>()
  const check = (contact: string) => async () => {
    const { status, json, headers } = await verify(server, token, contact, '0000000')
    answers.add([status, json.error_code, json.error_msg, headers.get('retry-after')].join())
  }
  assert.ok(await areAlike(check(expired), check(unknown)), 'expired and unknown')
  assert.ok(await areAlike(check(used), check(unknown)), 'used and unknown')
  answers.delete('500,USG.000000001,系统繁忙，请稍后再试。,1') // a machine under load, for either kind
  assert.equal(answers.size, 1, [...answers].join(' | '))
})

test('A-1: a wrong code for a live verification takes the time of one for none', async () => {
  await using server = await startServer({
    args: ['--limits', 'none'],
    env: { COUNTERSIGN_POLICY_LIFETIME_SMS: '10m', COUNTERSIGN_POLICY_MAX_SUBMISSIONS: '10' },
  })
  const token = await server.logIn('timed')
  // A code dies with its tenth submission, so there is an address for every nine.
  const most = 3 * pairs + 2_000
  const live = Array.from({ length: Math.ceil(most / 9) }, newNumber)
  for (const contact of live) await server.call('POST', paths.send, { token, body: { contact } })
  // As many of both, for they lie on all shards of a cluster, and some of those answer sooner than others.
  const unknown = live.map(newNumber)
  const [ofLive, ofUnknown] = [live, unknown].map((addresses) => {
    let taken = 0
    return () => verify(server, token, addresses[Math.floor(taken++ / 9)]!, '000000')
  })
  assert.ok(await areAlike(ofLive!, ofUnknown!))
  assert.equal((await server.call('GET', '/metrics')).text.match(/^countersign_throttled_total.*/m), null)
})

test('A-1: so it does with limits in force, which count the one at the address and not the other', async () => {
  // So short that nobody meets one, and each is counted all the same.
  const none = Object.fromEntries(
    [
      ...['ISSUES_MEMBER_ADDRESS', 'ISSUES_MEMBER', 'ISSUES_MEMBER_ADDRESSES', 'ISSUES_NETWORK'],
      ...['ISSUES_ADDRESS_WINDOWS', 'SUBMISSIONS_MEMBER_ADDRESS', 'WRONG_ADDRESS', 'WRONG_MEMBER_ADDRESS'],
      ...['WRONG_MEMBER', 'WRONG_NETWORK'],
    ].map((name) => [`COUNTERSIGN_POLICY_LIMITS_${name}`, '100/1ms']),
  )
  await using server = await startServer({
    env: {
      ...none,
      COUNTERSIGN_POLICY_LIMITS_ISSUES_APP_PER_SECOND: '100000',
      COUNTERSIGN_POLICY_LIFETIME_SMS: '10m',
      COUNTERSIGN_POLICY_MAX_SUBMISSIONS: '10',
    },
  })
  const token = await server.logIn('counted')
  let [livesLeft, taken] = [0, 0]
  let [live, unknown] = ['', '']
  // The limiters of both grow alike: each has an address for every nine.
  const next = async () => {
    if (livesLeft-- > 0) return
    livesLeft = 8
    live = newNumber()
    unknown = newNumber()
    assert.equal((await server.call('POST', paths.send, { token, body: { contact: live } })).status, 200)
  }
  const times: [number[], number[]] = [[], []]
  async function sample(count: number): Promise<number> {
    for (const some of times) some.length = 0
    for (let i = 0; i < count; i++) {
      await next()
      for (const kind of taken++ % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)) {
        const start = performance.now()
        const answer = await verify(server, token, kind === 0 ? live : unknown, '000000')
        times[kind].push(performance.now() - start)
        if (answer.status !== 500) assert.equal(answer.json.error_code, 'USG.206030001')
      }
    }
    return mannWhitney(times[0], times[1])
  }
  await sample(500)
  const few = Math.min(pairs, 2_000)
  assert.ok((await sample(few)) > 0.01 || (await sample(few)) > 0.01 || (await sample(few)) > 0.01)
})

test('A-1: a planted leak of a millisecond is found', async () => {
  await using server = await startServer({
    args: ['--limits', 'none'],
    imports: [join(import.meta.dirname, 'plants', 'slow-for-known.ts')],
    env: { COUNTERSIGN_POLICY_MAX_SUBMISSIONS: '10' },
  })
  const token = await server.logIn('leaky')
  let contact = ''
  let left = 0
  const wrong = async () => {
    await verify(server, token, contact, '000000')
    left--
  }
  const unknown = () => verify(server, token, '+8613999999999', '000000')
  const times: [number[], number[]] = [[], []]
  for (let i = 0; i < 1_000; i++) {
    if (left === 0) {
      contact = newNumber()
      await sendTo(server, token, contact)
      left = 8
    }
    for (const [kind, act] of [
      [0, wrong],
      [1, unknown],
    ] as const) {
      const start = performance.now()
      await act()
      times[kind].push(performance.now() - start)
    }
  }
  assert.ok(mannWhitney(times[0], times[1]) < 0.01)
})

test('A-1: sending to known and unknown addresses takes one time', async () => {
  await using server = await startServer({ args: ['--limits', 'none'] })
  const known = newNumber()
  await ownerOf(server, 'someone', known)
  const token = await server.logIn('prober')
  const unknown = newNumberBeside(known)
  const answers = new Set<string>()
  const send = (contact: string) => async () => {
    const { status, text } = await server.call('POST', paths.send, { token, body: { contact } })
    if (status !== 500) answers.add(`${status} ${text}`) // a machine under load, for either kind
  }
  assert.ok(await areAlike(send(known), send(unknown)))
  assert.deepEqual([...answers], ['200 {}'])
})

test('A-1: asking to undo a change takes one time, whoever had the contact; a millisecond more is found', async () => {
  await using server = await startServer({
    args: ['--limits', 'none'],
    env: { COUNTERSIGN_POLICY_NEEDS_PROOF: 'false', COUNTERSIGN_POLICY_MAX_SUBMISSIONS: '10' },
  })
  const known = newNumber()
  const token = await ownerOf(server, 'changing', known)
  const next = newNumber()
  const body = { contact: next, verificationCode: await sendTo(server, token, next) }
  assert.equal((await server.call('PUT', paths.contact, { token, body })).status, 200)
  const unknown = newNumberBeside(known)
  const undo = '/v1/usg/dcs/member/contact/undo'
  const answers = new Set<string>()
  const ask = (contact: string) => async () => {
    const { status, text } = await server.call('POST', undo, { body: { contact } })
    if (status !== 500) answers.add(`${status} ${text}`) // a machine under load, for either kind
  }
  const enter = (contact: string) => async () => {
    const call = { body: { contact, verificationCode: '0000000' }, headers: { 'x-request-id': 'same' } }
    const { status, text } = await server.call('POST', `${undo}/verify`, call)
    if (status !== 500) answers.add(`${status} ${text}`)
  }
  const later = (act: () => Promise<void>) => async () => {
    await act()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  // Each waits for a step, so that several are under way at once without hindering one another.
  const p = (a: () => Promise<void>, b: () => Promise<void>) => comparedAtOnce(8, 75, a, b)
  await p(ask(known), ask(unknown)) // until compilers and caches have settled
  const isAlike = async (act: typeof ask) => {
    for (let tries = 0; tries < 3; tries++) if ((await p(act(known), act(unknown))) > 0.01) return true
    return false
  }
  assert.ok(await isAlike(ask))
  assert.ok(await isAlike(enter))
  assert.equal(answers.size, 2, [...answers].join(' | '))
  assert.ok((await p(ask(known), later(ask(unknown)))) < 0.01, 'it would find a leak')
})

test('A-1: keys that are unknown, revoked and expired are refused in one time; another app’s verification is like none', async () => {
  await using server = await startServer({ args: ['--limits', 'none'] })
  const [api, revoked] = [await apiWith(server), await apiWith(server)]
  const expired = await apiWith(server, '--expires', '1s')
  await run(['key', 'revoke', revoked.id, '--data', server.dataFolder], { env: server.env })
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const unknown = apiOf(server, `${api.key.slice(0, -8)}AAAAAAAA`)
  const other = await apiWith(server, '--test')
  const strange = String((await other.start(newNumber())).json.id)
  const none = strange.replace(/.{8}(?=.{3}$)/, '00000000')
  const answers = new Set<string>()
  const check = (by: Api, id: string) => async () => {
    const { status, text } = await by.check(id, '000000', { 'x-request-id': 'same' })
    if (status !== 503) answers.add(`${status} ${text}`) // a machine under load, for either kind
  }
  const some = Math.min(pairs, 3_000)
  for (const bad of [revoked, expired])
    assert.ok(await areAlike(check(bad, none), check(unknown, none), some), bad.id)
  assert.match([...answers].join(), /^401 [^,]*unauthenticated/)
  assert.equal(answers.size, 1)
  answers.clear()
  // Ids are of 128 random bits, so nobody asks for one that exists without knowing it already.
  await check(api, strange)()
  await check(api, none)()
  assert.match([...answers].join(), /^404 [^,]*not-found/)
  assert.equal(answers.size, 1)
})

test('A-1: a forgotten password takes one time for known and unknown users, whatever was typed', async () => {
  await using server = await startServer({ args: ['--limits', 'none'] })
  const root = String((await server.call('POST', paths.appLogin, appLogin(server.app))).json.accessToken)
  const [account, phone] = ['forgetful', newNumber()]
  const body = { name: 'F', account, phone, pwd: 'good-pass-1', sendNotify: '0' }
  const added = await server.call('POST', '/v1/usg/dcs/corp/member', { token: root, body })
  assert.equal(added.status, 200, added.text)
  const puzzle = '/v1/usg/acs/auth/slideverifycode'
  const solved = async (user: string) => {
    const asked = { user, clientType: 0, checkType: 1 }
    const made = (await server.call('POST', `${puzzle}/send`, { body: asked })).json
    const pointX = holeIn(String(made.shadowImage), String(made.cutImage), Number(made.pointY))
    const answer = await server.call('PUT', `${puzzle}/check`, {
      body: { ...asked, token: made.token, pointX, slideTime: 900 },
    })
    assert.equal(answer.status, 200, answer.text)
    return answer.json.token
  }
  const answers = new Set<string>()
  const ask = async (method: string, path: string, asked: object) => {
    const start = performance.now()
    const { status, json } = await server.call(method, path, { body: asked })
    const ms = performance.now() - start
    if (status !== 500) answers.add(`${path} ${status} ${json.error_code}`) // a machine under load, for either kind
    return ms
  }
  const acts = {
    send: async (user: string) => {
      const token = await solved(user)
      return () => ask('POST', '/v1/usg/acs/verifycode/send', { user, token })
    },
    check: async (user: string) => () => ask('PUT', '/v1/usg/acs/verifycode/check', { user, code: '000000' }),
  }
  /** No answer comes before 100 ms, so there are few; each kind is asked at once with the other, in either order. */
  const count = Math.min(pairs, engine === 'sqlite' ? 150 : 60)
  async function sample(act: keyof typeof acts, known: string, unknown: string): Promise<number> {
    const times: [number[], number[]] = [[], []]
    for (let i = 0; i < count; i++) {
      const ready = [await acts[act](known), await acts[act](unknown)] as const
      const order = i % 2 === 0 ? ([0, 1] as const) : ([1, 0] as const)
      await Promise.all(order.map(async (kind) => times[kind].push(await ready[kind]!())))
    }
    return mannWhitney(times[0], times[1])
  }
  for (const [known, unknown] of [
    [account, 'forgetfil'],
    [phone, newNumberBeside(phone)],
  ] as const)
    for (const act of ['send', 'check'] as const) {
      const all = [await sample(act, known, unknown)]
      while (all.at(-1)! <= 0.01 && all.length < 3) all.push(await sample(act, known, unknown))
      assert.ok(all.at(-1)! > 0.01, `${act} ${known}: ${all.join()}`)
    }
  assert.deepEqual([...answers].sort(), [
    '/v1/usg/acs/verifycode/check 400 USG.206030001',
    '/v1/usg/acs/verifycode/send 200 undefined',
  ])
})
