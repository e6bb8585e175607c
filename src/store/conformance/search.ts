/** Every engine's duties with searches and lists of members, against the same found by plain code. */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { departmentDefaults, rootDepartment } from '../../directory/department.ts'
import type { Member } from '../../directory/directory.ts'
import { listingOf, searchable } from '../listing.ts'
import { type MemberQuery, memberQueryDefaults } from '../member-search.ts'
import { type Clients, lease, newMember, newPhone, times, unlike } from './fixtures.ts'

/** More than one pass reads, see `firstRows`. */
const manyMembers = 2300

export function searchConformance({ store }: Clients): void {
  const { directory } = store
  const tenant = `searched ${unlike()}`
  const names = ['王伟', '李娜', 'Ångström', 'ŁUKASZ', 'Zoë', 'ｆｕｌｌ', "O'Neil %_", '王']
  const members: Member[] = []

  const inDepartments: Readonly<Record<string, readonly string[]>> = { top: ['top', 'low'], low: ['low'] }

  /** The ids of all that a query finds, in order. */
  function expected(query: MemberQuery): string[] {
    const key = searchable(query.searchKey).trim()
    const columns = {
      sortLevel: ['sort_level', 'name', 'member'],
      name: ['name', 'member'],
      account: ['account', 'member'],
    } as const
    return members
      .filter((one) => query.roles === null || query.roles.includes(one.role))
      .filter((one) => query.isDisabled === null || one.isDisabled === query.isDisabled)
      .filter(({ deptCode }) => {
        if (query.dept === null) return true
        if (!query.withSubDepts) return deptCode === query.dept
        return query.dept === rootDepartment || inDepartments[query.dept]!.includes(deptCode)
      })
      .map(listingOf)
      .filter(
        ({ words, hidden }) =>
          words.includes(key) || (query.seesHidden && hidden !== '' && hidden.includes(key)),
      )
      .toSorted((a, b) => {
        for (const column of columns[query.sortField]) {
          const order =
            typeof a[column] === 'number'
              ? (a[column] as number) - (b[column] as number)
              : Buffer.compare(Buffer.from(String(a[column])), Buffer.from(String(b[column])))
          if (order !== 0) return query.isAscending ? order : -order
        }
        return 0
      })
      .map(({ member }) => member)
  }

  async function check(change: Partial<MemberQuery>): Promise<number> {
    const query = { ...memberQueryDefaults, tenant, ...change }
    const ids = expected(query)
    const found = await directory.searchMembers(query)
    const name = JSON.stringify(change)
    assert.equal(found.count, ids.length, name)
    const last = Math.max(0, Math.floor((ids.length - 1) / query.limit) * query.limit)
    assert.equal(found.offset, query.offset < ids.length ? query.offset : last, name)
    assert.deepEqual(
      found.members.map(({ id }) => id),
      ids.slice(found.offset, found.offset + query.limit),
      name,
    )
    return found.count
  }

  describe('searches of members', () => {
    before(async () => {
      await directory.addTenant({ id: tenant, name: 'S', accountApp: 'a' })
      for (const [code, parent] of [
        ['top', rootDepartment],
        ['low', 'top'],
        ['topmost', rootDepartment],
      ] as const)
        await directory.addDepartment({ ...departmentDefaults, tenant, code, name: code, parent })
      members.push(
        ...times(manyMembers, (nth) => {
          const name = names[nth % names.length]!
          return newMember({
            tenant,
            profile: {
              name,
              englishName: nth % 7 === 0 ? 'Wei' : '',
              signature: 'nowhere',
              title: '',
              description: '',
            },
            thirdAccount: nth % 5 === 0 ? `third-${nth}` : null,
            sortLevel: nth % 3 === 0 ? 10_000 : 1 + (nth % 4),
            phone: nth % 2 === 0 ? newPhone() : null,
            hidesPhone: nth % 10 === 0,
            deptCode: [rootDepartment, 'top', 'low', 'topmost', 'unmade'][nth % 5]!,
            role: nth % 97 === 1 ? 'admin' : 'none',
            isDisabled: nth % 11 === 0,
          })
        }),
      )
      const [one, ...others] = members
      await directory.putMembers(others)
      await directory.addMember({ member: one!, notices: [], lease })
    })

    test('any part of a name, account or contact finds a member, and the count is of all', async () => {
      for (const searchKey of [
        '',
        '王',
        '王伟',
        'å',
        'Ａ',
        'łuk',
        'FULL',
        'third-',
        '+861300',
        '%',
        "o'neil",
        'no one has it',
      ])
        for (const sortField of ['sortLevel', 'name', 'account'] as const)
          await check({ searchKey, sortField })
      assert.equal(await check({ searchKey: members[5]!.account.slice(3, 30) }), 1)
      assert.equal(await check({ searchKey: 'nowhere' }), 0, 'a signature is not searched')
    })

    test('pages join at any offset, from either end, and past the end comes the last one', async () => {
      for (const isAscending of [true, false])
        for (const sortField of ['sortLevel', 'name', 'account'] as const)
          for (const offset of [0, 7, 990, 999, 1000, 1001, 1500, 2200, 2290, 2299, 2300, 1e9])
            await check({ isAscending, sortField, offset, limit: offset === 990 ? 500 : 20 })
      await check({ searchKey: '王', offset: 400, limit: 500 })
      await check({ searchKey: 'no one has it', offset: 40 })
    })

    test('departments, roles and statuses narrow a search', async () => {
      for (const searchKey of ['', '王'])
        for (const change of [
          { dept: 'top' },
          { dept: 'top', withSubDepts: false },
          { dept: 'low' },
          { dept: rootDepartment, withSubDepts: false },
          { roles: ['admin'] },
          { roles: ['none', 'default'], isDisabled: true },
          { isDisabled: false, dept: 'top' },
        ] as const)
          assert.ok((await check({ ...change, searchKey })) > 0)
      assert.equal(await check({ dept: rootDepartment }), manyMembers)
    })

    test('a hidden phone finds its member only for those who see it', async () => {
      const hidden = members.find(({ phone, hidesPhone }) => phone !== null && hidesPhone)!
      assert.ok(hidden.phone?.kind === 'phone')
      const searchKey = hidden.phone.e164.slice(1)
      assert.equal(await check({ searchKey }), 1)
      assert.equal(await check({ searchKey, seesHidden: false }), 0)
    })

    test('every kind of change is in the next search, and another tenant’s members never are', async () => {
      const member = members[0]!
      const word = unlike()
      const found = async (searchKey: string, change: Partial<MemberQuery> = {}) =>
        (await directory.searchMembers({ ...memberQueryDefaults, tenant, searchKey, ...change })).count
      await directory.updateProfile(member.id, { ...member.profile, name: word })
      assert.equal(await found(word), 1)
      assert.equal(await found(word, { tenant: 't' }), 0)
      await directory.disableMember(member.id, !member.isDisabled)
      assert.equal(await found(word, { isDisabled: member.isDisabled }), 0)
      await directory.setRoles({ tenant, members: [member], role: 'admin' })
      assert.equal(await found(word, { roles: ['none'] }), 0)
      await directory.putMembers([{ ...member, profile: { ...member.profile, name: `${word}x` } }])
      assert.equal(await found(`${word}x`, { roles: ['none'] }), 1)
      await directory.updateDepartment(tenant, 'topmost', { parent: 'low' })
      assert.equal(
        await found('', { dept: 'top' }),
        members.filter((one) => /^(top|low)/.test(one.deptCode)).length,
      )
      await directory.deleteMembers({ tenant, members: [member] })
      assert.equal(await found(word), 0)
    })
  })
}
