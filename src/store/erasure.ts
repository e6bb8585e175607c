/** The contract for erasing people: what of the store goes, table by table, the same in every engine. */

import type { FormerMember } from '../directory/directory.ts'
import { undoTenant } from '../throttle/policy.ts'
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
  /** Whole parts of limiter keys, with the colons in them, that stand for the person; see `limitedNames`. */
  readonly limited: readonly string[]
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
  erase(people: readonly ErasedPerson[]): Promise<void>
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
  /**
   * Over `t`, with the names of the people's values. `list(:x)` is each text in a list, `each(:x)` the same as rows with an
   * `item`, `place(a, b)` where in the text a b begins, 0 for nowhere.
   */
  readonly condition: string
}

/** Between two texts that are one in a list. No tenant has it. */
const between = '\u001f'
const withTenant = (tenant: string, text: string) => `${tenant}${between}${text}`
const pair = (a: string, b: string) => `${a} || '${between}' || ${b}`
/** Texts of JSON that name a person are looked for with their quotes. */
const hasAny = (text: string, list: string) =>
  `exists (select 1 from each(${list}) where place(cast(${text} as text), item) > 0)`

/** @param names  A list of `namesOf` people, in the words of an engine. */
const isOf = (tenant: string, subject: string, address: string, names: string) =>
  `(${pair(tenant, subject)} in ${names} or ${pair(tenant, address)} in ${names})`
/** Whether a verification is of people. */
export const isMine = (v: string, names = 'list(:names)'): string =>
  isOf(`${v}.tenant`, `${v}.member`, `${v}.address`, names)
/** Of the verification in an answer. */
const answered = (field: string) => `(t.result -> 'record' ->> '${field}')`
const ofMine = (column: string) =>
  `exists (select 1 from verification v where v.id = t.${column} and ${isMine('v')})`

/** Verifications come after all that is found by them. Notices that still wait go by their own deadline. */
export const passes: readonly Pass[] = [
  { table: 'webhook_delivery', key: 'seq', isNumber: true, act: 'delete', condition: ofMine('verification') },
  {
    table: 'event',
    key: 'id',
    isNumber: false,
    act: 'delete',
    condition: `(${ofMine('verification')} or t.tenant in list(:tenants) and ${hasAny('t.facts', ':named')})`,
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
    condition: `(${pair('t.tenant', 't.member')} in list(:names) or ${pair('t.tenant', 't.address_tag')} in list(:tags))`,
  },
  // What calls that came by an idempotency key were answered.
  {
    table: 'once',
    key: 'key',
    isNumber: false,
    act: 'delete',
    condition: isOf(answered('tenant'), answered('subject'), answered('address'), 'list(:names)'),
  },
  { table: 'verification', key: 'id', isNumber: false, act: 'delete', condition: isMine('t') },
  {
    table: 'ledger',
    key: 'key',
    isNumber: false,
    act: 'delete',
    condition: hasAny(`':' || t.key || ':'`, ':limited'),
  },
  {
    table: 'former_member',
    key: 'id',
    isNumber: false,
    act: 'delete',
    condition: `${pair('t.tenant', 't.id')} in list(:names)`,
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

/** Parts of limiter keys: those of the member, of its account's passwords, and of each address within the tenant, and in undoing. */
export function limitedNames(
  tenant: string,
  member: string,
  account: string,
  addresses: readonly string[],
): readonly string[] {
  return [
    `${tenant}:${member}`,
    ...(account === '' ? [] : [account]),
    ...addresses.flatMap((one) => [`${tenant}:${one}`, `${undoTenant}:${one}`]),
  ]
}

/** Whether the key of a limiter is one of these people's. */
export function isLimiterOf(people: readonly ErasedPerson[]): (key: string) => boolean {
  const names = people.flatMap(({ limited }) => limited).map((name) => `:${name}:`)
  return (key) => names.some((name) => `:${key}:`.includes(name))
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

/** Subjects and addresses of people, each with its tenant. */
export function namesOf(people: readonly ErasedPerson[]): readonly string[] {
  return people.flatMap(({ tenant, member, addresses }) =>
    [member, ...addresses].map((text) => withTenant(tenant, text)),
  )
}

/** The values of people by their names in the conditions. */
export function valuesOf(
  people: readonly ErasedPerson[],
  range: { after: string | number; end: string | number },
): MovedRow {
  const all = (of: (person: ErasedPerson) => readonly string[]) => JSON.stringify(people.flatMap(of))
  return {
    ...range,
    tenants: all(({ tenant }) => [tenant]),
    names: JSON.stringify(namesOf(people)),
    tags: all(({ tenant, tags }) => tags.map((tag) => withTenant(tenant, tag))),
    named: all(({ member }) => [JSON.stringify(member)]),
    limited: all(({ limited }) => limited.map((name) => `:${name}:`)),
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
