/** Commands about keys of the native API, beside a running server. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { besideServer } from './cli-run.ts'

const on = besideServer()
const { beside } = on
const create = (...more: string[]) =>
  beside('key', 'create', '--app', on.server.app.id, '--name', 'shop', ...more)
const made = async (...more: string[]) => {
  const { code, out, err } = await create(...more, '--json')
  assert.equal(code, 0, err)
  return JSON.parse(out)
}
type Listed = { id: string; hint: string; revokedAt: string | null }
const listed = async (...more: string[]): Promise<Listed[]> =>
  JSON.parse((await beside('key', 'list', '--app', on.server.app.id, ...more, '--json')).out)

test('a key is shown once: the list has its hint, and neither secret nor hash', async () => {
  const key = await made()
  assert.match(key.key, /^ck_live_[A-Za-z0-9_-]{43}$/)
  assert.match(key.id, /^key_[0-9a-f]{32}$/)
  const [one] = (await listed()).filter(({ id }) => id === key.id)
  assert.equal(one?.hint, `ck_live_…${key.key.slice(-4)}`)
  assert.doesNotMatch(JSON.stringify(await listed()), /"hash"|[A-Za-z0-9_-]{43}/)
  assert.match((await beside('key', 'list')).out, /ck_live_….*shop.*verifications:write/)
})

test('a key may be narrowed to tests, scopes, networks and a time; a page’s key is bound to origins', async () => {
  const narrow = await made(
    '--test',
    '--scope',
    'verifications:read',
    '--network',
    '10.0.0.0/8',
    '--expires',
    '90d',
  )
  assert.match(narrow.key, /^ck_test_/)
  assert.deepEqual([narrow.scopes, narrow.networks], [['verifications:read'], ['10.0.0.0/8']])
  assert.equal(Date.parse(narrow.expiresAt) - Date.parse(narrow.createdAt), 90 * 86_400_000)
  const page = await made('--publishable', '--origin', 'https://shop.example')
  assert.match(page.key, /^pk_live_/)
  assert.deepEqual([page.kind, page.scopes, page.origins], ['publishable', [], ['https://shop.example']])
})

test('two keys overlap until the older one ends, then the list has one of them', async () => {
  const older = await made()
  const later = await beside('key', 'revoke', older.id, '--in', '48h', '--json')
  assert.ok(Date.parse(JSON.parse(later.out).revokedAt) > Date.now() + 47 * 3_600_000)
  const has = async (...more: string[]) => (await listed(...more)).some(({ id }) => id === older.id)
  assert.equal(await has(), true)
  assert.equal((await beside('key', 'revoke', older.id)).code, 0)
  assert.equal(await has(), false)
  assert.equal(await has('--all'), true)
})

test('what cannot work is refused by name, and nothing is made', async () => {
  const before = await listed('--all')
  for (const [args, words] of [
    [['--publishable'], /--origin/],
    [['--publishable', '--origin', 'https://shop.example', '--scope', 'admin'], /--scope/],
    [['--origin', 'https://shop.example'], /--origin/],
    [['--publishable', '--origin', 'https://shop.example/path'], /--origin/],
    [['--network', '10.0.0.0/33'], /--network/],
    [['--expires', 'soon'], /--expires/],
    [['--scope', 'everything'], /scope/],
    [['--test', '--scope', 'events:read'], /--scope.*live keys/],
    [['--test', '--scope', 'verifications:read', 'admin'], /--scope.*live keys/],
  ] as const) {
    const { code, err } = await create(...args)
    assert.equal(code, 2)
    assert.match(err, words)
  }
  const { code } = await beside('key', 'create', '--app', 'none', '--name', 'x')
  assert.equal(code, 2)
  assert.equal((await beside('key', 'revoke', 'key_none')).code, 2)
  assert.deepEqual(await listed('--all'), before)
})
