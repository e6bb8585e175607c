/** Every engine's duties when a contact changes: the same reasons for refusals, and no disabled member keeps the address. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Address } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import type { ContactChange, ContactSetting } from '../directory.ts'
import {
  type Clients,
  changeOf,
  claimed,
  lease,
  newIssue,
  newKey,
  newMailbox,
  newMember,
  newMessage,
  newPhone,
  pause,
  times,
  unlike,
  useOf,
  verifiedIn,
} from './fixtures.ts'

export function contactConformance({ store, client }: Clients): void {
  const { directory, verifications } = store
  const added = async (change: Partial<Member> = {}) => {
    const member = newMember(change)
    assert.deepEqual(await directory.putMembers([member]), [{ kind: 'added' }])
    return member
  }
  const isUsable = async (id: string) => (await verifications.use(useOf(id))) !== undefined
  const historyOf = async (member: Member) =>
    (await store.journal.read({ sinceMs: 0, most: 100_000, kind: 'contact-changed' })).filter(
      (entry) => entry.member === member.id,
    )

  describe('contacts', () => {
    const verified = (member: Member, address: Address, app = 'a') => verifiedIn(store, member, address, app)

    test('a contact changes once with its verification, and the notices are queued with it', async () => {
      const member = await added()
      const phone = newPhone()
      const [own, other] = [await verified(member, phone), await verified(member, newPhone())]
      const notice = newMessage({ template: 'contact-changed' })
      const changes = await Promise.all(
        times(20, (nth) =>
          client(nth).directory.changeContact(changeOf(member, phone, own, { notices: [notice] })),
        ),
      )
      const won = changes.filter((result) => result.kind === 'changed')
      assert.equal(won.length, 1)
      assert.ok(won[0]?.kind === 'changed' && won[0].entries[0]?.message.id === notice.id)
      assert.deepEqual((await directory.member(member.id))?.phone, phone)
      assert.equal(await verifications.use(useOf(other)), undefined, 'the member’s other verifications ended')
    })

    test('two members race for one number: one gets it, the other keeps what it had', async () => {
      const phone = newPhone()
      const members = [await added(), await added()]
      const ids = await Promise.all(members.map((member) => verified(member, phone)))
      const results = await Promise.all(
        members.map((member, nth) => client(nth).directory.changeContact(changeOf(member, phone, ids[nth]!))),
      )
      assert.deepEqual(results.map((result) => result.kind).toSorted(), ['bound', 'changed'])
      const holders = await Promise.all(members.map((member) => directory.member(member.id)))
      assert.equal(holders.filter((holder) => holder?.phone).length, 1)
    })

    const prove = async (member: Member, login: string, lastsMs = 60_000) => {
      const proof = newIssue({ key: newKey({ subject: member.id, purpose: 'own-contact' }) })
      await verifications.issue(proof)
      assert.ok(await verifications.use(useOf(proof.id, { proof: { login, lastsMs } })))
    }
    /** Changes a phone to a new number, with a right code for it. */
    const changed = async (member: Member, provedBy: string | null) => {
      const phone = newPhone()
      const id = await verified(member, phone)
      const { kind } = await directory.changeContact(changeOf(member, phone, id, { provedBy }))
      return { kind, member: kind === 'changed' ? { ...member, phone } : member }
    }

    test('A-5: where a proof is needed it is needed, and one serves one change', async () => {
      const member = await added({ phone: newPhone() })
      const login = unlike()
      assert.equal((await changed(member, login)).kind, 'unproven')
      assert.deepEqual((await directory.member(member.id))?.phone, member.phone)
      await prove(member, login)
      const first = await changed(member, login)
      assert.equal(first.kind, 'changed')
      assert.equal((await changed(first.member, login)).kind, 'unproven')
    })

    test('A-14: a proof serves the login that made it, and another login’s try leaves it', async () => {
      const member = await added({ phone: newPhone() })
      const [login, stolen] = [unlike(), unlike()]
      await prove(member, login)
      assert.equal((await changed(member, stolen)).kind, 'unproven')
      assert.equal((await changed(member, login)).kind, 'changed')
    })

    test('A-14: a change uses up what all logins of the member had proved, also one that needs no proof', async () => {
      const member = await added({ phone: newPhone() })
      const [one, two] = [unlike(), unlike()]
      await prove(member, one)
      await prove(member, two)
      const first = await changed(member, one)
      assert.equal(first.kind, 'changed')
      assert.equal((await changed(first.member, two)).kind, 'unproven')
      await prove(member, two)
      const second = await changed(first.member, null)
      assert.equal(second.kind, 'changed')
      assert.equal((await changed(second.member, two)).kind, 'unproven')
    })

    test('a proof ends, and serves the member it was given to', async () => {
      const member = await added({ phone: newPhone() })
      const login = unlike()
      await prove(await added(), login)
      await prove(member, login, 30)
      await pause(60)
      assert.equal((await changed(member, login)).kind, 'unproven')
    })

    test('a change decided on contacts that are no longer so is stale', async () => {
      const member = await added({ phone: newPhone() })
      const next = newPhone()
      const seen = { phone: newPhone(), email: null }
      const id = await verified(member, next)
      assert.equal((await directory.changeContact(changeOf(member, next, id, { seen }))).kind, 'stale')
      assert.equal((await directory.changeContact(changeOf(member, next, id))).kind, 'changed')
    })

    const reasons = {
      refused: async (change: ContactChange): Promise<ContactChange> => {
        assert.ok(await isUsable(change.verification))
        return change
      },
      stale: async (change: ContactChange): Promise<ContactChange> => ({
        ...change,
        seen: { ...change.seen, phone: newPhone() },
      }),
      bound: async (change: ContactChange): Promise<ContactChange> => {
        await added({ email: change.address })
        return change
      },
      unproven: async (change: ContactChange): Promise<ContactChange> => ({ ...change, provedBy: unlike() }),
    }
    const order = ['refused', 'stale', 'bound', 'unproven'] as const
    for (const [i, first] of order.entries())
      for (const other of order.slice(i))
        test(`a change that is ${first}${other === first ? '' : ` and ${other}`} is told ${first}, and ends no other code`, async () => {
          const member = await added({ phone: newPhone() })
          const address = newMailbox()
          const [id, beside] = [await verified(member, address), await verified(member, newMailbox())]
          let change = changeOf(member, address, id, { notices: [newMessage()] })
          // Made in either order, which must not matter.
          for (const reason of first === other ? [first] : [other, first])
            change = await reasons[reason](change)
          assert.equal((await directory.changeContact(change)).kind, first)
          assert.deepEqual(await directory.member(member.id), member)
          assert.deepEqual(await historyOf(member), [])
          assert.equal(await isUsable(beside), true, 'the other code')
          assert.equal(await isUsable(id), first !== 'refused', 'the code of the change')
        })

    test('a change that is bound or stale leaves what logins have proved', async () => {
      const member = await added({ phone: newPhone() })
      const [login, other] = [unlike(), unlike()]
      for (const one of [login, other]) {
        const proof = newIssue({ key: newKey({ subject: member.id, purpose: 'own-contact' }) })
        await store.verifications.issue(proof)
        const use = { id: proof.id, wrong: [], consumes: true, proof: { login: one, lastsMs: 60_000 } }
        await store.verifications.use(use)
      }
      const address = newMailbox()
      const id = await verified(member, address)
      for (const provedBy of [login, null])
        for (const reason of ['bound', 'stale'] as const) {
          // `bound` is about another address, so that the last change finds its own free.
          const change = await reasons[reason](changeOf(member, newMailbox(), id, { provedBy }))
          assert.equal((await directory.changeContact(change)).kind, reason)
        }
      const change = changeOf(member, address, id, { provedBy: other })
      assert.equal((await directory.changeContact(change)).kind, 'changed')
    })

    for (const [contact, newAddress] of [
      ['phone', newPhone],
      ['email', newMailbox],
    ] as const)
      test(`a right code takes the ${contact} of a disabled member, who loses that and no more`, async () => {
        const address = newAddress()
        const former = await added({
          phone: newPhone(),
          phoneCountry: 'chinaPR',
          email: newMailbox(),
          [contact]: address,
        })
        const tenant = unlike()
        await directory.addTenant({ id: tenant, name: 'Other', accountApp: 'a' })
        const elsewhere = newMember({ tenant, [contact]: address })
        await directory.putMembers([elsewhere])
        const member = await added()
        const id = await verified(member, address)
        assert.equal((await directory.changeContact(changeOf(member, address, id))).kind, 'bound')
        await directory.disableMember(former.id, true)
        assert.equal((await directory.changeContact(changeOf(member, address, id))).kind, 'changed')

        assert.deepEqual((await directory.member(member.id))?.[contact], address)
        assert.deepEqual(await directory.member(former.id), {
          ...former,
          isDisabled: true,
          [contact]: null,
          ...(contact === 'phone' && { phoneCountry: null }),
        })
        assert.deepEqual(await directory.member(elsewhere.id), elsewhere, 'of another tenant')
        const [loss, ...more] = await historyOf(former)
        assert.deepEqual(
          [loss?.verification, loss?.detail, more],
          [id, { contact, cause: 'taken-over', notices: 0 }, []],
        )
        assert.deepEqual(
          (await historyOf(member)).map((entry) => entry.detail),
          [{ contact, cause: 'code', notices: 0 }],
        )
        await directory.disableMember(former.id, false)
        const back = await verified(former, address)
        const change = changeOf({ ...former, [contact]: null }, address, back)
        assert.equal((await directory.changeContact(change)).kind, 'bound', 'it is the new holder’s')
      })

    test('members who race for the number of a disabled one: one gets it, nobody shares it', async () => {
      const phone = newPhone()
      const former = await added({ phone, isDisabled: true })
      const members = [await added(), await added(), await added(), await added()]
      const ids = await Promise.all(members.map((member) => verified(member, phone)))
      const results = await Promise.all(
        members.map((member, nth) => client(nth).directory.changeContact(changeOf(member, phone, ids[nth]!))),
      )
      assert.deepEqual(results.map(({ kind }) => kind).toSorted(), ['bound', 'bound', 'bound', 'changed'])
      const all = await Promise.all([former, ...members].map(({ id }) => directory.member(id)))
      assert.equal(all.filter((one) => one?.phone).length, 1)
      assert.equal((await historyOf(former)).length, 1)
    })

    test('who is allowed again while his number is taken either keeps it or has lost it', async () => {
      await Promise.all(
        times(8, async (nth) => {
          const phone = newPhone()
          const former = await added({ phone, isDisabled: true })
          const member = await added()
          const id = await verified(member, phone)
          const [{ kind }] = await Promise.all([
            client(nth).directory.changeContact(changeOf(member, phone, id)),
            client(nth + 1).directory.disableMember(former.id, false),
          ])
          assert.ok(kind === 'changed' || kind === 'bound', kind)
          const [was, is] = [await directory.member(former.id), await directory.member(member.id)]
          assert.deepEqual([was?.phone, is?.phone], kind === 'changed' ? [null, phone] : [phone, null])
          assert.equal(was?.isDisabled, false)
        }),
      )
    })

    const settingOf = (
      member: Member,
      contact: 'phone' | 'email',
      address: Address | null,
      change: Partial<ContactSetting> = {},
    ): ContactSetting => ({
      tenant: 't',
      app: 'a',
      member: member.id,
      contact,
      address,
      country: contact === 'phone' ? 'chinaPR' : null,
      seen: { phone: member.phone, email: member.email },
      notices: [],
      lease: { owner: '', ms: 0 },
      ...change,
    })

    test('the operator sets and clears contacts: codes end, notices are queued, the journal tells', async () => {
      const [phone, email] = [newPhone(), newMailbox()]
      const member = await added({ phone: newPhone(), email: newMailbox(), isDisabled: true })
      const code = await verified(member, newPhone())
      const notice = newMessage({ template: 'contact-changed' })
      const set = await directory.setContact(settingOf(member, 'phone', phone, { notices: [notice] }))
      assert.ok(set.kind === 'changed' && set.entries[0]?.message.id === notice.id)
      assert.equal(await isUsable(code), false)
      assert.equal((await claimed(store, notice.id))?.message.id, notice.id, 'due at once')
      const now = { ...member, phone, phoneCountry: 'chinaPR' }
      assert.deepEqual(await directory.member(member.id), now)
      assert.equal((await directory.setContact(settingOf(now, 'email', email))).kind, 'changed')
      assert.equal((await directory.setContact(settingOf({ ...now, email }, 'phone', null))).kind, 'changed')
      assert.equal(
        (await directory.setContact(settingOf({ ...now, email, phone: null }, 'email', null))).kind,
        'changed',
      )
      assert.deepEqual(await directory.member(member.id), {
        ...member,
        phone: null,
        phoneCountry: null,
        email: null,
      })
      assert.deepEqual(
        (await historyOf(member)).map(({ app, verification, detail }) => ({ app, verification, ...detail })),
        [
          ['phone', 1],
          ['email', 0],
          ['phone', 0],
          ['email', 0],
        ].map(([contact, notices]) => ({ app: 'a', verification: '', contact, cause: 'operator', notices })),
      )
      const next = await added()
      const id = await verified(next, phone)
      assert.equal((await directory.changeContact(changeOf(next, phone, id))).kind, 'changed', 'it is free')
    })

    test('the operator takes a number from a disabled member, and from nobody else', async () => {
      const [phone, other] = [newPhone(), newPhone()]
      const former = await added({ phone, isDisabled: true })
      await added({ phone: other })
      const member = await added()
      const beside = await verified(member, newPhone())
      const set = (setting: ContactSetting) => directory.setContact(setting)
      assert.deepEqual(await set(settingOf(newMember(), 'phone', newPhone())), { kind: 'unknown' })
      assert.deepEqual(await set(settingOf({ ...member, phone }, 'phone', other)), { kind: 'stale' })
      assert.deepEqual(await set(settingOf(member, 'phone', other, { lease })), { kind: 'bound' })
      assert.equal(await isUsable(beside), true)
      assert.equal((await set(settingOf(member, 'phone', phone))).kind, 'changed')
      assert.equal((await directory.member(former.id))?.phone, null)
      assert.equal((await historyOf(former)).length, 1)
      assert.equal((await set(settingOf({ ...member, phone }, 'phone', phone))).kind, 'changed', 'his own')
    })
  })
}
