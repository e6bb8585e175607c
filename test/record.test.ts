/** The record of a verification as an operator reads it: over HTTP with the administrator token, and by command. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { bin, newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

const run = promisify(execFile)

type Timeline = {
  state: string
  address: string
  usedAt: number
  steps: { event: string; provider?: string; outcome?: string; at: number }[]
  dispatches: { provider: string; receipt: { state: string } | null }[]
}

const tokenOf = (server: Server) => readFileSync(join(server.dataFolder, 'admin.token'), 'utf8').trim()

async function admin(server: Server, path: string, body?: unknown, token = tokenOf(server)) {
  return server.call(body === undefined ? 'GET' : 'POST', `/admin/v1/verifications${path}`, {
    headers: { Authorization: `Bearer ${token}` },
    ...(body !== undefined && { body }),
  })
}

/** A development server whose carrier gives receipts, and one that is always away before it. */
async function withReceipts(): Promise<Server> {
  const folder = temporaryFolder()
  const config = join(folder, 'settings.yaml')
  writeFileSync(
    config,
    `providers:
  away: { type: sandbox, unavailableRate: 1 }
  good: { type: sandbox, receipts: 100ms }
`,
  )
  return startServer({ args: ['--config', config] })
}

test('a verification’s record tells each step with its provider’s words, from issue to use', async () => {
  await using server = await withReceipts()
  const contact = newNumber()
  const token = await server.logIn('asker')
  await server.call('POST', paths.send, { token, body: { contact } })
  const verificationCode = await server.codeFor(contact)
  const search = await admin(server, '/search', { address: contact })
  const [{ id }] = search.json.found as [{ id: string }]
  // A use counts for a dispatch that is recorded as accepted, which comes a moment after the message.
  await until(async () =>
    ((await admin(server, `/${id}`)).json as unknown as Timeline).steps.some(
      ({ provider, outcome }) => provider === 'good' && outcome === 'accepted',
    ),
  )
  const update = await server.call('PUT', paths.contact, { token, body: { contact, verificationCode } })
  assert.equal(update.status, 200, update.text)

  const timeline = await until(async () => {
    const { json } = await admin(server, `/${id}`)
    const told = json as unknown as Timeline
    return told.dispatches.some((one) => one.receipt !== null) && told
  })
  assert.equal(timeline.state, 'used')
  assert.equal(timeline.address, `${contact.slice(0, 6)}****${contact.slice(-4)}`)
  const steps = timeline.steps.map(({ event, provider, outcome }) =>
    [event, provider, outcome].filter(Boolean).join(' '),
  )
  for (const step of [
    'issued',
    'queued',
    'handed-over away',
    'answered away unavailable',
    'handed-over good',
    'answered good accepted',
    'used',
    'receipt good delivered',
  ])
    assert.ok(steps.includes(step), `${step} is missing: ${steps.join(', ')}`)
  assert.deepEqual(
    timeline.steps.map(({ at }) => at),
    timeline.steps.map(({ at }) => at).toSorted((a, b) => a - b),
  )

  const metrics = (await server.call('GET', '/metrics')).text
  assert.match(metrics, /^countersign_used_total\{provider="good",channel="sms",country="CN"\} 1$/m)
  assert.match(metrics, /^countersign_receipts_total\{provider="good",country="CN",state="delivered"\} 1$/m)
  assert.match(metrics, /^countersign_receipt_seconds_count\{provider="good"\} 1$/m)
  assert.match(metrics, /^countersign_use_seconds_count\{provider="good"\} 1$/m)

  const command = async (...args: string[]) =>
    (
      await run(process.execPath, [bin, 'verification', ...args, '--data', server.dataFolder], {
        env: { ...process.env, ...server.env },
      })
    ).stdout
  assert.ok((await command('find', contact)).startsWith(id))
  const shown = await command('show', id)
  assert.match(shown, /answered {5}good accepted/)
  assert.match(shown, /receipt {6}good delivered \(DELIVRD\)/)
  for (const text of [shown, JSON.stringify(timeline)]) {
    assert.ok(!text.includes(contact.slice(1)), 'no whole address')
    assert.ok(!text.includes(verificationCode), 'no code')
  }
})

test('without the administrator token nothing is told, and the token is for its owner alone', async () => {
  await using server = await withReceipts()
  for (const token of ['', 'wrong', `${tokenOf(server)}x`]) {
    const answer = await admin(server, '/search', { address: newNumber() }, token)
    assert.equal(answer.status, 401)
    assert.equal(answer.json.found, undefined)
  }
  assert.equal(statSync(join(server.dataFolder, 'admin.token')).mode & 0o077, 0)
  const proxied = await server.call('GET', `/admin/v1/verifications/${'0'.repeat(44)}`, {
    headers: { Authorization: `Bearer ${tokenOf(server)}`, 'X-Forwarded-For': '203.0.113.7' },
  })
  assert.equal(proxied.status, 403, 'a proxy passes it on from elsewhere')
})

test('what is asked wrongly is told how to ask', async () => {
  await using server = await withReceipts()
  assert.equal((await admin(server, '/unknown')).status, 404)
  assert.equal((await admin(server, `/${'0'.repeat(44)}`)).status, 404)
  for (const body of [{}, { address: 7 }, { address: '138' }, { address: newNumber(), sinceMs: -1 }, '{"a'])
    assert.equal((await admin(server, '/search', body)).status, 400, JSON.stringify(body))
})

test('a listener of its own answers operators, and the public one does not', async () => {
  await using server = await startServer({ env: { COUNTERSIGN_ADMIN_LISTEN: '127.0.0.1:0' } })
  assert.equal((await admin(server, '/search', { address: newNumber() })).status, 404)
})

test('a call for a carrier that takes no receipts is told so', async () => {
  await using server = await startServer()
  assert.equal((await server.call('POST', '/receipts/sandbox', { body: {} })).status, 404)
})
