/** Commands about apps and their tokens, beside a running server. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { besideServer } from './cli-run.ts'
import { type Answer, appLogin, paths } from './server.ts'
import { until } from './until.ts'

const on = besideServer()
const { beside } = on

test('an app made beside a running server may log in at once, and not once it is disabled', async () => {
  const made = await beside(
    'app',
    'create',
    '--tenant',
    'acme',
    '--tenant-name',
    'Acme',
    '--name',
    'web',
    '--sms-life',
    '2m',
    '--long-signatures',
    '--json',
  )
  assert.equal(made.code, 0, made.err)
  const app = JSON.parse(made.out)
  assert.match(app.key, /^[0-9a-f]{64}$/)
  const member = await beside(
    'member',
    'add',
    '--tenant',
    'acme',
    '--account',
    'root@acme',
    '--role',
    'default',
    '--json',
  )
  const { password } = JSON.parse(member.out)
  const logIn = () =>
    on.server.call('POST', '/v1/usg/acs/auth/account', {
      headers: { Authorization: `Basic ${Buffer.from(`root@acme:${password}`).toString('base64')}` },
      body: { account: 'root@acme', clientType: 72, createTokenType: 0 },
    })
  const { accessToken, refreshToken } = (await logIn()).json
  const validate = (token: unknown) => on.server.call('POST', paths.validate, { body: { token } })
  const show = (token: unknown) => on.server.call('GET', paths.member, { token: String(token) })
  const refresh = (token: unknown) => on.server.call('PUT', paths.token, { token: String(token) })
  const told = ({ status, json }: Answer) => `${status} ${json.error_code}`
  assert.equal((await validate(accessToken)).status, 200)

  const listed = JSON.parse((await beside('app', 'list', '--tenant', 'acme', '--json')).out)
  assert.deepEqual(
    listed.map(({ id, policy }: { id: string; policy: object }) => [id, policy]),
    [[app.id, { lifetime: { sms: '2m' }, allowsLongSignatures: true }]],
  )
  assert.doesNotMatch(JSON.stringify(listed), /sealed|previousKey|[0-9a-f]{64}/)

  assert.equal((await beside('app', 'disable', app.id)).code, 0)
  assert.equal(told(await logIn()), '403 USG.000000005')
  assert.equal(told(await validate(accessToken)), '403 USG.000000005')
  assert.equal(told(await refresh(refreshToken)), '403 USG.000000005')
  assert.equal((await beside('app', 'disable', app.id, '--undo')).code, 0)
  assert.equal((await logIn()).status, 200)
  assert.equal((await validate(accessToken)).status, 200)

  const disable = (...more: string[]) => beside('member', 'disable', 'root@acme', '--tenant', 'acme', ...more)
  assert.equal((await disable()).code, 0)
  assert.equal(told(await logIn()), '412 USG.206010007')
  await until(async () => told(await show(accessToken)) === '403 USG.206010007')
  assert.equal(told(await validate(accessToken)), '403 USG.206010007')
  assert.equal(told(await refresh(refreshToken)), '403 USG.206010007')
  assert.equal((await disable('--undo')).code, 0)
  assert.equal(told(await validate(accessToken)), '401 USG.000000004', 'allowed again, it logs in again')
  assert.equal(told(await refresh(refreshToken)), '401 USG.206020000')
  await until(async () => told(await show(accessToken)) === '401 USG.206020000')
  assert.equal((await logIn()).status, 200)
  assert.equal((await beside('app', 'disable', 'none')).code, 2)
})

test('a rotated app key replaces the old one', async () => {
  const app = JSON.parse((await beside('app', 'create', '--tenant', 'rotating', '--name', 'x', '--json')).out)
  await beside(
    'member',
    'add',
    '--tenant',
    'rotating',
    '--account',
    'root@rotating',
    '--role',
    'default',
    '--no-password',
  )
  const { key } = JSON.parse((await beside('app', 'rotate-key', app.id, '--json')).out)
  assert.notEqual(key, app.key)
  const token = await beside('token', '--app', app.id, '--json')
  assert.equal(JSON.parse(token.out).account, 'root@rotating')
  const other = await on.server.logIn('of-another-app')
  const show = async (one: string) => (await on.server.call('GET', paths.member, { token: one })).status
  const { accessToken } = JSON.parse(token.out)
  await beside('app', 'rotate-key', app.id)
  assert.equal(await show(accessToken), 200, 'without the flag its logins live on')
  const ended = await beside('app', 'rotate-key', app.id, '--end-logins', '--json')
  assert.equal(ended.code, 0, ended.err)
  assert.match(JSON.parse(ended.out).key, /^[0-9a-f]{64}$/)
  await until(async () => (await show(accessToken)) === 401)
  assert.equal(await show(other), 200)
})

test('app overrides past the ceilings are refused, and no app is made', async () => {
  for (const [flag, value, reason] of [
    ['--sms-life', '11m', /at most 10m/],
    ['--per-second', 'many', /perSecond: must be of type number/],
    ['--policy', '{"digits":5}', /digits: must be at least 6/],
    ['--policy', '[1]', /must be an object/],
    ['--policy', '{', /not valid JSON/],
    ['--profile', 'lax', /profile: must be one of/],
  ] as const) {
    const { code, err } = await beside('app', 'create', '--tenant', 'nobody', '--name', 'x', flag, value)
    assert.equal(code, 2, flag)
    assert.match(err, reason)
  }
  assert.equal((await beside('app', 'list', '--tenant', 'nobody', '--json')).out, '[]')
})

test('token prints a token that the server takes', async () => {
  const { code, out } = await beside('token', '--app', on.server.app.id, '--user', on.server.member.account)
  assert.equal(code, 0)
  assert.equal((await on.server.call('GET', '/v1/usg/dcs/member', { token: out })).status, 200)
  assert.equal((await beside('token', '--app', 'none')).code, 2)
})

test('a deleted app is gone with its logins; one that account logins count as stays', async () => {
  const made = async (name: string) =>
    JSON.parse((await beside('app', 'create', '--tenant', 'deleting', '--name', name, '--json')).out)
  const [first, second] = [await made('first'), await made('second')]
  const token = (await on.server.call('POST', paths.appLogin, appLogin(second, { userId: 'somebody' }))).json
    .accessToken
  const show = async () => (await on.server.call('GET', paths.member, { token: String(token) })).status
  assert.equal(await show(), 200)
  assert.equal((await beside('app', 'rotate-key', second.id)).code, 0)
  const refused = await beside('app', 'delete', first.id)
  assert.equal(refused.code, 2)
  assert.match(refused.err, /account logins of the tenant deleting count as the app/)
  assert.equal((await beside('app', 'delete', second.id)).code, 0)
  await until(async () => (await show()) === 401)
  const listed = (await beside('app', 'list', '--tenant', 'deleting', '--json')).out
  assert.deepEqual(
    JSON.parse(listed).map(({ id }: { id: string }) => id),
    [first.id],
  )
  assert.equal((await beside('app', 'delete', second.id)).code, 2)
  assert.equal((await beside('app', 'rotate-key', second.id)).code, 2)
  assert.equal((await beside('key', 'create', '--app', second.id, '--name', 'k')).code, 2)
})
