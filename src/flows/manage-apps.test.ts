import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import { open } from '../code/seal.ts'
import type { App } from '../directory/directory.ts'
import type { ByAdministrator } from './administration.ts'
import { changeApp, createApp, deleteApp, resetAppKey } from './manage-apps.ts'
import type { Services } from './services.ts'

const by = {
  session: { member: { id: 'm' }, tenant: { id: 't', accountApp: 'first' }, app: { id: 'own' } },
  requestId: 'r',
} as ByAdministrator

test('an enterprise has at most 1000 apps, and the key of a new one opens by its own id alone', async () => {
  const ring = parseKeyRing(newKeyLine(new Date(0)))
  const apps: App[] = []
  const directory = {
    apps: async () => apps,
    addApp: async (app: App) => apps.push(app) > 0,
  }
  const services = { ring, clock: { now: () => 5 }, store: { directory } } as unknown as Services
  const create = () => createApp(services, by, { name: 'n', description: '' })
  const made = await create()
  assert.ok(made.kind === 'done')
  assert.equal(open(ring, made.app.sealedKey, `app:${made.app.id}`), made.key)
  assert.equal(open(ring, made.app.sealedKey, 'app:other'), undefined)
  apps.push(...Array.from({ length: 998 }, () => made.app))
  assert.equal((await create()).kind, 'done')
  assert.deepEqual(await create(), { kind: 'full' })
  assert.equal(apps.length, 1000)
})

test('an app that another deletes in the meantime is as unknown as one that never was', async () => {
  const app = { id: 'a', tenant: 't', isServiceProvider: false, isDisabled: false }
  const directory = {
    app: async () => app,
    updateApp: async () => undefined,
    deleteApp: async () => false,
  }
  const services = {
    ring: parseKeyRing(newKeyLine(new Date(0))),
    policyOf: () => ({ keyOverlapMs: 0 }),
    store: { directory },
  } as unknown as Services
  for (const act of [
    () => changeApp(services, by, 'a', { name: 'x' }),
    () => resetAppKey(services, by, 'a'),
    () => deleteApp(services, by, 'a'),
  ])
    assert.deepEqual(await act(), { kind: 'unknown' })
})
