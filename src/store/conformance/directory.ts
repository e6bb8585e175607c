/** Every engine's duties with members and their logins. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { loginLimits, type Member, type Session, type Token } from '../../directory/directory.ts'
import type { Login } from '../directory.ts'
import { type Clients, newMember, newPhone, pause, times, unlike } from './fixtures.ts'

export function directoryConformance({ store, client }: Clients): void {
  const { directory } = store
  describe('directory', () => {
    let lastLogin = 0
    const loginOf = (member: Member, clientType = 72, lifeMs = 60_000, login: string = unlike()) => {
      const createdAt = Date.now() + lastLogin++
      const token = (kind: Token['kind']): Token => ({
        hash: unlike(),
        kind,
        login,
        tenant: 't',
        app: 'a',
        member: member.id,
        clientType,
        createdAt,
        expiresAt: Date.now() + lifeMs,
      })
      return { access: token('access'), refresh: token('refresh'), limits: loginLimits(clientType) }
    }
    const sessionOf = (hash: string): Promise<Session | undefined> => directory.session(hash, ['access'])
    /** Another pair of the same login. */
    const again = ({ access }: Login): Login =>
      loginOf({ id: access.member } as Member, access.clientType, 60_000, access.login)
    const added = async (change: Partial<Member> = {}) => {
      const member = newMember(change)
      assert.deepEqual(await directory.putMembers([member]), [{ kind: 'added' }])
      return member
    }

    test('members are added, updated, left alone or refused, each on its own merits', async () => {
      const phone = newPhone()
      const first = newMember({ phone })
      const outcomes = await directory.putMembers([
        first,
        first,
        { ...first, deptCode: '2' },
        newMember({ phone }),
        newMember({ account: first.account }),
        newMember(),
      ])
      assert.deepEqual(outcomes, [
        { kind: 'added' },
        { kind: 'unchanged' },
        { kind: 'updated' },
        { kind: 'refused', reason: 'phone-bound' },
        { kind: 'refused', reason: 'account-taken' },
        { kind: 'added' },
      ])
      assert.deepEqual(await directory.memberByAccount('t', first.account), { ...first, deptCode: '2' })
    })

    test('texts that not every engine can keep are stored as near as can be, and refuse nobody else', async () => {
      const [odd, other] = [newMember({ account: `odd\0${unlike()}` }), newMember()]
      const profile = { ...odd.profile, name: 'half \ud83d', signature: 'a zero \0 byte', title: 'whole' }
      const outcomes = await directory.putMembers([{ ...odd, profile }, other])
      assert.deepEqual(outcomes, [{ kind: 'added' }, { kind: 'added' }])
      assert.equal((await directory.memberByAccount('t', odd.account))?.profile.title, 'whole')
      assert.equal(await directory.updateProfile(other.id, profile), true)
      assert.equal((await directory.member(other.id))?.profile.title, 'whole')
      assert.equal(await directory.memberByLogin('nobody\0'), undefined)
    })

    test('a password login is one person over all tenants', async () => {
      await directory.addTenant({ id: 't2', name: 'T2', accountApp: 'a' })
      const one = await added({ passwordHash: 'h' })
      const [same] = await directory.putMembers([
        newMember({ tenant: 't2', account: one.account, passwordHash: 'h' }),
      ])
      assert.deepEqual(same, { kind: 'refused', reason: 'account-taken' })
      assert.equal((await directory.memberByLogin(one.account))?.id, one.id)
      assert.equal(await directory.memberByLogin((await added()).account), undefined)
    })

    test('a token is its session until it expires or is logged out with its pair', async () => {
      const member = await added()
      const [login, brief] = [loginOf(member), loginOf(member, 72, 50)]
      await directory.logIn(login)
      await directory.logIn(brief)
      assert.deepEqual((await sessionOf(login.access.hash))?.token, login.access)
      assert.equal((await sessionOf(login.access.hash))?.member.id, member.id)
      assert.equal(await sessionOf(login.refresh.hash), undefined, 'a refresh token is no access token')
      assert.equal(await directory.logOut(login.access.hash), true)
      assert.equal(await directory.logOut(login.access.hash), false)
      assert.equal(await directory.session(login.refresh.hash, ['refresh']), undefined)
      await pause(60)
      assert.equal(await sessionOf(brief.access.hash), undefined)
    })

    test('the oldest login gives way, also when many log in at once', async () => {
      const member = await added()
      const first = loginOf(member)
      await directory.logIn(first)
      const others = times(64, () => loginOf(member))
      await Promise.all(others.map((login, nth) => client(nth).directory.logIn(login)))
      assert.equal(await sessionOf(first.access.hash), undefined)
      for (const { access } of others) assert.ok(await sessionOf(access.hash))
      const web = times(10, () => loginOf(member, 0))
      await Promise.all(web.map((login, nth) => client(nth).directory.logIn(login)))
      const live = await Promise.all(web.map(({ access }) => sessionOf(access.hash)))
      assert.equal(live.filter(Boolean).length, 1)
    })

    test('of many refreshes of one login exactly one wins', async () => {
      const member = await added()
      const login = loginOf(member)
      await directory.logIn(login)
      const wins = await Promise.all(
        times(20, (nth) => client(nth).directory.refresh(login.refresh.hash, again(login))),
      )
      assert.deepEqual(wins.map(({ kind }) => kind).toSorted(), [
        ...times(18, () => 'gone'),
        'refreshed',
        'reused',
      ])
      assert.equal(await sessionOf(login.access.hash), undefined)
    })

    test('a refreshed login keeps the access token it had, and a logout ends all it was refreshed to', async () => {
      const member = await added()
      const first = loginOf(member, 0)
      await directory.logIn(first)
      const [second, third] = [again(first), again(first)]
      assert.equal((await directory.refresh(first.refresh.hash, second)).kind, 'refreshed')
      assert.equal(
        (await directory.refresh(first.access.hash, third)).kind,
        'refreshed',
        'by an access token',
      )
      for (const { access } of [first, second, third]) assert.ok(await sessionOf(access.hash))
      assert.equal(await directory.session(first.refresh.hash, ['refresh', 'access']), undefined)
      assert.equal((await directory.session(first.refresh.hash, ['spent']))?.token.kind, 'spent')
      assert.equal(await directory.logOut(second.access.hash), true)
      for (const { access } of [first, second, third]) assert.equal(await sessionOf(access.hash), undefined)
      assert.equal((await directory.refresh(third.refresh.hash, again(first))).kind, 'gone')
    })

    test('A-14: a refresh token that comes twice ends its login and no other', async () => {
      const member = await added()
      const [stolen, other] = [loginOf(member), loginOf(member)]
      await directory.logIn(stolen)
      await directory.logIn(other)
      const second = again(stolen)
      assert.equal((await directory.refresh(stolen.refresh.hash, second)).kind, 'refreshed')
      assert.equal((await directory.refresh(second.refresh.hash, again(stolen))).kind, 'refreshed')
      assert.equal((await directory.refresh(stolen.refresh.hash, again(stolen))).kind, 'reused')
      for (const { access } of [stolen, second]) assert.equal(await sessionOf(access.hash), undefined)
      assert.ok(await sessionOf(other.access.hash))
    })

    test('who refreshes often keeps the newest tokens and pushes out no other login', async () => {
      const member = await added()
      const [quiet, busy] = [loginOf(member), loginOf(member)]
      await directory.logIn(quiet)
      await directory.logIn(busy)
      const pairs = times(70, () => again(busy))
      for (const [nth, pair] of pairs.entries())
        assert.equal(
          (await directory.refresh(pairs[nth - 1]?.access.hash ?? busy.access.hash, pair)).kind,
          'refreshed',
        )
      assert.ok(await sessionOf(quiet.access.hash))
      const live = await Promise.all(pairs.map(({ access }) => sessionOf(access.hash)))
      // 64 in all, one of which belongs to the quiet login.
      assert.deepEqual(
        live.map(Boolean),
        times(70, (nth) => nth >= 7),
      )
      assert.equal(await sessionOf(busy.access.hash), undefined)
      const refreshing = await Promise.all(
        pairs.map(({ refresh }) => directory.session(refresh.hash, ['refresh'])),
      )
      assert.equal(refreshing.filter(Boolean).length, 64)
      // All have one token each, so the whole oldest login is evicted.
      for (const login of times(63, () => loginOf(member))) await directory.logIn(login)
      assert.equal(await sessionOf(quiet.access.hash), undefined)
      assert.equal(await directory.session(quiet.refresh.hash, ['refresh']), undefined)
      assert.ok(await sessionOf(pairs[69]!.access.hash))
      assert.equal(await sessionOf(pairs[68]!.access.hash), undefined)
    })

    test('a login that has spent all the refresh tokens it may is refreshed no more, and lives on', async () => {
      const login = loginOf(await added())
      await directory.logIn(login)
      const pairs = times(3, () => ({ ...again(login), limits: { ...login.limits, spent: 2 } }))
      const kinds: string[] = []
      for (const [nth, pair] of pairs.entries())
        kinds.push((await directory.refresh((pairs[nth - 1] ?? login).refresh.hash, pair)).kind)
      assert.deepEqual(kinds, ['refreshed', 'refreshed', 'gone'])
      assert.ok(await sessionOf(pairs[1]!.access.hash))
    })

    test('while a member is disabled its calls are told so, and once allowed again it logs in anew', async () => {
      const byImport = async (member: Member, isDisabled: boolean) => {
        await directory.putMembers([{ ...member, isDisabled }])
      }
      const byCommand = async (member: Member, isDisabled: boolean) => {
        assert.equal(await directory.disableMember(member.id, isDisabled), true)
      }
      for (const set of [byImport, byCommand]) {
        const member = await added()
        const login = loginOf(member)
        await directory.logIn(login)
        await set(member, true)
        assert.equal((await sessionOf(login.access.hash))?.member.isDisabled, true)
        await set(member, false)
        assert.equal(await sessionOf(login.access.hash), undefined)
        assert.equal(await directory.session(login.refresh.hash, ['refresh']), undefined)
        const anew = loginOf(member)
        await directory.logIn(anew)
        await set(member, false)
        assert.ok(await sessionOf(anew.access.hash), 'allowed before, it was not allowed again')
      }
    })

    test('the logins of an app end, those of another do not', async () => {
      const member = await added()
      const ended = unlike()
      const app = { id: ended, tenant: 't', name: 'n', sealedKey: 's', isServiceProvider: false }
      await directory.addApp({ ...app, isDisabled: false, policy: {}, createdAt: 1 })
      const ofApp = (login: Login): Login => ({
        ...login,
        access: { ...login.access, app: ended },
        refresh: { ...login.refresh, app: ended },
      })
      const [kept, gone] = [loginOf(member), ofApp(loginOf(member))]
      await directory.logIn(kept)
      await directory.logIn(gone)
      assert.equal(await directory.endLoginsOf(ended), 2)
      assert.equal(await directory.endLoginsOf(ended), 0)
      assert.equal(await sessionOf(gone.access.hash), undefined)
      assert.ok(await sessionOf(kept.access.hash))
    })
  })
}
