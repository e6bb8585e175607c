/** The contract for erasing a person: what of the store goes, table by table, the same in every engine. */

import type { MovedRow } from './move/tables.ts'

/** A person who was a member, by all that leads to what was kept about them. */
export type ErasedPerson = {
  readonly tenant: string
  /** The id of the member, who must have been deleted. */
  readonly member: string
  /** The identities of their addresses, see `addressKey`. */
  readonly addresses: readonly string[]
  /** The tags of these in the journal, see `addressTags`. */
  readonly tags: readonly string[]
  /** Parts of keys of limiters that stand for them; see `limitedNames`. */
  readonly limited: readonly string[]
}

/** A place in the passes: one piece goes on from it, and returns the next. */
export type ErasurePlace = { readonly pass: number; readonly after: string | number }

export const firstPlace: ErasurePlace = { pass: 0, after: 0 }
/** Rows looked at in a piece: few enough that no call waits long behind it. */
export const piecesOf = 5_000

type Pass = {
  readonly table: string
  /** Its order. */
  readonly key: string
  readonly isNumber: boolean
  /** What is done to a row for which the condition holds. */
  readonly act: 'delete' | { readonly set: string }
  /** Over `t`, with the names of the person's values; `list(:x)` is each text in a list. */
  readonly condition: string
}

const mine = (v: string) =>
  `${v}.tenant = :tenant and (${v}.member = :member or ${v}.address in list(:addresses))`
const ofMine = (column: string) =>
  `exists (select 1 from verification v where v.id = t.${column} and ${mine('v')})`

/** Verifications come after all that is found by them. Notices that still wait go by their own deadline. */
export const passes: readonly Pass[] = [
  { table: 'webhook_delivery', key: 'seq', isNumber: true, act: 'delete', condition: ofMine('verification') },
  {
    table: 'event',
    key: 'id',
    isNumber: false,
    act: 'delete',
    condition: `(${ofMine('verification')} or t.tenant = :tenant and cast(t.facts as text) like '%' || :member || '%')`,
  },
  {
    table: 'dispatch',
    key: 'about',
    isNumber: false,
    act: 'delete',
    condition: ofMine('about'),
  },
  // SQLite keeps messages that wait with the dispatches.
  { table: 'outbox', key: 'queued_at', isNumber: true, act: 'delete', condition: ofMine('verification') },
  {
    table: 'journal',
    key: 'seq',
    isNumber: true,
    act: { set: "member = '', verification = '', address_tag = ''" },
    condition: 't.tenant = :tenant and (t.member = :member or t.address_tag in list(:tags))',
  },
  { table: 'verification', key: 'id', isNumber: false, act: 'delete', condition: mine('t') },
  {
    table: 'ledger',
    key: 'key',
    isNumber: false,
    act: 'delete',
    condition: `exists (select 1 from each(:limited) where t.key like '%' || item || '%')`,
  },
  {
    table: 'former_member',
    key: 'id',
    isNumber: false,
    act: 'delete',
    condition: 't.id = :member and t.tenant = :tenant',
  },
]

/** The end of the piece of a pass, and the statement that does it, in the words of an engine. */
export function erasureText({ table, key, isNumber, act, condition }: Pass) {
  const from = isNumber ? `cast(:after as bigint)` : ':after'
  const to = isNumber ? `cast(:end as bigint)` : ':end'
  const where = `t.${key} > ${from} and t.${key} <= ${to} and ${condition}`
  return {
    end: `select ${key} as reached from ${table} t where t.${key} > ${from} order by t.${key} limit 1 offset ${piecesOf - 1}`,
    last: `select max(${key}) as reached from ${table} t`,
    run:
      act === 'delete'
        ? `delete from ${table} as t where ${where}`
        : `update ${table} as t set ${act.set} where ${where}`,
  }
}

/** Parts of limiter keys: those of the member, of its account's passwords, and of each address within the tenant. */
export function limitedNames(
  tenant: string,
  member: string,
  account: string,
  addresses: readonly string[],
): readonly string[] {
  return [
    `${tenant}:${member}`,
    ...(account === '' ? [] : [account]),
    ...addresses.map((one) => `${tenant}:${one}`),
  ]
}

/** Goes through all pieces, one after the other, so that calls are served in between. */
export async function eraseAll(
  piece: (place: ErasurePlace) => Promise<ErasurePlace | null>,
  pause: () => Promise<unknown>,
): Promise<void> {
  for (let place: ErasurePlace | null = firstPlace; place; ) {
    place = await piece(place)
    if (place) await pause()
  }
}

/** The values of a person by their names in the conditions. */
export function valuesOf(
  person: ErasedPerson,
  range: { after: string | number; end: string | number },
): MovedRow {
  const { tenant, member, addresses, tags, limited } = person
  return {
    ...range,
    tenant,
    member,
    addresses: JSON.stringify(addresses),
    tags: JSON.stringify(tags),
    limited: JSON.stringify(limited),
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
