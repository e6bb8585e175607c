import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerBy, dueBy } from '../deadline.ts'
import type { ByAdministrator } from './administration.ts'
import { addMember } from './manage-members.ts'
import type { Services } from './services.ts'

const none = { phone: null, phoneCountry: null, email: null }
const profile = { name: 'n', englishName: '', signature: '', title: '', description: '' }
const by = {
  session: { member: { id: 'm' }, tenant: { id: 't' }, app: { id: 'a' } },
  requestId: 'r',
} as ByAdministrator

/** @param added  Called when the store is asked to add. */
function servicesWith(added: () => void): Services {
  return {
    clock: { now: () => 0 },
    ring: { newest: { id: 'k', auditSecret: () => 's' } },
    lease: { owner: 'o', ms: 1 },
    handOver() {},
    store: {
      directory: {
        async addMember() {
          added()
          return { kind: 'added', entries: [] }
        },
      },
    },
  } as unknown as Services
}

test('ten members added at once all have the whole time for the store after their hashes', async () => {
  const left: number[] = []
  const at: number[] = []
  const services = servicesWith(() => {
    at.push(performance.now())
    left.push(dueBy(Number.POSITIVE_INFINITY) - performance.now())
  })
  const add = () =>
    new Promise((resolve) =>
      answerBy(performance.now() + 850, () =>
        resolve(
          addMember(services, by, { account: 'ann', profile, password: 'Abcd-1234', isTold: false, ...none }),
        ),
      ),
    )
  const outcomes = (await Promise.all(Array.from({ length: 10 }, add))) as { kind: string }[]
  assert.ok(
    outcomes.every(({ kind }) => kind === 'done'),
    JSON.stringify(outcomes),
  )
  assert.equal(left.length, 10)
  const spread = (of: number[]) => Math.max(...of) - Math.min(...of)
  assert.ok(spread(left) < spread(at) / 2, `${spread(left)} of ${spread(at)} ms were taken away by the wait`)
})

test('A-12: of many members added at once with passwords few are hashed, and the others are refused at once', async () => {
  const services = servicesWith(() => {})
  const add = (password: string | undefined) =>
    addMember(services, by, { account: 'ann', profile, password, isTold: false, ...none })
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => add('Abcd-1234')))
  const busy = outcomes.filter(({ kind }) => kind === 'busy').length
  assert.ok(busy >= 23 && busy < 40, `${busy} were refused`)
  assert.equal((await add(undefined)).kind, 'done')
})
