/** The contract for erasing people: what of the store goes, table by table, the same in every engine. */

import { type Address, addressKey } from '../address/address.ts'
import type { FormerMember } from '../directory/directory.ts'
import type { MovedRow } from './move/tables.ts'

/** People of one tenant who were members, by all that leads to what was kept about them. */
export type ErasedPeople = {
  readonly tenant: string
  /** The ids of the members, who must have been deleted, and other subjects of verifications that are only they. */
  readonly subjects: readonly string[]
  readonly addresses: readonly Address[]
  /** The tags of these in the journal, see `addressTags`. */
  readonly tags: readonly string[]
  /** Whole parts of limiter keys that stand for one of them within the tenant, and within the installation. */
  readonly limited: readonly string[]
  readonly limitedAnywhere: readonly string[]
}

/** The work that the deletion of a member leaves. It is kept with the deletion, so that no crash loses it. */
export type Erasures = {
  /** Takes deleted members whose turn it is, and keeps them from others for `leaseMs`. */
  claim(most: number, leaseMs: number): Promise<readonly FormerMember[]>
  /** Keeps those that have been claimed for longer. */
  renew(members: readonly string[], leaseMs: number): Promise<void>
  /** Whether any of the members is still to be erased. */
  areLeft(members: readonly string[]): Promise<boolean>
  /**
   * Erases what was kept about deleted members: verifications with their messages, dispatches and events, limiters; in the
   * journal who it was; at last the former members. In pieces; it may be called again after a failure.
   */
  erase(people: ErasedPeople): Promise<void>
}

/** A place in the passes: one piece goes on from it, and returns the next. */
export type ErasurePlace = { readonly pass: number; readonly after: string | number }

export const firstPlace: ErasurePlace = { pass: 0, after: 0 }
/** Rows looked at in a piece: few enough that no call waits long behind it. */
const piecesOf = 5_000
/** Of tables whose rows are compared with each person, fewer the more people there are. */
const namesAtOnce = 50
const fewestRows = 100

/** How many rows of a pass are looked at in a piece. */
export function rowsInPiece({ isByPerson }: Pass, { limited, subjects }: ErasedPeople): number {
  if (!isByPerson) return piecesOf
  const names = limited.length + subjects.length
  return Math.max(fewestRows, Math.floor((piecesOf * namesAtOnce) / (names + namesAtOnce)))
}

type Pass = {
  readonly table: string
  /** Its order. */
  readonly key: string
  readonly isNumber: boolean
  readonly isByPerson?: true
  /** What is done to a row for which the condition holds. */
  readonly act: 'delete' | { readonly set: string }
  /**
   * Over `t`, with the names of the people's values. `list(:x)` is each text in a list, `each(:x)` the same as rows with an
   * `item`, `place(a, b)` where in the text a b begins, 0 for nowhere.
   */
  readonly condition: string
}

const hasAny = (text: string, list: string) =>
  `exists (select 1 from each(${list}) where place(${text}, item) > 0)`
const isOf = (tenant: string, subject: string, address: string) =>
  `${tenant} = :tenant and (${subject} in list(:subjects) or ${address} in list(:addresses))`
const isMine = (v: string) => isOf(`${v}.tenant`, `${v}.member`, `${v}.address`)
/** Of the verification in an answer. */
const answered = (field: string) => `(t.result -> 'record' ->> '${field}')`
const ofMine = (column: string) =>
  `exists (select 1 from verification v where v.id = t.${column} and ${isMine('v')})`

const limiter = "(':' || t.key || ':')"
const isFormer = 't.tenant = :tenant and t.id in list(:subjects)'

/** Verifications come after all that is found by them. */
export const passes: readonly Pass[] = [
  { table: 'webhook_delivery', key: 'seq', isNumber: true, act: 'delete', condition: ofMine('verification') },
  {
    table: 'event',
    key: 'id',
    isNumber: false,
    isByPerson: true,
    act: 'delete',
    condition: `(${ofMine('verification')} or t.tenant = :tenant and ${hasAny('cast(t.facts as text)', ':named')})`,
  },
  {
    table: 'dispatch',
    key: 'about',
    isNumber: false,
    act: 'delete',
    condition: ofMine('about'),
  },
  {
    table: 'outbox',
    key: 'queued_at',
    isNumber: true,
    act: 'delete',
    // A notice is of no verification.
    condition: `(${ofMine('verification')} or t.body ->> 'tenant' = :tenant and ${hasAny('cast(t.body as text)', ':recipients')})`,
  },
  {
    table: 'journal',
    key: 'seq',
    isNumber: true,
    act: { set: "member = '', verification = '', address_tag = ''" },
    condition: 't.tenant = :tenant and (t.member in list(:subjects) or t.address_tag in list(:tags))',
  },
  // What calls that came by an idempotency key were answered.
  {
    table: 'once',
    key: 'key',
    isNumber: false,
    act: 'delete',
    condition: isOf(answered('tenant'), answered('subject'), answered('address')),
  },
  { table: 'verification', key: 'id', isNumber: false, act: 'delete', condition: isMine('t') },
  {
    table: 'ledger',
    key: 'key',
    isNumber: false,
    isByPerson: true,
    act: 'delete',
    condition: `(place(${limiter}, ':' || :tenant || ':') > 0 and ${hasAny(limiter, ':limited')} or ${hasAny(limiter, ':limitedAnywhere')})`,
  },
  {
    table: 'former_member',
    key: 'id',
    isNumber: false,
    act: { set: "account = '', contacts = '[]'" },
    condition: isFormer,
  },
  // Whoever takes this up after a crash finds that nothing else is left.
  { table: 'former_member', key: 'id', isNumber: false, act: 'delete', condition: isFormer },
]

/** The end of the piece of a pass, and the statement that does it, in the words of an engine. */
export function erasureText({ table, key, isNumber, act, condition }: Pass) {
  const from = isNumber ? `cast(:after as bigint)` : ':after'
  const to = isNumber ? `cast(:end as bigint)` : ':end'
  const where = `t.${key} > ${from} and t.${key} <= ${to} and ${condition}`
  return {
    end: `select ${key} as reached from ${table} t where t.${key} > ${from} order by t.${key} limit 1 offset cast(:rows as bigint) - 1`,
    last: `select max(${key}) as reached from ${table} t`,
    run:
      act === 'delete'
        ? `delete from ${table} as t where ${where}`
        : `update ${table} as t set ${act.set} where ${where}`,
  }
}

/** Whether the key of a limiter is one of these people's. */
export function isLimiterOf({ tenant, limited, limitedAnywhere }: ErasedPeople): (key: string) => boolean {
  const has = (key: string) => (part: string) => `:${key}:`.includes(`:${part}:`)
  return (key) => (has(key)(tenant) && limited.some(has(key))) || limitedAnywhere.some(has(key))
}

/**
 * Goes through all pieces, one after the other, so that calls are served in between.
 * @param beforeLast  Called when only the last pass is left, which ends the work.
 */
export async function eraseAll(
  piece: (place: ErasurePlace) => Promise<ErasurePlace | null>,
  pause: () => Promise<unknown>,
  beforeLast: () => Promise<void> = async () => undefined,
): Promise<void> {
  for (let place: ErasurePlace | null = firstPlace; place; ) {
    const next = await piece(place)
    if (next) await pause()
    if (next && next.pass !== place.pass && next.pass === passes.length - 1) await beforeLast()
    place = next
  }
}

/** The values of people by their names in the conditions. */
export function valuesOf(
  { tenant, ...people }: ErasedPeople,
  range: { after: string | number; end: string | number },
): MovedRow {
  const { subjects, addresses, tags, limited, limitedAnywhere } = people
  const parts = (names: readonly string[]) => JSON.stringify(names.map((name) => `:${name}:`))
  return {
    ...range,
    tenant,
    subjects: JSON.stringify(subjects),
    addresses: JSON.stringify(addresses.map(addressKey)),
    recipients: JSON.stringify(addresses.map((one) => `"to":${JSON.stringify(one)}`)),
    tags: JSON.stringify(tags),
    // As texts stand in JSON.
    named: JSON.stringify(subjects.map((subject) => JSON.stringify(subject))),
    limited: parts(limited),
    limitedAnywhere: parts(limitedAnywhere),
  }
}

/** The place after a piece. @param reached  The end of the piece; undefined: it was the last of its pass. */
export function placeAfter(
  { pass }: ErasurePlace,
  reached: string | number | undefined,
): ErasurePlace | null {
  if (reached !== undefined) return { pass, after: reached }
  const next = passes[pass + 1]
  return next ? { pass: pass + 1, after: next.isNumber ? 0 : '' } : null
}
