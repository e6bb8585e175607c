/** Every engine's duties when a change of a contact is undone, and with recoveries. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Address, addressKey } from '../../address/address.ts'
import { loginLimits, type Member, type Token } from '../../directory/directory.ts'
import type { ContactUndo, RecoveryStart, RecoveryStop } from '../contact-undo.ts'
import { newAuditEntry, wholeAudit } from './audit.ts'
import {
  type Clients,
  changeOf,
  lease,
  newIssue,
  newKey,
  newMailbox,
  newMember,
  newMessage,
  newPhone,
  times,
  unlike,
  useOf,
  verifiedIn,
} from './fixtures.ts'

const dayMs = 86_400_000

export function contactUndoConformance({ store, client }: Clients): void {
  const { directory, verifications } = store
  const added = async (change: Partial<Member> = {}): Promise<Member> => {
    const member = newMember({ phoneCountry: 'chinaPR', ...change })
    assert.deepEqual(await directory.putMembers([member]), [{ kind: 'added' }])
    return member
  }
  const seenOf = ({ phone, email }: Member) => ({ phone, email })
  /** As the store has it now. */
  const now = async ({ id }: Member) => (await directory.member(id))!
  const changedTo = async (member: Member, phone: Address): Promise<Member> => {
    const id = await verifiedIn(store, member, phone)
    assert.equal((await directory.changeContact(changeOf(member, phone, id))).kind, 'changed')
    return now(member)
  }
  const loggedIn = async ({ id, tenant }: Member): Promise<string> => {
    const at = Date.now()
    const of = { login: unlike(), tenant, app: 'a', member: id, clientType: 72, createdAt: at }
    const token = (kind: Token['kind']): Token => ({ hash: unlike(), kind, ...of, expiresAt: at + 60_000 })
    const [access, refresh] = [token('access'), token('refresh')]
    await directory.logIn({ access, refresh, limits: loginLimits(72) })
    return access.hash
  }
  /** A code to an address that somebody had. */
  const codeTo = async (address: Address): Promise<string> => {
    const subject = `undo:${unlike()}`
    const request = newIssue({
      key: newKey({ subject, address: addressKey(address), purpose: 'undo-change' }),
    })
    await verifications.issue(request)
    return request.id
  }
  const isUsable = async (id: string) => (await verifications.use(useOf(id))) !== undefined
  const undoOf = (
    member: Member,
    address: Address,
    verification: string,
    change: Partial<ContactUndo> = {},
  ): ContactUndo => ({
    ...{ tenant: 't', app: 'a', member: member.id, verification, wrong: [], address, seen: seenOf(member) },
    ...{ windowMs: 3 * dayMs, barMs: dayMs, notices: [], lease, ...change },
  })
  const startOf = (member: Member, address: Address, change: Partial<RecoveryStart> = {}): RecoveryStart => ({
    recovery: {
      ...{ tenant: 't', member: member.id, app: 'a', contact: 'phone', address, country: 'chinaPR' },
      ...{ locale: 'en-US', startedBy: 'operator' },
    },
    ...{ waitMs: dayMs, seen: seenOf(member), notices: [], lease, ...change },
  })
  const stopOf = (member: Member, address: Address, verification: string): RecoveryStop => ({
    ...{ tenant: 't', app: 'a', member: member.id, verification, wrong: [], address, notices: [], lease },
  })
  const due = async (member: Member) =>
    (await directory.dueRecoveries(1000)).filter((one) => one.member === member.id)
  const journalOf = async (member: Member) =>
    (await store.journal.read({ sinceMs: 0, most: 100_000 }))
      .filter((entry) => entry.member === member.id)
      .map(({ kind, detail }) => `${kind} ${detail.cause ?? detail.by ?? ''}`.trim())

  describe('undoing a change of a contact', () => {
    test('whoever undoes it, one does: the contact is back, logins and codes end, changes are barred', async () => {
      const [first, second, third] = [newPhone(), newPhone(), newPhone()]
      const before = await added({ phone: first })
      const member = await changedTo(await changedTo(before, second), third)
      const access = await loggedIn(member)
      const pending = await verifiedIn(store, member, newPhone())
      const [code, late] = [await codeTo(first), await codeTo(second)]
      const notice = newMessage({ template: 'contact-changed' })
      const results = await Promise.all(
        times(10, (nth) =>
          client(nth).directory.undoContact(undoOf(member, first, code, { notices: [notice] })),
        ),
      )
      const won = results.filter(({ kind }) => kind === 'changed')
      assert.equal(won.length, 1, results.map(({ kind }) => kind).join())
      assert.ok(won[0]?.kind === 'changed' && won[0].entries[0]?.message.id === notice.id)
      const back = await now(member)
      assert.deepEqual([back.phone, back.phoneCountry], [first, 'chinaPR'])
      assert.equal(await directory.session(access, ['access']), undefined)
      assert.equal(await isUsable(pending), false)
      assert.equal(await isUsable(code), false)

      const id = await verifiedIn(store, back, newPhone())
      const barred = await directory.changeContact(changeOf(back, newPhone(), id))
      assert.ok(barred.kind === 'barred' && barred.retryAfterMs > dayMs - 60_000, barred.kind)
      // What the undo took away, and what was changed after it, is nobody's to put back.
      assert.deepEqual((await directory.contactHistory(member.id)).former, [])
      assert.equal((await directory.undoContact(undoOf(back, second, late))).kind, 'refused')
      assert.ok(await isUsable(late), 'a refused undo leaves its code')
      assert.deepEqual((await journalOf(member)).slice(-3), [
        'contact-changed code',
        'contact-changed code',
        'contact-changed undo',
      ])
    })

    test('an undo and a change race: the old contact is there at the end', async () => {
      const [first, second, third] = [newPhone(), newPhone(), newPhone()]
      const member = await changedTo(await added({ phone: first }), second)
      const [code, id] = [await codeTo(first), await verifiedIn(store, member, third)]
      const [undone, change] = await Promise.all([
        client(0).directory.undoContact(undoOf(member, first, code)),
        client(1).directory.changeContact(changeOf(member, third, id)),
      ])
      if (undone.kind === 'stale') {
        assert.equal(change.kind, 'changed')
        const again = await directory.undoContact(undoOf(await now(member), first, code))
        assert.equal(again.kind, 'changed')
      } else assert.equal(`${undone.kind} ${change.kind === 'changed'}`, 'changed false')
      assert.deepEqual((await now(member)).phone, first)
    })

    test('only a lost contact is put back, within the time, and from nobody who has it now', async () => {
      const [first, second] = [newPhone(), newPhone()]
      const member = await changedTo(await added({ phone: first }), second)
      const kindOf = async (address: Address, change: Partial<ContactUndo> = {}) => {
        const code = await codeTo(address)
        const { kind } = await directory.undoContact(undoOf(member, address, code, change))
        if (kind !== 'changed') assert.ok(await isUsable(code), 'it stays')
        return kind
      }
      assert.equal(await kindOf(newPhone()), 'refused')
      assert.equal(await kindOf(second), 'refused')
      assert.equal(await kindOf(first, { windowMs: 0 }), 'refused')
      assert.equal(await kindOf(first, { tenant: 'other' }), 'refused')
      assert.equal(await kindOf(first, { seen: { phone: first, email: null } }), 'stale')
      const other = await added({ phone: first })
      assert.equal(await kindOf(first), 'bound')
      assert.equal((await directory.undoable(first)).former[0]?.member, member.id)
      const batch = { tenant: 't', members: [other] }
      assert.equal((await directory.deleteMembers({ ...batch, audit: [] })).kind, 'done')
      assert.equal(await kindOf(first), 'changed')
    })

    test('every way to change a contact keeps the old one, and deleting the member forgets all', async () => {
      const [first, second, third, fourth] = [newPhone(), newPhone(), newPhone(), newPhone()]
      const member = await changedTo(await added({ phone: first }), second)
      const of = { tenant: 't', app: 'a', member: member.id, lease }
      const contact = { contact: 'phone', country: 'chinaPR', notices: [] } as const
      const updated = await directory.updateMember({
        ...of,
        ...{ change: {}, contacts: [{ ...contact, address: third }], seen: seenOf(member) },
      })
      assert.equal(updated.kind, 'changed')
      const set = { ...of, ...contact, address: fourth, seen: seenOf(await now(member)) }
      assert.equal((await directory.setContact(set)).kind, 'changed')
      assert.deepEqual(await directory.putMembers([{ ...(await now(member)), phone: null }]), [
        { kind: 'updated' },
      ])
      const kept = (await directory.contactHistory(member.id)).former.map(({ address }) =>
        addressKey(address),
      )
      assert.deepEqual(kept, [first, second, third, fourth].map(addressKey))
      const cleared = { ...set, address: null, country: null, seen: seenOf(await now(member)) }
      assert.equal((await directory.setContact({ ...cleared, isGivenAway: true })).kind, 'changed')
      assert.deepEqual((await directory.contactHistory(member.id)).former, [], 'given away for good')

      const next = await changedTo(await now(member), newPhone())
      await changedTo(next, newPhone())
      assert.equal((await directory.contactHistory(member.id)).former.length, 1)
      const started = await directory.startRecovery(startOf(await now(member), newPhone()))
      assert.equal(started.kind, 'started')
      const batch = { tenant: 't', members: [member], audit: [] }
      assert.equal((await directory.deleteMembers(batch)).kind, 'done')
      assert.deepEqual(await directory.contactHistory(member.id), { former: [], recoveries: [] })
    })
  })

  describe('recoveries', () => {
    test('one is under way at a time; it is not applied before its time; a present contact stops it', async () => {
      const [phone, email, next] = [newPhone(), newMailbox(), newPhone()]
      const member = await added({ phone, email })
      const audit = newAuditEntry({ act: 'member.recover', target: member.id })
      const starts = await Promise.all(
        times(10, (nth) => client(nth).directory.startRecovery(startOf(member, next, { audit }))),
      )
      assert.deepEqual(starts.map(({ kind }) => kind).toSorted(), [...Array(9).fill('pending'), 'started'])
      assert.equal((await wholeAudit(store)).filter(({ target }) => target === member.id).length, 1)
      assert.deepEqual(await due(member), [])
      const [recovery] = (await directory.undoable(email)).recoveries
      assert.ok(recovery && recovery.dueAt - recovery.startedAt === dayMs)
      const apply = { recovery, seen: seenOf(member), notices: [], lease }
      assert.equal((await directory.applyRecovery(apply)).kind, 'gone')

      const strange = newPhone()
      const wrong = await directory.stopRecovery(stopOf(member, strange, await codeTo(strange)))
      assert.equal(wrong.kind, 'refused')
      const code = await codeTo(email)
      const stops = await Promise.all(
        times(4, (nth) => client(nth).directory.stopRecovery(stopOf(member, email, code))),
      )
      assert.equal(stops.filter(({ kind }) => kind === 'stopped').length, 1)
      assert.deepEqual(await now(member), member)
      assert.deepEqual(await journalOf(member), ['recovery-started', 'recovery-stopped email'])
    })

    test('a due one is applied once, however many look, and the old contact may undo it', async () => {
      const [phone, next] = [newPhone(), newPhone()]
      const member = await added({ phone })
      const started = await directory.startRecovery(startOf(member, next, { waitMs: 0 }))
      assert.equal(started.kind, 'started')
      const [recovery] = await due(member)
      assert.ok(recovery)
      const notice = newMessage({ template: 'contact-changed' })
      const apply = { recovery, seen: seenOf(member), notices: [notice], lease }
      const stale = { ...apply, seen: { phone: next, email: null } }
      assert.equal((await directory.applyRecovery(stale)).kind, 'stale')
      const results = await Promise.all(times(10, (nth) => client(nth).directory.applyRecovery(apply)))
      assert.deepEqual(results.map(({ kind }) => kind).toSorted(), ['changed', ...Array(9).fill('gone')])
      assert.deepEqual((await now(member)).phone, next)
      assert.deepEqual(await due(member), [])
      assert.deepEqual(await journalOf(member), ['recovery-started', 'contact-changed recovery'])
      const undone = await directory.undoContact(undoOf(await now(member), phone, await codeTo(phone)))
      assert.equal(undone.kind, 'changed')
    })

    test('one whose contact is another member’s by then is dropped; one is cancelled by who started it', async () => {
      const next = newPhone()
      const member = await added({ phone: newPhone() })
      assert.equal((await directory.startRecovery(startOf(member, next, { waitMs: 0 }))).kind, 'started')
      await added({ phone: next })
      const [recovery] = await due(member)
      const apply = { recovery: recovery!, seen: seenOf(member), notices: [], lease }
      assert.equal((await directory.applyRecovery(apply)).kind, 'dropped')
      assert.equal((await directory.startRecovery(startOf(member, next))).kind, 'bound')
      assert.equal((await directory.startRecovery(startOf(member, newPhone()))).kind, 'started')
      const cancel = { tenant: 't', app: 'a', member: member.id, by: 'operator' } as const
      assert.equal(await directory.cancelRecovery({ ...cancel, tenant: 'other' }), false)
      assert.equal(await directory.cancelRecovery(cancel), true)
      assert.equal(await directory.cancelRecovery(cancel), false)
      const unknown = newMember({ phone: newPhone() })
      assert.equal((await directory.startRecovery(startOf(unknown, newPhone()))).kind, 'unknown')
      assert.deepEqual(await journalOf(member), [
        'recovery-started',
        'recovery-stopped bound',
        'recovery-started',
        'recovery-stopped operator',
      ])
    })
  })
}
