/** The one step that changes a contact: the member, the verification and its proof, the journal and the notices. */

import { type Address, addressKey } from '../../address/address.ts'
import type { ContactChange, ContactChangeResult } from '../directory.ts'
import { stateNumber } from '../numbering.ts'
import { newNeeds, writesOf } from './held.ts'
import { markUsed } from './hot-verbs.ts'
import { type MemberRow, memberOf } from './rows.ts'
import { type Bound, bind, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

/** Members are locked before anything that a batch locks, and batches lock none. */
const lockMember = sql('select to_json(m) from member m where m.id = $1 for update')
const selectHolder = sql(`
  select to_json(id) from member where tenant = $1 and (phone_key = $2 or email_key = $2)`)
/** Nobody uses it up in the meantime: whoever would holds the member first. */
const selectProof = sql(`
  select to_json(true) from login_proof where member = $1 and login = $2 and expires_at > ${engineTime}`)
/** In the order in which batches write them. */
const endProofs = sql(`
  with ended as (select member, login from login_proof where member = $1 order by login for update)
  delete from login_proof p using ended where p.member = ended.member and p.login = ended.login`)
const setPhone = sql('update member set phone_key = $2, phone = $3::json, phone_country = $4 where id = $1')
const setEmail = sql('update member set email_key = $2, email = $3::json where id = $1')

/** Of two members that race for one address the index refuses one, which begins anew and finds it bound. */
export function changeContact(
  transactions: Transactions,
  until: number,
  change: ContactChange,
  adopting: readonly Bound[] = [],
): Promise<ContactChangeResult> {
  const { tenant, app, member: id, address, verification } = change
  const key = addressKey(address)
  const needs = newNeeds('')
  needs.ids.add(verification)
  needs.acceptances.add(verification)
  needs.liveOf(tenant, id)
  for (const take of change.wrong) needs.ledgers.add(take.key)
  const { statements, hold } = needs.reads()
  const first = [...adopting, bind(lockMember, id), bind(selectHolder, tenant, key), ...statements]
  const nothing = (result: ContactChangeResult) => ({ writes: [], result })

  return transactions.decide<ContactChangeResult>(until, first, async (rows, { now, run }) => {
    const [members, holders, ...kept] = rows.slice(adopting.length)
    const row = members![0] as MemberRow | undefined
    const member = row && memberOf(row)
    if (!member || member.isDisabled) return nothing({ kind: 'refused' })
    if (!isSame(member.phone, change.seen.phone) || !isSame(member.email, change.seen.email))
      return nothing({ kind: 'stale' })
    if (holders!.some((holder) => holder !== id)) return nothing({ kind: 'bound' })
    const held = hold(kept, now)
    const usable = held.verifications.usable(verification, now)
    if (!usable) return nothing({ kind: 'refused' })
    const { provedBy } = change
    if (provedBy !== null && (await run(bind(selectProof, id, provedBy)))[0]!.length === 0)
      return nothing({ kind: 'unproven' })

    held.verifications.change(verification, { state: stateNumber.used })
    held.verifications.endLiveOf(tenant, id)
    const used = markUsed(held, usable)
    held.ledgers.giveBack(change.wrong)
    if (change.repeat !== undefined) held.verifications.putRepeat(change.repeat, usable.expires_at)
    const isPhone = address.kind === 'phone'
    held.journal.append({
      kind: 'contact-changed',
      tenant,
      app,
      member: id,
      verification,
      detail: { contact: isPhone ? 'phone' : 'email', notices: change.notices.length },
    })
    const entries = change.notices.map((notice) => held.outbox.put(notice, change.lease))
    const set: Bound = isPhone
      ? bind(setPhone, id, key, JSON.stringify(address), change.country)
      : bind(setEmail, id, key, JSON.stringify(address))
    return {
      writes: [set, ...writesOf(held), bind(endProofs, id)],
      result: { kind: 'changed', entries, used },
    }
  })
}

function isSame(a: Address | null, b: Address | null): boolean {
  return a === null || b === null ? a === b : addressKey(a) === addressKey(b)
}
