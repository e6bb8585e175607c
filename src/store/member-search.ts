/** Searches and lists of a tenant's members: the statements, the same for both engines, and which of them are run. */

import { rootDepartment } from '../directory/department.ts'
import type { AdminRole, Member } from '../directory/directory.ts'
import { searchable } from './listing.ts'
import { pageStart } from './page-start.ts'

export type MemberQuery = {
  readonly tenant: string
  readonly offset: number
  /** 1 to 500. */
  readonly limit: number
  /** Found in any part of the name, English name, account, third account, e-mail or phone; empty: all. */
  readonly searchKey: string
  /** By names among those of one level, and by ids at last. */
  readonly sortField: 'sortLevel' | 'name' | 'account'
  readonly isAscending: boolean
  /** null: all of the tenant. */
  readonly dept: string | null
  /** Whether the departments below belong to it. */
  readonly withSubDepts: boolean
  readonly roles: readonly AdminRole[] | null
  readonly isDisabled: boolean | null
  /** Whether members may be found by phones that they hide. */
  readonly seesHidden: boolean
}

export const memberQueryDefaults = {
  offset: 0,
  limit: 10,
  searchKey: '',
  sortField: 'sortLevel',
  isAscending: true,
  dept: null,
  withSubDepts: true,
  roles: null,
  isDisabled: null,
  seesHidden: true,
} as const satisfies Omit<MemberQuery, 'tenant'>

export type FoundMembers = {
  /** Of all that were found. */
  readonly count: number
  /** Where the page begins: at the last page, if the query asks for what is past the end. */
  readonly offset: number
  readonly members: readonly Member[]
}

/** How an engine writes what SQL leaves to it. */
export type Dialect = {
  /** @param at  From 1. @param type  Of PostgreSQL. */
  parameter(at: number, type: 'text' | 'integer' | 'boolean' | 'json'): string
  contains(column: string, key: string): string
  /** The texts of a JSON array, as rows. */
  each(json: string): string
  /** The table, to be read by the index of this order. */
  listing(order: MemberQuery['sortField']): string
  row(columns: readonly string[]): string
  count: string
}

export type Value = string | number | boolean
/** The columns of an order, and the member's id at last. */
export type Place = readonly (string | number)[]

/** Runs a statement. Rows are places, or a number alone. */
export type Run<Row> = (text: string, values: readonly Value[]) => Promise<readonly Row[]>

const columnsOf = {
  sortLevel: ['sort_level', 'name', 'member'],
  name: ['name', 'member'],
  account: ['account', 'member'],
} as const

/**
 * As many are read in the first pass: if there are not more, one pass has found them and their count. Otherwise the second
 * one counts on from there, and a page far from both ends is read from the nearer one: one and a half passes at most.
 */
const firstRows = 1000

/** @returns The ids of the members of the page, in order. */
export async function searchListings(
  query: MemberQuery,
  dialect: Dialect,
  places: Run<Place>,
  counts: Run<number>,
): Promise<{ readonly count: number; readonly offset: number; readonly ids: readonly string[] }> {
  const { limit } = query
  const first = statementOf(query, dialect, { reads: 'places', most: firstRows })
  const head = await places(first.text, first.values)
  const last = head.length < firstRows ? undefined : head.at(-1)!
  const rest = last && statementOf(query, dialect, { reads: 'count', after: last })
  const count = head.length + (rest ? (await counts(rest.text, rest.values))[0]! : 0)
  const offset = pageStart(count, query)
  const end = Math.min(offset + limit, count)
  if (end <= head.length) return { count, offset, ids: idsIn(head.slice(offset, end)) }
  const isNearEnd = count - end < offset - head.length
  const page = statementOf(query, dialect, {
    reads: 'places',
    most: end - offset,
    ...(isNearEnd
      ? { isFromEnd: true, skip: count - end }
      : offset < head.length
        ? { skip: offset }
        : { after: last!, skip: offset - head.length }),
  })
  const ids = idsIn(await places(page.text, page.values))
  return { count, offset, ids: isNearEnd ? ids.toReversed() : ids }
}

const idsIn = (places: readonly Place[]): string[] => places.map((place) => place.at(-1) as string)

type Reading =
  | { readonly reads: 'count'; readonly after: Place }
  | {
      readonly reads: 'places'
      readonly most: number
      readonly skip?: number
      readonly after?: Place
      readonly isFromEnd?: boolean
    }

function statementOf(query: MemberQuery, dialect: Dialect, reading: Reading) {
  const { tenant, sortField, dept, roles, isDisabled } = query
  const values: Value[] = []
  const bound = (value: Value, type: Parameters<Dialect['parameter']>[1] = 'text') =>
    dialect.parameter(values.push(value), type)
  const columns = columnsOf[sortField]
  const conditions = [`l.tenant = ${bound(tenant)}`]
  if (reading.after) {
    const place = reading.after.map((value) => bound(value, typeof value === 'number' ? 'integer' : 'text'))
    const own = columns.map((column) => `l.${column}`)
    conditions.push(`(${own.join(', ')}) ${query.isAscending ? '>' : '<'} (${place.join(', ')})`)
  }
  const isWhole = dept === null || (dept === rootDepartment && query.withSubDepts)
  if (!isWhole && query.withSubDepts) {
    const [ofDepartment, code] = [bound(tenant), bound(dept)]
    conditions.push(`(l.dept_code = ${code} or l.dept_code in (
      select d.code from department d join department top on d.tenant = top.tenant
        and d.path >= top.path and d.path < top.path || '\u{10ffff}'
      where top.tenant = ${ofDepartment} and top.code = ${code}))`)
  } else if (!isWhole) conditions.push(`l.dept_code = ${bound(dept)}`)
  if (roles) conditions.push(`l.role in (${dialect.each(bound(JSON.stringify(roles), 'json'))})`)
  if (isDisabled !== null) conditions.push(`l.is_disabled = ${bound(isDisabled, 'boolean')}`)
  const key = searchable(query.searchKey).trim()
  if (key !== '') {
    const wanted = bound(key)
    const inWords = dialect.contains('l.words', wanted)
    conditions.push(
      query.seesHidden
        ? `(${inWords} or (l.hidden <> '' and ${dialect.contains('l.hidden', wanted)}))`
        : inWords,
    )
  }
  const from = `from ${dialect.listing(sortField)} where ${conditions.join(' and ')}`
  if (reading.reads === 'count') return { text: `select ${dialect.count} ${from}`, values }
  const direction = query.isAscending !== (reading.isFromEnd === true) ? '' : ' desc'
  const order = columns.map((column) => `l.${column}${direction}`).join(', ')
  const most = bound(reading.most, 'integer')
  const skip = bound(reading.skip ?? 0, 'integer')
  const found = `select ${columns.map((column) => `l.${column}`).join(', ')} ${from}
    order by ${order} limit ${most} offset ${skip}`
  return {
    // Made of the found rows alone: PostgreSQL makes it of each that it skips, too.
    text: `select ${dialect.row(columns.map((column) => `p.${column}`))} from (${found}) p`,
    values,
  }
}
