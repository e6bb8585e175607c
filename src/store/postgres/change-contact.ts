/** The one step that changes a contact: the member, the verification and its proof, the journal and the notices. */

import { type Address, addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import type {
  ContactChange,
  ContactChangeResult,
  ContactSetting,
  ContactSettingResult,
} from '../directory.ts'
import { stateNumber } from '../numbering.ts'
import { isStale } from '../stale.ts'
import type { Rows } from './connection.ts'
import { type Held, newNeeds, writesOf } from './held.ts'
import { markUsed } from './hot-verbs.ts'
import { type MemberRow, memberOf } from './rows.ts'
import { type Bound, bind, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

/** The member and who has the address. Members are locked before anything that a batch locks, and batches lock none. */
const lockMembers = sql(`
  select to_json(m)
  from (
    select $1::text as id
    union select h.id from member h where h.tenant = $2 and h.phone_key = $3
    union select h.id from member h where h.tenant = $2 and h.email_key = $3) as related
  join member m on m.id = related.id
  order by m.id for update of m`)
/** Nobody uses it up in the meantime: whoever would holds the member first. */
const selectProof = sql(`
  select to_json(true) from login_proof where member = $1 and login = $2 and expires_at > ${engineTime}`)
/** In the order in which batches write them. */
const endProofs = sql(`
  with ended as (select member, login from login_proof where member = $1 order by login for update)
  delete from login_proof p using ended where p.member = ended.member and p.login = ended.login`)
const setPhone = sql('update member set phone_key = $2, phone = $3::json, phone_country = $4 where id = $1')
const setEmail = sql('update member set email_key = $2, email = $3::json where id = $1')

/** Codes and proofs that are not here but in a faster store. */
export type Elsewhere = {
  /** Ends the member's live codes and proofs there. Called when nothing but the commit can fail any more. */
  endLive(): Promise<void>
}

/** Of two members that race for one address the index refuses one, which begins anew and finds it bound. */
export function changeContact(
  transactions: Transactions,
  until: number,
  change: ContactChange,
  elsewhere?: Elsewhere & { readonly adopting: Bound; readonly isProven: boolean },
): Promise<ContactChangeResult> {
  const { tenant, member: id, address, verification } = change
  const needs = newNeeds('')
  needs.ids.add(verification)
  needs.acceptances.add(verification)
  needs.liveOf(tenant, id)
  for (const limit of change.wrong) needs.limiters.add(limit.key)
  const { statements, hold } = needs.reads()
  const adopting = elsewhere ? [elsewhere.adopting] : []
  const first = [...adopting, lockFor(change), ...statements]
  const nothing = (result: ContactChangeResult) => ({ writes: [], result })

  return transactions.decide<ContactChangeResult>(until, first, async (rows, { now, run }) => {
    const [members, ...kept] = rows.slice(adopting.length)
    const { member, holder } = membersIn(members!, change)
    const held = hold(kept, now)
    const usable = held.verifications.usable(verification, now)
    if (!member || member.isDisabled || !usable) return nothing({ kind: 'refused' })
    if (isStale(member, change.seen)) return nothing({ kind: 'stale' })
    if (holder && !holder.isDisabled) return nothing({ kind: 'bound' })
    const { provedBy } = change
    const isProven =
      provedBy === null ||
      (elsewhere ? elsewhere.isProven : (await run(bind(selectProof, id, provedBy)))[0]!.length > 0)
    if (!isProven) return nothing({ kind: 'unproven' })

    const replaced = replaceContact(held, holder, { ...change, contact: address.kind, cause: 'code' })
    held.verifications.change(verification, { state: stateNumber.used })
    held.verifications.endLiveOf(tenant, id)
    const used = markUsed(held, usable)
    held.limiters.refund(change.wrong)
    if (change.repeat !== undefined) held.verifications.putRepeat(change.repeat, usable.expires_at)
    const entries = change.notices.map((notice) => held.outbox.put(notice, change.lease))
    const left = await endedElsewhere(replaced, elsewhere, run)
    return {
      writes: [...left, ...writesOf(held), bind(endProofs, id)],
      result: { kind: 'changed', entries, used },
    }
  })
}

export function setContact(
  transactions: Transactions,
  until: number,
  setting: ContactSetting,
  elsewhere?: Elsewhere,
): Promise<ContactSettingResult> {
  const { tenant, member: id } = setting
  const needs = newNeeds('')
  needs.liveOf(tenant, id)
  const { statements, hold } = needs.reads()
  const nothing = (kind: 'unknown' | 'stale' | 'bound') => ({ writes: [], result: { kind } })

  return transactions.decide<ContactSettingResult>(
    until,
    [lockFor(setting), ...statements],
    async ([members, ...kept], { now, run }) => {
      const { member, holder } = membersIn(members!, setting)
      if (!member) return nothing('unknown')
      if (isStale(member, setting.seen)) return nothing('stale')
      if (holder && !holder.isDisabled) return nothing('bound')
      const held = hold(kept, now)
      const replaced = replaceContact(held, holder, { ...setting, verification: '', cause: 'operator' })
      held.verifications.endLiveOf(tenant, id)
      const entries = setting.notices.map((notice) => held.outbox.put(notice, setting.lease))
      const left = await endedElsewhere(replaced, elsewhere, run)
      return {
        writes: [...left, ...writesOf(held), bind(endProofs, id)],
        result: { kind: 'changed', entries },
      }
    },
  )
}

type Wanted = Pick<ContactSetting, 'tenant' | 'member' | 'address'>

function lockFor({ tenant, member, address }: Wanted): Bound {
  return bind(lockMembers, member, tenant, address && addressKey(address))
}

/** @returns The member, and the other one who has the address. */
function membersIn(rows: Rows, { member: id, address }: Wanted): { member?: Member; holder?: Member } {
  const all = rows as readonly MemberRow[]
  const key = address && addressKey(address)
  const own = all.find((row) => row.id === id)
  // Not all that were selected: one may have given it up while its row was waited for.
  const other = all.find((row) => row.id !== id && (row.phone_key === key || row.email_key === key))
  return { ...(own && { member: memberOf(own) }), ...(other && key && { holder: memberOf(other) }) }
}

/** @param holder  Loses it. @returns Statements, in their order. */
function replaceContact(
  held: Held,
  holder: Member | undefined,
  change: ContactSetting & { readonly verification: string; readonly cause: 'code' | 'operator' },
): Bound[] {
  const { tenant, app, member, contact, address, country, verification, cause, notices } = change
  const write = (id: string, to: Address | null): Bound => {
    const values = [to && addressKey(to), to && JSON.stringify(to)] as const
    return contact === 'phone' ? bind(setPhone, id, ...values, to && country) : bind(setEmail, id, ...values)
  }
  const entry = { kind: 'contact-changed', tenant, app, verification } as const
  if (holder) {
    const detail = { contact, cause: 'taken-over', notices: 0 }
    held.journal.append({ ...entry, member: holder.id, detail })
  }
  held.journal.append({ ...entry, member, detail: { contact, cause, notices: notices.length } })
  return [...(holder ? [write(holder.id, null)] : []), write(member, address)]
}

/**
 * What is ended elsewhere cannot be taken back. So the members are written before: of two that race for one address
 * the loser is refused there, and keeps its codes.
 * @returns What is left to write.
 */
async function endedElsewhere(
  statements: readonly Bound[],
  elsewhere: Elsewhere | undefined,
  run: (...statements: readonly Bound[]) => Promise<readonly Rows[]>,
): Promise<readonly Bound[]> {
  if (!elsewhere) return statements
  await run(...statements)
  await elsewhere.endLive()
  return []
}
