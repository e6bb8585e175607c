/** Searches, lists and additions of members in a tenant of 100,000, what sends wait beside them, and additions over HTTP. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { departmentDefaults, rootDepartment } from '../src/directory/department.ts'
import { type Member, memberDefaults } from '../src/directory/directory.ts'
import { randomHex } from '../src/random.ts'
import { newIssue } from '../src/store/conformance/fixtures.ts'
import { type MemberQuery, memberQueryDefaults } from '../src/store/member-search.ts'
import { openPostgresStore } from '../src/store/postgres/postgres-store.ts'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import type { Store } from '../src/store/store.ts'
import { startPostgres } from '../test/postgres.ts'
import { appLogin, newNumber, paths, startServer } from '../test/server.ts'
import { fixed, heading, row } from './figures.ts'
import { patientMs } from './installations.ts'

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '100000' },
    runs: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '4' },
    only: { type: 'string' },
  },
})
const [members, runs, seconds] = [Number(values.members), Number(values.runs), Number(values.seconds)]

const families = [...'王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑']
const given = [...'伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超霞平刚桂兰']
const departments = Math.min(500, members / 10)
const pick = <T>(all: readonly T[], nth: number): T => all[nth % all.length]!

/** The same at each run, apart from the id. */
function member(tenant: string, nth: number): Member {
  const name = pick(families, nth * 7) + pick(given, nth * 11) + pick(given, Math.floor(nth / 13))
  const number = 130_0000_0000 + ((nth * 7_919_993) % 69_9999_9999)
  const account = `user${nth}.${randomHex(2)}`
  const mailbox = `${account}@example.com`
  return {
    ...memberDefaults,
    id: randomHex(16),
    tenant,
    account,
    thirdAccount: nth % 2 === 0 ? `E${100_000 + nth}` : null,
    passwordHash: null,
    role: nth % 1000 === 0 ? 'admin' : 'none',
    isDisabled: nth % 50 === 0,
    profile: { name, englishName: `Wei ${nth}`, signature: '', title: 'engineer', description: '' },
    deptCode: `d${nth % departments}`,
    phone: { kind: 'phone', e164: `+86${number}`, region: 'CN' },
    phoneCountry: 'chinaPR',
    email: { kind: 'email', mailbox, canonical: mailbox, needsSmtpUtf8: false },
    createdAt: nth,
  }
}

async function fill({ directory }: Store): Promise<void> {
  for (const tenant of ['t', 'other']) {
    await directory.addTenant({ id: tenant, name: tenant, accountApp: 'a' })
    for (let nth = 0; nth < departments; nth++) {
      const parent = nth < 10 ? rootDepartment : `d${nth % 10}`
      await directory.addDepartment({
        ...departmentDefaults,
        tenant,
        code: `d${nth}`,
        name: `d${nth}`,
        parent,
      })
    }
    for (let at = 0; at < members; at += 1000)
      await directory.putMembers(
        Array.from({ length: Math.min(1000, members - at) }, (_, nth) => member(tenant, at + nth)),
      )
  }
}

const searches: Readonly<Record<string, Partial<MemberQuery>>> = {
  'first page of all': {},
  'page 5,000 of all, by name': { sortField: 'name', offset: members / 2 },
  'one letter': { searchKey: 'e' },
  'one letter, page in the middle': { searchKey: 'e', offset: members / 2 },
  'one letter, by name, backwards': { searchKey: 'e', sortField: 'name', isAscending: false },
  'two Chinese characters': { searchKey: '王伟' },
  'one Chinese character, by account': { searchKey: '伟', sortField: 'account' },
  'four digits of a phone': { searchKey: '1388' },
  'a whole phone': { searchKey: '13579' },
  'frequent text': { searchKey: 'example.com', limit: 500 },
  'frequent text, last page': { searchKey: 'example.com', offset: members },
  'rare text': { searchKey: 'user4242.' },
  'nobody has it': { searchKey: 'nobody' },
  'subtree of departments': { dept: 'd3' },
  'subtree and one letter': { dept: 'd3', searchKey: 'e' },
  'one department alone': { dept: 'd3', withSubDepts: false },
  administrators: { roles: ['admin', 'default'] },
  'disabled, by name': { isDisabled: true, sortField: 'name' },
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await act()
  return performance.now() - startedAt
}

async function searched({ directory }: Store): Promise<string[]> {
  const lines = [...heading('search', 'found', 'p50 ms', 'p99 ms', 'most ms')]
  for (const [name, change] of Object.entries(searches)) {
    const query = { ...memberQueryDefaults, tenant: 't', ...change }
    const { count } = await directory.searchMembers(query)
    const times: number[] = []
    for (let run = 0; run < runs; run++) times.push(await timed(() => directory.searchMembers(query)))
    times.sort((a, b) => a - b)
    lines.push(row(name, count, fixed(at(times, 0.5), 1), fixed(at(times, 0.99), 1), fixed(times.at(-1)!, 1)))
  }
  return lines
}

/** Runs an act in as many loops at once. @returns How often a second, and the times of each, sorted. */
async function looped(loops: number, act: () => Promise<unknown>) {
  const end = performance.now() + seconds * 1000
  const times: number[] = []
  await Promise.all(
    Array.from({ length: loops }, async () => {
      while (performance.now() < end) times.push(await timed(act))
    }),
  )
  return { perSecond: times.length / seconds, times: times.sort((a, b) => a - b) }
}

async function added({ directory }: Store): Promise<string> {
  let nth = members
  const lease = { owner: 'bench', ms: 60_000 }
  const { perSecond, times } = await looped(32, () =>
    directory.addMember({ member: member('t', nth++), notices: [], lease }),
  )
  return row(
    'members added, 32 at once',
    fixed(perSecond, 0),
    fixed(at(times, 0.5), 1),
    fixed(at(times, 0.99), 1),
  )
}

/** Issues with a message, one after the other, alone and beside one search after the other. */
async function sent({ verifications, directory }: Store): Promise<string[]> {
  const issue = () => verifications.issue(newIssue())
  const line = (name: string, { perSecond, times }: Awaited<ReturnType<typeof looped>>) =>
    row(name, fixed(perSecond, 0), fixed(at(times, 0.5), 1), fixed(at(times, 0.99), 1))
  const alone = await looped(1, issue)
  const query = { ...memberQueryDefaults, tenant: 't', searchKey: 'nobody' }
  const [beside, found] = await Promise.all([
    looped(1, issue),
    looped(1, () => directory.searchMembers(query)),
  ])
  return [
    line('sends, one after the other', alone),
    line('the same beside searches', beside),
    line('these searches', found),
  ]
}

async function measured(name: string, store: Store, settle: () => Promise<unknown>): Promise<string> {
  const filledMs = await timed(() => fill(store))
  await settle()
  const found = await searched(store)
  const rates = [await added(store), ...(await sent(store))]
  return [
    `### ${name}\n`,
    `Two tenants of ${members} members, ${departments} departments each; filled in ${fixed(filledMs / 1000, 0)} s.\n`,
    ...found,
    '',
    ...heading('', 'a second', 'p50 ms', 'p99 ms'),
    ...rates,
  ].join('\n')
}

/** Adds members by the wire, without passwords to hash, to a server of its own on its embedded store. */
async function addedOverHttp(): Promise<string> {
  await using server = await startServer({ args: ['--limits', 'none'] })
  const login = await server.call('POST', paths.appLogin, appLogin(server.app))
  const token = String(login.json.accessToken)
  let nth = 0
  const { perSecond, times } = await looped(32, async () => {
    const { profile, account, thirdAccount } = member('demo', nth++)
    const body = {
      ...{ name: profile.name, account, thirdAccount, sendNotify: '0' },
      ...{ phone: newNumber(), email: `${account}@example.com` },
    }
    const { status, text } = await server.call('POST', '/v1/usg/dcs/corp/member', { token, body })
    if (status !== 200) throw new Error(text)
  })
  return [
    '### Over HTTP, SQLite\n',
    ...heading('', 'a second', 'p50 ms', 'p99 ms'),
    row('AddUser, 32 at once', fixed(perSecond, 0), fixed(at(times, 0.5), 1), fixed(at(times, 0.99), 1)),
  ].join('\n')
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-members-'))
try {
  if (values.only !== 'postgresql') {
    await using store = await openSqliteStore({ path: join(folder, 'members.db'), deadlineMs: patientMs })
    process.stdout.write(`${await measured('SQLite', store, async () => undefined)}\n\n`)
    process.stdout.write(`${await addedOverHttp()}\n\n`)
  }
  if (values.only !== 'sqlite') {
    await using postgres = await startPostgres()
    const database = await postgres.newDatabase()
    const client = postgres.client(database)
    await using store = await openPostgresStore({ client, poolSize: 6, deadlineMs: patientMs })
    // As the server does by itself within a minute.
    const settle = () => postgres.query('vacuum analyze', database)
    process.stdout.write(`${await measured('PostgreSQL', store, settle)}\n`)
  }
} finally {
  rmSync(folder, { recursive: true })
}
