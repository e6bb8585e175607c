/** Plans over HTTP: a code goes by one channel after the other until it is used. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Api, apiWith, told } from './api.ts'
import { newNumber, type Server, startServer } from './server.ts'
import { until } from './until.ts'

let server: Server
let api: Api
before(async () => {
  server = await startServer()
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
