/** A person with everything that a server keeps about anyone is erased, and then in nothing that the engine keeps. */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { digestOf, nameOf } from '../src/throttle/policy.ts'
import { apiWith, otherThan } from './api.ts'
import { sendTo } from './codes.ts'
import { openStoreOf } from './engine.ts'
import { appLogin, newNumber, paths, startServer } from './server.ts'
import { dump, rowsWithoutAudit } from './store-dump.ts'
import { until } from './until.ts'
import { startWebhookReceiver } from './webhook-receiver.ts'

const corp = '/v1/usg/dcs/corp/member'

type Person = {
  readonly account: string
  readonly id: string
  /** Texts by which the person would be recognised, wherever they stand. */
  readonly texts: readonly string[]
}

test('A-7: of a person with everything nothing is left within a minute, in rows or in bytes; others are as they were', async () => {
  await using receiver = await startWebhookReceiver()
  await using server = await startServer({
    env: {
      COUNTERSIGN_POLICY_LIMITS_ISSUES_ADDRESS_GAPS: '1ms',
      COUNTERSIGN_POLICY_LIMITS_ISSUES_MEMBER_ADDRESS: '100/10m',
      COUNTERSIGN_POLICY_NEEDS_PROOF: 'false',
    },
  })
  const api = await apiWith(server, '--scope', 'verifications:write', 'verifications:read', 'admin')
  assert.equal((await api.post('/webhooks', { url: receiver.url })).status, 201)
  const root = (await server.call('POST', paths.appLogin, appLogin(server.app))).json.accessToken as string

  const [gone, stays] = [await live('erika'), await live('sigrid')]
  await until(() => receiver.posted.some(({ data }) => data.subject === gone.id))
  await holds('what is kept before', (kept) =>
    [...gone.texts, ...stays.texts].filter((text) => !kept.includes(text)),
  )

  const deleted = await server.call('POST', `${corp}/delete`, { token: root, body: [gone.account] })
  assert.equal(deleted.status, 200, deleted.text)
  await using store = await openStoreOf(server.dataFolder)
  await until(async () => !(await store.erasures.areLeft([gone.id])))

  await holds('what is left', (kept) => gone.texts.filter((text) => kept.includes(text)))
  const [rows, kept] = [await rowsWithoutAudit(server.dataFolder), await all()]
  assert.ok(!rows.includes(gone.id), 'the id is in the audit alone')
  for (const text of [...stays.texts, stays.id]) assert.ok(kept.includes(text), `${text} stays`)

  /** Waits until the list is empty. */
  async function holds(what: string, list: (kept: string) => readonly string[]): Promise<void> {
    let last: readonly string[] = []
    const isEmpty = async () => {
      last = list(await all())
      return last.length === 0
    }
    await until(isEmpty).catch(() => undefined)
    assert.deepEqual(last, [], what)
  }

  /** Bytes, as texts of the same bytes. */
  async function all(): Promise<string> {
    return (await dump(server.dataFolder)).everything
  }

  async function live(name: string): Promise<Person> {
    const [first, second] = [newNumber(), newNumber()]
    const [account, email, password] = [`${name}-account`, `${name}@mail-of-${name}.example`, 'Good-pass-1']
    const body = {
      ...{ name: `Full Name ${name}`, englishName: `English ${name}`, signature: `Signed ${name}` },
      ...{ title: `Title ${name}`, desc: `About ${name}`, thirdAccount: `third-${name}` },
      ...{ account, email, phone: first, pwd: password },
    }
    const added = await server.call('POST', corp, { token: root, body })
    assert.equal(added.status, 200, added.text)
    const id = String(added.json.id)

    // Logins, by password and by its app; wrong passwords.
    await byPassword(account, 'Wrong-pass-1')
    const token = await server.logIn(`third-${name}`)
    // Codes: failed, verified, refused, unsent by its limits, and one that a change takes.
    const code = await sendTo(server, token, first)
    const entered = (verificationCode: string) =>
      server.call('POST', paths.verify, { token, body: { contact: first, verificationCode } })
    assert.equal((await entered(otherThan(code))).status, 400)
    assert.equal((await entered(code)).status, 200)
    const verificationCode = await sendTo(server, token, second)
    const changed = await server.call('PUT', paths.contact, {
      token,
      body: { contact: second, verificationCode },
    })
    assert.equal(changed.status, 200, changed.text)
    await until(async () =>
      (await server.inbox(first)).some(({ template }) => template === 'contact-changed'),
    )
    await server.call('POST', '/v1/usg/dcs/member/contact/undo', { body: { contact: first } })
    const again = await server.logIn(`third-${name}`)
    await sendTo(server, again, second)
    // The app's own calls: about the member by its id, and about the address under a word of the app's.
    for (const subject of [id, `word-of-${name}`]) {
      const key = { 'Idempotency-Key': `key-${subject}` }
      const started = await api.start(second, { subject, metadata: { note: `note-${name}` } }, key)
      assert.equal(started.status, 201, started.text)
      assert.equal((await api.check(started.json.id, otherThan(await server.codeFor(second)))).status, 200)
    }
    assert.equal((await api.start(second)).status, 201)
    return {
      account,
      id,
      texts: [
        ...[first.slice(1), second.slice(1)],
        ...[email, `mail-of-${name}`, account, `third-${name}`, `word-of-${name}`, `note-${name}`],
        ...Object.values(body).filter((text) => /name|English|Signed|Title|About/i.test(text)),
        // In the limits of its address in the tenant, of the address as an app's subject, and of its password.
        `demo:${digestOf(`tel:${second}`)}`,
        nameOf({ app: server.app.id, subject: `tel:${second}` }),
        hash('sha256', account, 'base64url').slice(0, 20),
      ],
    }
  }

  function byPassword(account: string, password: string) {
    const basic = Buffer.from(`${account}:${password}`).toString('base64')
    const headers = { Authorization: `Basic ${basic}` }
    return server.call('POST', paths.accountLogin, { headers, body: { account, clientType: 72 } })
  }
})
