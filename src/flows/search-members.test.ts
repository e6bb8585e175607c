import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type MemberQuery, memberQueryDefaults } from '../store/member-search.ts'
import { searchMembers } from './search-members.ts'
import type { Services } from './services.ts'

test('A-12: of a flood of searches two run at once, and whoever asks once is served among the first', async () => {
  const ended: string[] = []
  const waiting: (() => void)[] = []
  let [running, most] = [0, 0]
  const directory = {
    async searchMembers({ searchKey }: MemberQuery) {
      most = Math.max(most, ++running)
      await new Promise<void>((resolve) => waiting.push(resolve))
      running--
      ended.push(searchKey)
      return { offset: 0, count: 0, members: [] }
    },
  }
  const services = { store: { directory } } as unknown as Services
  const search = (id: string) =>
    searchMembers(services, { tenant: { id: 't' }, member: { id } } as never, {
      ...memberQueryDefaults,
      searchKey: id,
    })
  const flood = Array.from({ length: 100 }, () => search('greedy'))
  const patient = search('patient')
  let isOver = false
  const all = Promise.all([patient, ...flood]).finally(() => {
    isOver = true
  })
  while (!isOver) {
    waiting.shift()?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const [first, ...others] = await all
  assert.ok(first)
  assert.ok(ended.indexOf('patient') < 4, ended.slice(0, 6).join())
  assert.equal(most, 2)
  assert.ok(others.filter((one) => one === undefined).length >= 30, 'those beyond the queue are refused')
})
