/** Apps over the wire: by the default administrator alone, and what their stopping, resetting and deleting ends. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { appAnswerFields } from '../src/http/huawei/corp-app-answer-fields.ts'
import { engine } from './engine.ts'
import { holds } from './held-fields.ts'
import { type Answer, appLogin, bin, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

const app = '/v2/usg/acs/corp/app'
type Made = { readonly id: string; readonly key: string }

let server: Server
let folder: string
let admin: string
before(async () => {
  folder = temporaryFolder()
  const config = join(folder, 'settings.yaml')
  writeFileSync(config, 'policy: { keyOverlap: 1m }\n')
  server = await startServer({
    args: ['--config', config, ...(engine === 'sqlite' ? [] : ['--workers', '2'])],
  })
  admin = await tokenOf(server.app)
})
after(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const answered = new Set<string>()

/** Calls, and holds the answer to the table of fields. */
async function call(method: string, path: string, asked: Parameters<Server['call']>[2]): Promise<Answer> {
  const answer = await server.call(method, path, asked)
  if (answer.status !== 200) return answer
  const name = `${method} ${path.replace(/[0-9a-f]{32}/, '{app_id}').replace(/\?.*/, '')}`
  holds(answer.json, appAnswerFields[name as keyof typeof appAnswerFields], name)
  answered.add(name)
  return answer
}

const logIn = ({ id, key }: Made, userId?: string) =>
  server.call('POST', paths.appLogin, appLogin({ id, key }, userId === undefined ? {} : { userId }))
async function tokenOf(of: Made, userId?: string): Promise<string> {
  const answer = await logIn(of, userId)
  assert.equal(answer.status, 200, answer.text)
  return answer.json.accessToken as string
}
async function make(name: string, token = admin): Promise<Made> {
  const made = await call('POST', app, { token, body: { app_name: name, description: 'd' } })
  assert.equal(made.status, 200, made.text)
  return { id: made.json.app_id as string, key: made.json.app_key as string }
}
const command = (...args: string[]) =>
  execFileSync(process.execPath, [bin, ...args, '--data', server.dataFolder, '--json'], {
    env: { ...process.env, ...server.env },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  })
/** Asked on new connections, so that each process of the server answers some. */
async function answersOf(token: string): Promise<string> {
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      server.call('GET', paths.member, { token, headers: { Connection: 'close' } }),
    ),
  )
  return [...new Set(answers.map(({ status }) => status))].join()
}
async function endsWithinASecond(token: string, status: number): Promise<void> {
  const since = performance.now()
  await until(async () => (await answersOf(token)) === String(status), 3_000)
  // The second is the promise; the rest is for a busy machine.
  assert.ok(performance.now() - since < 2_500)
}

test('an app is made with a key that logs in, listed without it, changed, and deleted', async () => {
  const made = await call('POST', app, { token: admin, body: { app_name: 'shop', description: 'x' } })
  assert.match(made.json.app_id as string, /^[0-9a-f]{32}$/)
  assert.match(made.json.app_key as string, /^[0-9a-f]{64}$/)
  assert.match(made.json.create_time as string, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/)
  assert.deepEqual([made.json.app_name, made.json.description, made.json.status], ['shop', 'x', 0])
  const of = { id: made.json.app_id as string, key: made.json.app_key as string }
  const token = await tokenOf(of, 'shopper')
  const list = await call('GET', `${app}s?limit=500`, { token: admin })
  const listed = (list.json.data as Record<string, unknown>[]).find(({ app_id }) => app_id === of.id)!
  assert.equal(listed.app_name, 'shop')
  assert.ok(!list.text.includes(of.key) && !('app_key' in listed))
  const past = await call('GET', `${app}s?offset=1000&limit=1`, { token: admin })
  assert.equal(past.json.offset, (past.json.count as number) - 1, 'past the end is the last page')
  for (const query of ['limit=501', 'limit=0', 'offset=-1', 'offset=x'])
    assert.equal((await call('GET', `${app}s?${query}`, { token: admin })).status, 400, query)
  const changed = await call('PUT', `${app}/${of.id}`, { token: admin, body: { app_name: 'store' } })
  assert.deepEqual(
    [changed.json.app_name, changed.json.description, changed.json.app_key],
    ['store', 'x', null],
  )
  assert.equal((await server.call('GET', paths.member, { token })).status, 200)
  const gone = await call('DELETE', `${app}/${of.id}`, { token: admin })
  assert.deepEqual([gone.status, gone.text], [200, '{}'])
  assert.equal((await logIn(of, 'shopper')).status, 401)
  await endsWithinASecond(token, 401)
  assert.equal((await call('DELETE', `${app}/${of.id}`, { token: admin })).status, 400)
})

test('a deleted app takes its API keys along', async () => {
  const of = await make('keyed')
  const { key } = JSON.parse(command('key', 'create', '--app', of.id, '--name', 'k')) as { key: string }
  const limits = async () =>
    (
      await server.call('GET', '/v1/limits?to=%2B8613800138000', {
        headers: { Authorization: `Bearer ${key}` },
      })
    ).status
  assert.notEqual(await limits(), 401)
  await call('DELETE', `${app}/${of.id}`, { token: admin })
  await until(async () => (await limits()) === 401, 3_000)
})

test('a stopped app’s tokens are dead within a second on every process, and live again when it is started', async () => {
  const of = await make('stopped')
  const token = await tokenOf(of, 'worker')
  assert.equal(await answersOf(token), '200')
  const stopped = await call('PUT', `${app}/${of.id}`, { token: admin, body: { status: 1 } })
  assert.equal(stopped.json.status, 1)
  await endsWithinASecond(token, 403)
  assert.equal((await logIn(of, 'worker')).status, 403)
  await call('PUT', `${app}/${of.id}`, { token: admin, body: { status: 0 } })
  await endsWithinASecond(token, 200)
})

test('after a reset the new key logs in, the old one for the overlap, and the one before that never', async () => {
  const of = await make('reset')
  const reset = async () =>
    (await call('PUT', `${app}/${of.id}/reset`, { token: admin })).json.app_key as string
  const second = await reset()
  assert.equal((await logIn({ id: of.id, key: second })).status, 200)
  assert.equal((await logIn(of)).status, 200, 'within the overlap')
  const third = await reset()
  assert.equal((await logIn({ id: of.id, key: third })).status, 200)
  assert.equal((await logIn({ id: of.id, key: second })).status, 200)
  assert.equal((await logIn(of)).status, 401)
  command('app', 'rotate-key', of.id)
  assert.equal((await logIn({ id: of.id, key: second })).status, 401)
  assert.equal((await logIn({ id: of.id, key: third })).status, 401, 'the command has no overlap')
})

test('apps are for the default administrator alone, and those of another tenant do not exist', async () => {
  const of = await make('rights')
  const other = JSON.parse(command('app', 'create', '--name', 'o', '--tenant', 'other')) as Made
  command('member', 'add', '--tenant', 'other', '--account', 'boss', '--role', 'default')
  command('member', 'add', '--tenant', 'demo', '--account', 'helper', '--role', 'admin')
  const stranger = await tokenOf(other)
  const calls = (id: string): [string, string, object?][] => [
    ['POST', app, { app_name: 'n' }],
    ['GET', `${app}s`],
    ['PUT', `${app}/${id}`, { status: 1 }],
    ['PUT', `${app}/${id}/reset`],
    ['DELETE', `${app}/${id}`],
  ]
  for (const account of ['plain', 'helper']) {
    const token = await tokenOf(server.app, account)
    for (const [method, path, body] of calls(of.id)) {
      const { status, json } = await call(method, path, { token, body })
      assert.deepEqual([status, json.error_code], [403, 'USG.000000008'], `${account}: ${method} ${path}`)
    }
  }
  for (const [method, path, body] of calls(of.id).slice(2)) {
    const { status, json } = await call(method, path, { token: stranger, body })
    assert.deepEqual([status, json.error_code], [400, 'USG.000000003'], `${method} ${path}`)
  }
  const theirs = await call('GET', `${app}s`, { token: stranger })
  assert.deepEqual(
    (theirs.json.data as { app_id: string }[]).map(({ app_id }) => app_id),
    [other.id],
  )
  assert.equal((await logIn(of, 'plain')).status, 200, 'nothing of it was done')
})

test('the app of account logins can be neither stopped nor deleted', async () => {
  for (const [method, body] of [['PUT', { status: 1 }], ['DELETE']] as const)
    assert.equal((await call(method, `${app}/${server.app.id}`, { token: admin, body })).status, 400)
  assert.equal((await server.call('GET', paths.member, { token: admin })).status, 200)
})

test('each act on an app is in the audit', () => {
  const acts = command('audit', 'export')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { act?: string; actor?: { kind: string } })
    .filter(({ actor }) => actor?.kind === 'member')
    .map(({ act }) => act)
  for (const act of ['app.add', 'app.update', 'app.disable', 'app.enable', 'app.rotate-key', 'app.delete'])
    assert.ok(acts.includes(act), act)
})

test('every answer of every call was seen with its documented fields', () => {
  assert.deepEqual([...answered].sort(), Object.keys(appAnswerFields).sort())
})
