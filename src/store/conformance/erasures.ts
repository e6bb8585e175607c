/** Every engine's duties with the erasure of deleted members. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import type { ErasedPeople } from '../erasure.ts'
import {
  type Clients,
  lease,
  newIssue,
  newKey,
  newMember,
  newMessage,
  newPhone,
  pause,
  unlike,
} from './fixtures.ts'

const all = 1_000_000

export function erasureConformance({ store, client }: Clients): void {
  const { directory, verifications, erasures, limiters, journal, outbox } = store

  const added = async (change: Partial<Member> = {}): Promise<Member> => {
    const member = newMember({ phone: newPhone(), ...change })
    assert.equal((await directory.addMember({ member, notices: [], lease })).kind, 'added')
    return member
  }
  const deleted = async (...members: readonly Member[]): Promise<void> =>
    assert.deepEqual(await directory.deleteMembers({ tenant: 't', members }), { kind: 'done' })
  const peopleOf = (...members: readonly Member[]): ErasedPeople => ({
    tenant: 't',
    subjects: members.map(({ id }) => id),
    addresses: members.map(({ phone }) => phone!),
    tags: members.map(({ id }) => `tag-${id}`),
    limited: members.flatMap(({ id }) => [id, `digest-${id}`]),
    limitedAnywhere: [],
  })

  describe('erasures', () => {
    test('a deleted member waits to be erased, and of many processes one takes it, until its lease has ended', async () => {
      const member = await added()
      const { id, account, phone } = member
      assert.equal(await erasures.areLeft([id]), false)
      await deleted(member)
      assert.equal(await erasures.areLeft([unlike(), id]), true)
      const claims = await Promise.all([0, 1, 2, 3].map((nth) => client(nth).erasures.claim(all, 60_000)))
      const found = claims.flat().filter((one) => one.id === id)
      assert.equal(found.length, 1)
      const { deletedAt: _, ...kept } = found[0]!
      assert.deepEqual(kept, { id, tenant: 't', account, contacts: [phone] })
      await erasures.renew([id], 40)
      const again = async () => (await erasures.claim(all, 60_000)).some((one) => one.id === id)
      assert.equal(await again(), false)
      while (!(await again())) await pause(20)
      await erasures.erase(peopleOf(member))
      assert.equal(await erasures.areLeft([id]), false)
    })

    test('what was kept about some people is gone in one run, and what was kept about others stays', async () => {
      const members = [await added(), await added(), await added()]
      const rules = [{ kind: 'window', max: 1, perMs: 600_000 }] as const
      const kept = await Promise.all(
        members.map(async ({ id, phone }) => {
          const once = { key: unlike(), fingerprint: unlike() }
          const issue = newIssue({
            once,
            key: newKey({ subject: id, address: addressKey(phone!) }),
            message: newMessage({ to: phone! }),
          })
          assert.equal((await verifications.issue(issue)).kind, 'issued')
          const keys = [`iu:t:${id}`, `ia:t:digest-${id}`, `ia:t:digest-${id}x`, `ia:not-t:digest-${id}`]
          const limits = keys.map((key) => ({ scope: 'member', form: 'events', rules, key }) as const)
          await limiters.acquire(limits)
          const entry = {
            kind: 'refusal',
            tenant: 't',
            app: 'a',
            detail: { of: id },
            verification: '',
          } as const
          await journal.append({ ...entry, member: id })
          await journal.append({ ...entry, member: '', addressTag: `tag-${id}` })
          const notice = newMessage({ template: 'contact-changed', to: phone! })
          await outbox.queue([notice], { owner: 'nobody', ms: 0 })
          return {
            verification: issue.id,
            notice: notice.id,
            limits,
            again: { ...issue, id: newIssue({ key: issue.key }).id },
          }
        }),
      )
      const [, , stays] = members
      const gone = members.slice(0, 2)
      await deleted(...gone)
      await erasures.erase(peopleOf(...gone))
      const acquired = (at: number) =>
        Promise.all(kept[at]!.limits.map(async (limit) => (await limiters.acquire([limit])).kind))
      const journaled = await journal.read({ sinceMs: 0, most: 100_000, kind: 'refusal' })
      for (const [at, { id }] of members.entries()) {
        const isGone = at < 2
        assert.equal(
          (await verifications.get(kept[at]!.verification)) === undefined,
          isGone,
          `verification ${at}`,
        )
        const [one, other, longer, elsewhere] = await acquired(at)
        assert.deepEqual([one, other].includes('throttled'), !isGone, `limiters ${at}`)
        assert.deepEqual([longer, elsewhere], ['throttled', 'throttled'], 'of others')
        const entries = journaled.filter(({ detail }) => detail.of === id)
        assert.equal(entries.length, 2)
        assert.equal(
          entries.every(({ member, addressTag }) => member === '' && !addressTag),
          isGone,
        )
      }
      const waiting = await outbox.claim(all, { owner: 'looks', ms: 1 })
      for (const [at, { again, notice }] of kept.entries()) {
        assert.equal(
          waiting.some(({ message }) => message.id === notice),
          at === 2,
          `notice ${at}`,
        )
        const result = await verifications.issue(again)
        assert.equal('replayed' in result, at === 2, `answer ${at}`)
      }
      assert.ok(await directory.member(stays!.id))
      await erasures.erase(peopleOf(...gone))
    })
  })
}
