import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ByAdministrator } from './administration.ts'
import { addMember } from './manage-members.ts'
import type { Services } from './services.ts'

test('A-12: of many members added at once with passwords few are hashed, and the others are refused at once', async () => {
  const services = {
    clock: { now: () => 0 },
    ring: { newest: { id: 'k', auditSecret: () => 's' } },
    lease: { owner: 'o', ms: 1 },
    handOver() {},
    store: { directory: { addMember: async () => ({ kind: 'added', entries: [] }) } },
  } as unknown as Services
  const by = {
    session: { member: { id: 'm' }, tenant: { id: 't' }, app: { id: 'a' } },
    requestId: 'r',
  } as ByAdministrator
  const none = { phone: null, phoneCountry: null, email: null }
  const profile = { name: 'n', englishName: '', signature: '', title: '', description: '' }
  const add = (password: string | undefined) =>
    addMember(services, by, { account: 'ann', profile, password, isTold: false, ...none })
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => add('Abcd-1234')))
  const busy = outcomes.filter(({ kind }) => kind === 'busy').length
  assert.ok(busy >= 23 && busy < 40, `${busy} were refused`)
  assert.equal((await add(undefined)).kind, 'done')
})
