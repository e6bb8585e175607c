/** Every engine's duties with passwords: set once on what was seen, with the end of all logins, and found by an address. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Member } from '../../directory/directory.ts'
import type { PasswordSetting } from '../administration.ts'
import { newAuditEntry, wholeAudit } from './audit.ts'
import {
  batchOf,
  type Clients,
  lease,
  membersIn,
  newLogin,
  newMember,
  newMessage,
  newPhone,
  times,
  unlike,
} from './fixtures.ts'

export function passwordsConformance({ store }: Clients): void {
  const { directory } = store
  const { added, loggedIn, isLoggedIn } = membersIn(directory)

  describe('passwords', () => {
    const settingOf = (seen: Member, more: Partial<PasswordSetting> = {}): PasswordSetting => ({
      seen,
      passwordHash: `hash-${unlike()}`,
      isTemporary: false,
      notices: [],
      lease,
      ...more,
    })

    test('a password is set, the logins end, and the notices wait', async () => {
      const member = await added()
      const login = await loggedIn(member)
      const other = await loggedIn(await added())
      const notice = newMessage({ tenant: member.tenant })
      const target = unlike()
      const setting = settingOf(member, {
        isTemporary: true,
        notices: [notice],
        audit: newAuditEntry({ target, act: 'password' }),
      })
      const set = await directory.setPassword(setting)
      assert.deepEqual(set.kind === 'done' && set.entries.map(({ message }) => message.id), [notice.id])
      assert.deepEqual(await directory.member(member.id), {
        ...member,
        passwordHash: setting.passwordHash,
        mustChangePassword: true,
      })
      assert.equal(await isLoggedIn(login), false)
      assert.equal(await isLoggedIn(other), true)
      assert.deepEqual(
        (await wholeAudit(store)).filter((one) => one.target === target).map(({ act }) => act),
        ['password'],
      )
      await directory.deleteMembers(batchOf(member))
    })

    test('of many who set one at once on what they have seen, one does', async () => {
      const member = await added()
      const set = await Promise.all(times(8, () => directory.setPassword(settingOf(member))))
      assert.deepEqual(set.map(({ kind }) => kind).toSorted(), ['done', ...times(7, () => 'stale')])
      const gone = await added()
      await directory.deleteMembers(batchOf(gone))
      assert.equal((await directory.setPassword(settingOf(gone))).kind, 'stale')
    })

    test('a login by a password that has changed since is none', async () => {
      const member = await added({ passwordHash: 'old' })
      const [before, late, after] = ['old', 'old', 'new'].map((hash) => newLogin(member, hash))
      assert.equal(await directory.logIn(before!), true)
      await directory.setPassword(settingOf(member, { passwordHash: 'new' }))
      assert.equal(await directory.logIn(late!), false)
      assert.equal(await directory.logIn(after!), true)
      assert.deepEqual(await Promise.all([before, late, after].map((one) => isLoggedIn(one!.access.hash))), [
        false,
        false,
        true,
      ])
      await directory.deleteMembers(batchOf(member))
    })

    test('an account with which a member of another tenant logs in gets no password', async () => {
      const account = unlike()
      await added({ account, passwordHash: 'hash' })
      await directory.addTenant({ id: `${account}-2`, name: 'T2', accountApp: 'a' })
      const twin = newMember({ account, tenant: `${account}-2`, passwordHash: null })
      await directory.putMembers([twin])
      assert.equal((await directory.setPassword(settingOf(twin))).kind, 'taken')
    })

    test('those with a password are found by an address, over all tenants, two at most', async () => {
      const tenants = times(3, (nth) => `${unlike()}-${nth}`)
      for (const id of tenants) await directory.addTenant({ id, name: id, accountApp: 'a' })
      const phone = newPhone()
      const mailbox = `${unlike()}@example.com`
      const email = { kind: 'email', mailbox, canonical: mailbox, needsSmtpUtf8: false } as const
      const of = (tenant: string, passwordHash: string | null) =>
        newMember({ tenant, phone, email, passwordHash })
      await directory.putMembers([of(tenants[0]!, null)])
      for (const address of [phone, email]) assert.deepEqual(await directory.membersWithPassword(address), [])
      const one = of(tenants[1]!, 'hash')
      await directory.putMembers([one])
      for (const address of [phone, email])
        assert.deepEqual(await directory.membersWithPassword(address), [one])
      await directory.putMembers([of(tenants[2]!, 'hash')])
      assert.equal((await directory.membersWithPassword(phone)).length, 2)
    })
  })
}
