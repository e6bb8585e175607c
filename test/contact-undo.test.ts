/** Undoing a change of a contact, over HTTP: who may, what it ends, and that nothing shows who had a contact. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { run } from './cli-run.ts'
import { ownerOf, send } from './codes.ts'
import { openStoreOf } from './engine.ts'
import { type Answer, appLogin, newNumber, paths, type Server, startServer } from './server.ts'
import { until } from './until.ts'

const undoPath = '/v1/usg/dcs/member/contact/undo'

let server: Server
before(async () => {
  server = await startServer({
    env: {
      COUNTERSIGN_POLICY_LIMITS_ISSUES_ADDRESS_GAPS: '1ms',
      COUNTERSIGN_POLICY_LIMITS_ISSUES_MEMBER_ADDRESS: '100/10m',
      COUNTERSIGN_POLICY_NEEDS_PROOF: 'false',
    },
  })
})
after(() => server[Symbol.asyncDispose]())

const ask = (contact: string, more: object = {}) =>
  server.call('POST', undoPath, { body: { contact, ...more } })
const enter = (contact: string, verificationCode: string) =>
  server.call('POST', `${undoPath}/verify`, { body: { contact, verificationCode } })
const codes = async (contact: string) =>
  (await server.inbox(contact)).filter(({ template }) => template === 'code')

function accepted(answer: Answer): void {
  assert.equal(`${answer.status} ${answer.text}`, '200 {}')
}
function refused(answer: Answer, code: string): void {
  assert.equal(`${answer.status} ${answer.json.error_code}`, `400 ${code}`, answer.text)
}

/** Asks, and enters the code that arrives. */
async function undo(contact: string): Promise<Answer> {
  const before = (await codes(contact)).length
  accepted(await ask(contact))
  const code = await until(async () => {
    const messages = await codes(contact)
    return messages.length > before && messages[0]!.code!
  })
  return enter(contact, code)
}

async function changeTo(token: string, contact: string): Promise<Answer> {
  const before = (await codes(contact)).length
  accepted(await send(server, token, contact))
  const verificationCode = await until(async () => {
    const messages = await codes(contact)
    return messages.length > before && messages[0]!.code!
  })
  return server.call('PUT', paths.contact, { token, body: { contact, verificationCode } })
}

const phoneOf = async (token: string) => (await server.call('GET', paths.member, { token })).json.phone

test('who proves the old contact puts it back; all logins end; no change for a day; nobody undoes the undo', async () => {
  const [first, second] = [newNumber(), newNumber()]
  const token = await ownerOf(server, 'undone', first)
  accepted(await changeTo(token, second))
  const notice = await until(async () =>
    (await server.inbox(first)).find(({ template }) => template === 'contact-changed'),
  )
  assert.match(notice.text, /[bcdfghjkmnpqrstvwxz]{8}/)
  accepted(await undo(first))
  await until(async () => (await server.call('GET', paths.member, { token })).status === 401)
  const again = await server.logIn('undone')
  assert.equal(await phoneOf(again), first)
  const barred = await changeTo(again, newNumber())
  refused(barred, 'USG.201040043')
  assert.ok(Number(barred.headers.get('retry-after')) > 86_000)

  const had = (await codes(second)).length
  accepted(await ask(second))
  refused(await enter(second, '000000'), 'USG.206030001')
  assert.equal((await codes(second)).length, had, 'nothing is sent to the contact that the undo took away')
  assert.ok((await server.inbox(second)).some(({ template }) => template === 'contact-changed'))

  await using store = await openStoreOf(server.dataFolder)
  const journal = await store.journal.read({ sinceMs: 0, most: 100_000, kind: 'contact-changed' })
  assert.ok(journal.some(({ detail }) => detail.cause === 'undo'))
})

test('in a chain of changes the oldest contact wins, also after a later one was used to undo', async () => {
  const [first, second, third] = [newNumber(), newNumber(), newNumber()]
  const token = await ownerOf(server, 'chained', first)
  accepted(await changeTo(token, second))
  accepted(await changeTo(token, third))
  accepted(await undo(second))
  assert.equal(await phoneOf(await server.logIn('chained')), second)
  accepted(await undo(first))
  assert.equal(await phoneOf(await server.logIn('chained')), first)
  accepted(await ask(second))
  refused(await enter(second, '000000'), 'USG.206030001')
  assert.equal(await phoneOf(await server.logIn('chained')), first)
})

test('a contact that another member has by now is not taken from it', async () => {
  const [first, second] = [newNumber(), newNumber()]
  const token = await ownerOf(server, 'left', first)
  accepted(await changeTo(token, second))
  accepted(await changeTo(await server.logIn('next'), first))
  refused(await undo(first), 'USG.206010065')
  assert.equal(await phoneOf(await server.logIn('left')), second)
})

test('nothing shows whether anybody had a contact: the same answers, limits and refusals, and no message', async () => {
  const [known, unknown] = [newNumber(), newNumber()]
  accepted(await changeTo(await ownerOf(server, 'watched', known), newNumber()))
  const answersOf = async (contact: string) => {
    const answers: string[] = []
    for (let nth = 0; nth < 7; nth++) {
      const asked = await ask(contact)
      const entered = await enter(contact, '0000000')
      answers.push(
        `${asked.status} ${asked.json.error_code ?? ''} ${entered.status} ${entered.json.error_code}`,
      )
    }
    return answers
  }
  assert.deepEqual(await answersOf(known), await answersOf(unknown))
  assert.deepEqual(await server.inbox(unknown), [])
})

test('A-9: strangers who use up all codes and guesses of an undo leave those of whoever has the notice', async () => {
  const [first, second] = [newNumber(), newNumber()]
  const token = await ownerOf(server, 'besieged', first)
  accepted(await changeTo(token, second))
  const notice = await until(async () =>
    (await server.inbox(first)).find(({ template }) => template === 'contact-changed'),
  )
  const reference = /[bcdfghjkmnpqrstvwxz]{8}/.exec(notice.text)![0]
  for (let nth = 0; nth < 10; nth++) await ask(first)
  refused(await ask(first, { reference: 'bbbbbbbb' }), 'USG.206060008')
  await until(async () => (await codes(first)).length > 1)
  const before = (await codes(first)).length
  accepted(await ask(first, { reference }))
  for (let nth = 0; nth < 12; nth++) await enter(first, '0000000')
  refused(await enter(first, '000000'), 'USG.206030019')
  const code = await until(async () => {
    const messages = await codes(first)
    return messages.length > before && messages[0]!.code!
  })
  const body = { contact: first, reference, verificationCode: code }
  accepted(await server.call('POST', `${undoPath}/verify`, { body }))
})

const recoveryPath = '/v1/usg/dcs/member/contact/recovery'

/** A member with a phone and a mailbox, and the default administrator’s token. */
async function memberOf(account: string) {
  const [phone, email] = [newNumber(), `${account}@people.example`]
  const root = (await server.call('POST', paths.appLogin, appLogin(server.app))).json.accessToken as string
  const body = { name: account, account, phone, email }
  const made = await server.call('POST', '/v1/usg/dcs/corp/member', { token: root, body })
  assert.equal(made.status, 200, made.text)
  const present = async () => {
    const shown = await server.call('GET', `/v1/usg/dcs/corp/member/${account}`, { token: root })
    return [shown.json.phone, shown.json.email]
  }
  const start = (contact: string) =>
    server.call('POST', recoveryPath, { token: root, body: { account, contact } })
  const cancel = () => server.call('POST', `${recoveryPath}/cancel`, { token: root, body: { account } })
  return { root, id: String(made.json.id), phone, email, present, start, cancel }
}

const noticesTo = async (contact: string, template: string) =>
  (await server.inbox(contact)).filter((one) => one.template === template)

test('a recovery waits, every contact is told, and any of them stops it; an administrator may cancel it', async () => {
  const { root, phone, email, present, start, cancel } = await memberOf('recovering')
  const [next, own] = [newNumber(), await server.logIn('no-administrator')]
  refused(await cancel(), 'USG.201040045')
  const started = await start(next)
  assert.equal(started.status, 200, started.text)
  assert.ok(Math.abs(Number(started.json.effectiveTime) - Date.now() - 86_400_000) < 60_000)
  for (const contact of [phone, email])
    await until(async () => (await noticesTo(contact, 'recovery-started')).length === 1)
  refused(await start(next), 'USG.201040044')
  accepted(await undo(email))
  refused(await cancel(), 'USG.201040045')
  assert.deepEqual(await present(), [phone, email])

  assert.equal((await start(next)).status, 200)
  accepted(await cancel())
  accepted(await ask(phone))
  refused(await enter(phone, '000000'), 'USG.206030001')
  refused(await start(phone), 'USG.000000003')
  refused(await start(String((await memberOf('beside')).phone)), 'USG.206010065')
  const body = { account: 'recovering', contact: next }
  const denied = await server.call('POST', recoveryPath, { token: own, body })
  assert.equal(denied.json.error_code, 'USG.000000008')
  const absent = await server.call('POST', recoveryPath, { token: root, body: { ...body, account: 'none' } })
  refused(absent, 'USG.201040000')

  await using store = await openStoreOf(server.dataFolder)
  const journal = await store.journal.read({ sinceMs: 0, most: 100_000, kind: 'recovery-stopped' })
  assert.deepEqual(
    journal.map(({ detail }) => detail.by),
    ['email', 'administrator'],
  )
})

/** The operator starts a recovery that waits a second. */
async function recover(account: string, ...more: readonly string[]) {
  await using store = await openStoreOf(server.dataFolder)
  const { tenant } = (await store.directory.app(server.app.id))!
  const env = { ...server.env, COUNTERSIGN_UNDO_RECOVERY_WAIT: '1s' }
  const args = ['member', 'recover', account, '--tenant', tenant, '--json', '--data', server.dataFolder]
  return run([...args, ...more], { env })
}

test('a recovery that nobody stops takes effect once, and the old contact may still undo it', async () => {
  const { id, phone, present } = await memberOf('recovered')
  const next = newNumber()
  const started = await recover('recovered', '--phone', next)
  assert.equal(started.code, 0, started.err)
  assert.equal(JSON.parse(started.out).notices, 2)
  await until(async () => (await present())[0] === next)
  await until(async () => (await noticesTo(phone, 'contact-changed')).length === 1)
  assert.match((await recover('recovered', '--cancel')).err, /no recovery is under way/)
  await using store = await openStoreOf(server.dataFolder)
  const journal = await store.journal.read({ sinceMs: 0, most: 100_000, kind: 'contact-changed' })
  assert.deepEqual(
    journal.filter(({ member }) => member === id).map(({ detail }) => detail.cause),
    ['recovery'],
  )
  accepted(await undo(phone))
  assert.equal((await present())[0], phone)
})

test('a number that was given away gets no notice, and its new owner undoes nothing', async () => {
  const { phone, email, present } = await memberOf('given-away')
  await using store = await openStoreOf(server.dataFolder)
  const { tenant } = (await store.directory.app(server.app.id))!
  const clear = (...more: readonly string[]) => {
    const args = ['member', 'clear-contact', 'given-away', '--tenant', tenant, '--data', server.dataFolder]
    return run([...args, '--phone', ...more], { env: server.env })
  }
  for (const afterwards of [false, true]) {
    if (afterwards) {
      await recover('given-away', '--phone', phone)
      await until(async () => (await present())[0] === phone)
      assert.equal((await clear()).code, 0)
    }
    const had = (await codes(phone)).length
    const cleared = await clear('--given-away')
    assert.equal(cleared.code, 0, cleared.err)
    accepted(await ask(phone))
    refused(await enter(phone, '000000'), 'USG.206030001')
    assert.equal((await codes(phone)).length, had)
    if (!afterwards) {
      await until(async () => (await noticesTo(email, 'contact-changed')).length === 1)
      assert.deepEqual(await noticesTo(phone, 'contact-changed'), [])
    }
  }
})

test('of two who undo one change at once, one does; and an undo ends a change that is under way', async () => {
  const [first, second, third] = [newNumber(), newNumber(), newNumber()]
  const token = await ownerOf(server, 'racing', first)
  accepted(await changeTo(token, second))
  accepted(await send(server, token, third))
  const verificationCode = await until(async () => (await codes(third))[0]?.code ?? false)
  const before = (await codes(first)).length
  accepted(await ask(first))
  const code = await until(async () => {
    const messages = await codes(first)
    return messages.length > before && messages[0]!.code!
  })
  const change = () =>
    server.call('PUT', paths.contact, { token, body: { contact: third, verificationCode } })
  const answers = await Promise.all([enter(first, code), enter(first, code), change()])
  const undone = answers.slice(0, 2).filter(({ status }) => status === 200)
  assert.equal(undone.length, 1, answers.map(({ text }) => text).join())
  assert.equal(await phoneOf(await server.logIn('racing')), first)
})
