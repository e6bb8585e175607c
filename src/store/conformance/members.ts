/** Every engine's duties with what administrators change: members, departments, the enterprise. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { departmentDefaults, rootDepartment } from '../../directory/department.ts'
import type { Member } from '../../directory/directory.ts'
import type { MemberUpdate, NewDepartment } from '../administration.ts'
import { newAuditEntry, wholeAudit } from './audit.ts'
import {
  batchOf,
  type Clients,
  changeOf,
  lease,
  membersIn,
  newIssue,
  newKey,
  newMember,
  newMessage,
  newPhone,
  times,
  unlike,
  verifiedIn,
} from './fixtures.ts'

export function membersConformance({ store, client }: Clients): void {
  const { directory, verifications } = store
  const { added, loggedIn, isLoggedIn } = membersIn(directory)

  const updateOf = (member: Member, change: Partial<MemberUpdate>): MemberUpdate => ({
    tenant: member.tenant,
    app: 'a',
    member: member.id,
    change: {},
    contacts: [],
    seen: { phone: member.phone, email: member.email },
    lease,
    ...change,
  })
  const newDepartment = (change: Partial<NewDepartment> = {}): NewDepartment => {
    const code = unlike()
    return { tenant: 't', code, name: `of ${code}`, parent: rootDepartment, ...departmentDefaults, ...change }
  }
  const made = async (change: Partial<NewDepartment> = {}) => {
    const result = await directory.addDepartment(newDepartment(change))
    assert.equal(result.kind, 'done')
    return (result as Extract<typeof result, { kind: 'done' }>).department
  }

  describe('members', () => {
    test('an added member is as it was given, and its notice is queued with it', async () => {
      const department = await made()
      const member = newMember({
        thirdAccount: unlike(),
        deptCode: department.code,
        sortLevel: 7,
        hidesPhone: true,
        mustChangePassword: true,
        contactBarredUntil: 9,
      })
      const message = newMessage({ to: newPhone() })
      const result = await directory.addMember({ member, notices: [message], lease })
      assert.ok(result.kind === 'added' && result.entries[0]?.message.id === message.id)
      assert.deepEqual(await directory.member(member.id), member)
      assert.deepEqual(await directory.memberByUserId('t', member.thirdAccount!), member)
      assert.deepEqual(await directory.membersNamed('t', 'thirdAccount', [member.thirdAccount!]), [member])
    })

    test('what another member has, or a department that is missing, refuses a member', async () => {
      const phone = newPhone()
      const present = await added({ phone, thirdAccount: unlike() })
      const { account, thirdAccount } = present
      for (const [change, reason] of [
        [{ account }, 'account-taken'],
        [{ thirdAccount }, 'third-account-taken'],
        [{ phone }, 'phone-bound'],
        [{ deptCode: unlike() }, 'no-department'],
      ] as const)
        assert.deepEqual(await directory.addMember({ member: newMember(change), notices: [], lease }), {
          kind: 'refused',
          reason,
        })
    })

    test('of many who add members with the same third account at once exactly one succeeds', async () => {
      const thirdAccount = unlike()
      const results = await Promise.all(
        times(20, (nth) =>
          client(nth).directory.addMember({ member: newMember({ thirdAccount }), notices: [], lease }),
        ),
      )
      assert.equal(results.filter(({ kind }) => kind === 'added').length, 1)
    })

    test('the third account finds a member before the account does', async () => {
      const userId = unlike()
      const byAccount = await added({ account: userId })
      assert.equal((await directory.memberByUserId('t', userId))?.id, byAccount.id)
      const byThird = await added({ thirdAccount: userId })
      assert.equal((await directory.memberByUserId('t', userId))?.id, byThird.id)
      assert.equal(await directory.memberByUserId('t', unlike()), undefined)
    })

    test('a change writes profile and contacts in one step, and ends what lived on the old contacts', async () => {
      const member = await added({ phone: newPhone() })
      const live = newIssue({ key: newKey({ subject: member.id }) })
      await verifications.issue(live)
      const to = newPhone()
      const message = newMessage({ to: member.phone! })
      const profile = { ...member.profile, name: 'new' }
      const contact = { contact: 'phone', address: to, country: 'chinaPR', notices: [message] } as const
      const update = updateOf(member, { change: { profile, sortLevel: 3 }, contacts: [contact] })
      const result = await directory.updateMember(update)
      assert.ok(result.kind === 'changed' && result.entries.length === 1)
      const next = { ...member, profile, sortLevel: 3, phone: to, phoneCountry: 'chinaPR' }
      assert.deepEqual([result.member, await directory.member(member.id)], [next, next])
      assert.equal((await verifications.get(live.id))?.state, 'dead')
      assert.equal((await directory.updateMember(update)).kind, 'stale')
    })

    test('a refused change leaves the member as it was', async () => {
      const [member, other] = [await added({ phone: newPhone() }), await added({ phone: newPhone() })]
      const profile = { ...member.profile, name: 'new' }
      const contact = { contact: 'phone', address: other.phone, country: null, notices: [] } as const
      const boss = await added({ role: 'default' })
      for (const [one, change, reason] of [
        [member, { change: { profile }, contacts: [contact] }, 'phone-bound'],
        [member, { change: { profile, deptCode: unlike() } }, 'no-department'],
        [boss, { change: { profile, isDisabled: true } }, 'default-administrator'],
      ] as const) {
        assert.deepEqual(await directory.updateMember(updateOf(one, change)), { kind: 'refused', reason })
        assert.deepEqual(await directory.member(one.id), one)
      }
      for (const who of [{ tenant: 't2' }, { member: unlike() }])
        assert.deepEqual(await directory.updateMember(updateOf(member, who)), { kind: 'unknown' })
    })

    test('a deleted member is gone with its logins and live codes, and all it had is free', async () => {
      const member = await added({ phone: newPhone(), thirdAccount: unlike(), passwordHash: 'h' })
      const other = await added()
      const [login, live] = [await loggedIn(member), newIssue({ key: newKey({ subject: member.id }) })]
      await verifications.issue(live)
      assert.deepEqual(await directory.deleteMembers(batchOf(member, other, member)), { kind: 'done' })
      assert.equal(await directory.member(member.id), undefined)
      assert.equal(await directory.memberByLogin(member.account), undefined)
      assert.equal(await isLoggedIn(login), false)
      assert.equal((await verifications.get(live.id))?.state, 'dead')
      const again = { ...member, id: unlike() }
      assert.equal((await directory.addMember({ member: again, notices: [], lease })).kind, 'added')
      assert.deepEqual(await directory.deleteMembers(batchOf(again)), { kind: 'done' })
      // As a command makes it, whose ids are always the same for an account.
      assert.equal((await directory.addMember({ member, notices: [], lease })).kind, 'added')
      assert.deepEqual(await directory.deleteMembers(batchOf(member)), { kind: 'done' })
    })

    test('of a deletion and a change of contact at once, nothing of a deleted member is left', async () => {
      const outcomes = await Promise.all(
        times(10, async () => {
          const member = await added()
          const address = newPhone()
          const id = await verifiedIn(store, member, address)
          await Promise.all([
            client(0).directory.changeContact(changeOf(member, address, id)),
            client(1).directory.deleteMembers(batchOf(member)),
          ])
          return [await directory.member(member.id), await directory.memberByAddress('t', address)]
        }),
      )
      assert.deepEqual(
        outcomes,
        outcomes.map(() => [undefined, undefined]),
      )
    })

    test('a batch is done whole or not at all, and tells who stands against it', async () => {
      const [member, boss] = [await added(), await added({ role: 'default' })]
      const unknown = { id: unlike(), account: 'nobody' }
      const acts = [
        (members: MemberUpdateBatch) => directory.deleteMembers({ tenant: 't', members }),
        (members: MemberUpdateBatch) => directory.setStatuses({ tenant: 't', members, isDisabled: true }),
        (members: MemberUpdateBatch) => directory.setRoles({ tenant: 't', members, role: 'admin' }),
      ]
      for (const act of acts) {
        assert.deepEqual(await act([member, unknown, boss]), {
          kind: 'refused',
          reason: 'unknown',
          account: 'nobody',
        })
        assert.deepEqual(await act([member, boss]), {
          kind: 'refused',
          reason: 'default-administrator',
          account: boss.account,
        })
        assert.deepEqual(await directory.member(member.id), member)
      }
      const elsewhere = { tenant: 't2', members: [member], isDisabled: true }
      assert.equal((await directory.setStatuses(elsewhere)).kind, 'refused')
    })

    test('the audit holds the acts that were done, and none that was refused', async () => {
      const [member, boss] = [await added(), await added({ role: 'default' })]
      const target = unlike()
      const entry = (act: string) => newAuditEntry({ target, act })
      const batch = (act: string, ...members: readonly Member[]) => ({
        ...batchOf(...members),
        audit: members.map(() => entry(act)),
      })
      await directory.addMember({ member, notices: [], lease, audit: entry('refused') })
      await directory.addMember({ member: newMember(), notices: [], lease, audit: entry('add') })
      await directory.updateMember(updateOf(member, { audit: entry('update') }))
      await directory.setRoles({ ...batch('refused', member, boss), role: 'admin' })
      await directory.setStatuses({ ...batch('stop', member), isDisabled: true })
      await directory.deleteMembers(batch('delete', member))
      const { code } = await made()
      await directory.addDepartment(newDepartment({ code }), entry('refused'))
      await directory.addDepartment(newDepartment({ code: unlike() }), entry('make'))
      await directory.updateDepartment('t', code, { name: 'x' }, entry('rename'))
      await directory.deleteDepartment('t', code, entry('remove'))
      await directory.updateTenant('t', { address: '' }, entry('tenant'))
      assert.deepEqual(
        (await wholeAudit(store)).filter((one) => one.target === target).map(({ act }) => act),
        ['add', 'update', 'stop', 'delete', 'make', 'rename', 'remove', 'tenant'],
      )
    })

    test('who is started again must log in anew, and a role is given and taken', async () => {
      const member = await added()
      const login = await loggedIn(member)
      const set = (isDisabled: boolean) => directory.setStatuses({ ...batchOf(member), isDisabled })
      assert.deepEqual(await set(false), { kind: 'done' })
      assert.equal(await isLoggedIn(login), true, 'it was not stopped')
      await set(true)
      assert.equal((await directory.session(login, ['access']))?.member.isDisabled, true)
      await set(false)
      assert.equal(await isLoggedIn(login), false)
      for (const role of ['admin', 'none'] as const) {
        assert.deepEqual(await directory.setRoles({ ...batchOf(member), role }), { kind: 'done' })
        assert.equal((await directory.member(member.id))?.role, role)
      }
    })
  })

  describe('departments', () => {
    test('a department is found with all above it, and its children in the order of lists', async () => {
      const top = await made({ designatedOutDeptCodes: ['x'], note: 'n' })
      const late = await made({ parent: top.code, sortLevel: 9 })
      const early = await made({ parent: top.code, sortLevel: 3 })
      assert.equal(early.path, `/1/${top.code}/${early.code}/`)
      assert.deepEqual(await directory.departments('t', [early.code]), [top, early])
      assert.deepEqual(await directory.departments('t2', [early.code]), [])
      assert.deepEqual(await directory.departmentsBelow('t', [top.code]), [early, late])
      assert.ok((await directory.allDepartments('t')).some(({ code }) => code === late.code))
    })

    test('a moved department takes its subtree along, and never goes below itself', async () => {
      const [from, to] = [await made(), await made()]
      const middle = await made({ parent: from.code })
      const leaf = await made({ parent: middle.code })
      const moved = await directory.updateDepartment('t', middle.code, { parent: to.code, name: 'moved' })
      assert.equal(moved.kind === 'done' && moved.department.name, 'moved')
      const found = await directory.departments('t', [leaf.code])
      assert.deepEqual(
        found.map(({ path }) => path),
        [to.path, `${to.path}${middle.code}/`, `${to.path}${middle.code}/${leaf.code}/`],
      )
      for (const [code, change, reason] of [
        [to.code, { parent: leaf.code }, 'within-itself'],
        [to.code, { parent: to.code }, 'within-itself'],
        [to.code, { parent: unlike() }, 'no-parent'],
        [unlike(), { name: 'x' }, 'unknown'],
        [rootDepartment, { parent: to.code }, 'root'],
      ] as const)
        assert.deepEqual(await directory.updateDepartment('t', code, change), { kind: 'refused', reason })
    })

    test('the root can be renamed, and is no one’s to delete or make', async () => {
      await directory.addTenant({ id: 'renamed', name: 'R', accountApp: 'a' })
      const renamed = await directory.updateDepartment('renamed', rootDepartment, { name: 'All' })
      assert.ok(renamed.kind === 'done' && renamed.department.path === '/1/')
      assert.equal((await directory.departments('renamed', [rootDepartment]))[0]?.name, 'All')
      assert.deepEqual(await directory.deleteDepartment('renamed', rootDepartment), {
        kind: 'refused',
        reason: 'root',
      })
      const second = newDepartment({ tenant: 'renamed', code: rootDepartment })
      assert.deepEqual(await directory.addDepartment(second), { kind: 'refused', reason: 'taken' })
    })

    test('a tree is refused beyond its depth, also by a move', async () => {
      let parent = rootDepartment
      for (let level = 0; level < 20; level++) parent = (await made({ parent })).code
      const deep = { kind: 'refused', reason: 'deep' }
      assert.deepEqual(await directory.addDepartment(newDepartment({ parent })), deep)
      const other = await made()
      assert.deepEqual(await directory.updateDepartment('t', other.code, { parent }), deep)
    })

    test('a department with members or children is not deleted, also of all that happen at once', async () => {
      const outcomes = await Promise.all(
        times(10, async (nth) => {
          const { code } = await made()
          const act = client(nth).directory
          const into =
            nth % 2 === 0
              ? act.addMember({ member: newMember({ deptCode: code }), notices: [], lease })
              : act.addDepartment(newDepartment({ parent: code }))
          const [deleted, entered] = await Promise.all([
            client(nth + 1).directory.deleteDepartment('t', code),
            into,
          ])
          return [deleted.kind === 'done', entered.kind !== 'refused']
        }),
      )
      for (const [isDeleted, hasEntered] of outcomes) assert.notEqual(isDeleted, hasEntered)
    })

    test('the data of an enterprise are changed one by one', async () => {
      const id = unlike()
      await directory.addTenant({ id, name: 'E', accountApp: 'a' })
      const before = { id, name: 'E', accountApp: 'a', address: '', autoUserCreate: true }
      assert.deepEqual(await directory.tenant(id), before)
      const next = { ...before, address: 'Street 1' }
      assert.deepEqual(await directory.updateTenant(id, { address: 'Street 1' }), next)
      await directory.updateTenant(id, { autoUserCreate: false })
      assert.deepEqual(await directory.tenant(id), { ...next, autoUserCreate: false })
      assert.equal(await directory.updateTenant(unlike(), { address: 'x' }), undefined)
    })
  })
}

type MemberUpdateBatch = readonly Pick<Member, 'id' | 'account'>[]
