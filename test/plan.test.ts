/** The messages of a start over HTTP: by one channel after the other until the code is used, in the operator's words. */

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Api, apiWith, told } from './api.ts'
import { newNumber, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

let server: Server
let api: Api
before(async () => {
  const dataFolder = temporaryFolder()
  const folder = join(dataFolder, 'templates')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'code-order.en-US.sms.txt'),
    '{{ code }} confirms your order at {{ values.shop }}.',
  )
  server = await startServer({
    dataFolder,
    env: {
      COUNTERSIGN_TEMPLATES_FOLDER: folder,
      COUNTERSIGN_POLICY_PLAN: 'sms/0s,voice/40s',
      COUNTERSIGN_POLICY_LOCALE: 'en-US',
    },
  })
  api = await apiWith(server)
})
after(() => server[Symbol.asyncDispose]())

const inbox = (to: string) => server.inbox(to)

test('the next step of a plan comes at its time with the same code, and at once if it is asked for', async () => {
  const [timed, asked] = [newNumber(), newNumber()]
  const plan = (after_s: number) => ({
    plan: [
      { channel: 'sms', after_s: 0 },
      { channel: 'voice', after_s, unless: 'used' },
    ],
    code: { life_s: 120 },
  })
  const first = await api.start(timed, plan(2))
  assert.equal(told(first), '201', first.text)
  const second = await api.start(asked, plan(60))
  await until(async () => (await inbox(asked)).length === 1)
  await until(async () => {
    const next = await api.post(`/verifications/${second.json.id}/send`, { next: true })
    return next.status === 202
  })
  for (const to of [timed, asked]) {
    await until(async () => (await inbox(to)).length === 2)
    const messages = await inbox(to)
    assert.deepEqual(messages.map(({ channel }) => channel).toSorted(), ['sms', 'voice'])
    assert.equal(new Set(messages.map(({ code }) => code)).size, 1)
  }
})

test('a start that names no plan and no language has those of the settings', async () => {
  const to = newNumber()
  const answer = await api.start(to)
  assert.equal(told(answer), '201', answer.text)
  assert.equal(answer.json.locale, 'en-US')
  await until(async () => {
    const next = await api.post(`/verifications/${answer.json.id}/send`, { next: true })
    return next.status === 202
  })
  await until(async () => (await inbox(to)).some(({ channel }) => channel === 'voice'))
  const start = await api.start(newNumber(), { channel: 'sms' })
  const next = await api.post(`/verifications/${start.json.id}/send`, { next: true })
  assert.notEqual(next.status, 202, 'a channel of its own is no plan')
})

test('a start has the text of the template that it or its purpose names, with its values', async () => {
  const values = { shop: 'Apples & {{ code }}' }
  for (const named of [{ template: 'order' }, { purpose: 'order' }]) {
    const to = newNumber()
    const answer = await api.start(to, { locale: 'en', values, ...named })
    assert.equal(told(answer), '201', answer.text)
    const code = await server.codeFor(to)
    const [message] = await inbox(to)
    assert.equal(message!.text, `${code} confirms your order at Apples & {{ code }}.`)
  }
  const dry = await api.start(newNumber(), { locale: 'en', values, template: 'order', dry_run: true })
  assert.match(dry.text, /confirms your order at Apples/)
})

test('a template or a value that there is not is refused with its place and what there is', async () => {
  for (const dry_run of [false, true]) {
    const faults: unknown[] = []
    for (const wish of [
      { template: 'ordr' },
      { template: 'order', values: { shp: 'x' } },
      { template: 'order' },
    ]) {
      const { json } = await api.start(newNumber(), { ...wish, dry_run })
      faults.push((json.errors as { pointer: string; detail: string }[])?.map((one) => Object.values(one)))
    }
    assert.deepEqual(faults, [
      [['/template', 'range', 'is no template; there are code, order.']],
      [['/values/shp', 'range', 'is no value of order; it has shop.']],
      [['/values/shop', 'range', 'must be given for the template order.']],
    ])
  }
  const session = await api.post('/sessions', { return_url: 'http://localhost/', template: 'order' })
  assert.equal(told(session), '400 invalid-request', session.text)
  const many = Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`v${i}`, 'x']))
  for (const values of [many, { shop: 'x'.repeat(65) }, { shop: 'a\nb' }])
    assert.match(told(await api.start(newNumber(), { template: 'order', values })), /^4\d\d /)
})

test('a page whose template was taken away since it was made says so, and does not fail', async () => {
  const wishes = { return_url: 'http://127.0.0.1:9/done', template: 'order', values: { shop: 'S' } }
  const { url } = (await api.post('/sessions', wishes)).json as { url: string }
  const { dataFolder } = server
  await server.stop()
  server = await startServer({ dataFolder })
  const started = await server.call('POST', `/v1/public/sessions/${url.split('/').at(-1)}/start`, {
    body: { to: newNumber() },
  })
  assert.deepEqual([told(started), started.json.state], ['409 state-conflict', 'outdated'])
})
