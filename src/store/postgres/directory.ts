/** Tenants, apps, members and tokens in PostgreSQL. The server's clock judges tokens, as it judges codes. */

import { addressKey } from '../../address/address.ts'
import { type Session, type Token, type TokenKind, tenantDefaults } from '../../directory/directory.ts'
import { decideRefresh } from '../../directory/refresh.ts'
import type { NewAuditEntry } from '../audit.ts'
import { tokensInAPiece } from '../bounds.ts'
import type { Directory, Login, NewTenant, RefreshResult } from '../directory.ts'
import { storableJson } from '../storable.ts'
import type { Verb } from '../unit-of-work.ts'
import { verbs } from '../verbs/verbs.ts'
import { wroteWith } from './audit.ts'
import {
  dueRecoveries,
  formerContactOf,
  formerContactsAt,
  formerContactsOf,
  recoveriesAt,
  recoveriesOfMembers,
  recoveryOf,
} from './contact-history.ts'
import { allDepartments, departmentsBelow, departmentsOf } from './departments.ts'
import { searchMembers } from './listings.ts'
import {
  type AppRow,
  appOf,
  type DepartmentRow,
  departmentOf,
  type MemberRow,
  memberOf,
  type TenantRow,
  type TokenRow,
  tenantOf,
  tokenOf,
} from './rows.ts'
import { type Bound, bind, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'
import { runAlone } from './unit-of-work.ts'

const insertTenant = sql(`
  insert into tenant (id, name, account_app, address, auto_user_create)
  values ($1, $2, $3, $4, $5::boolean) on conflict do nothing
  returning to_json(true)`)
const allTenants = sql('select to_json(t) from tenant t order by t.id')
const tenantById = sql('select to_json(t) from tenant t where t.id = $1')

const appById = sql('select to_json(a) from app a where a.id = $1 and a.deleted_at is null')
const allApps = sql(`
  select to_json(a) from app a where ($1::text is null or a.tenant = $1::text) and a.deleted_at is null
  order by a.created_at, a.id`)
const memberById = sql('select to_json(m) from member m where m.id = $1')
const memberByAccount = sql('select to_json(m) from member m where m.tenant = $1 and m.account = $2')
const memberByUserId = sql(`
  select to_json(m) from (
    select t.* from member t where t.tenant = $1 and t.third_account = $2
    union all
    (select a.* from member a where a.tenant = $1 and a.account = $2
       and not exists (select from member t where t.tenant = $1 and t.third_account = $2))) m`)
const memberByPhone = sql('select to_json(m) from member m where m.tenant = $1 and m.phone_key = $2')
const memberByEmail = sql('select to_json(m) from member m where m.tenant = $1 and m.email_key = $2')
const named = (column: string) =>
  sql(`
  select to_json(m) from member m
  where m.tenant = $1 and m.${column} = any (array(select json_array_elements_text($2::json)))`)
const membersBy = { id: named('id'), account: named('account'), thirdAccount: named('third_account') }
const memberByLogin = sql(`
  select to_json(m) from member m where m.account = $1 and m.password_hash is not null`)
/** By the tenants, so that the index of addresses in a tenant serves. */
const withPassword = (column: string) =>
  sql(`
  select to_json(m) from tenant t join member m on m.tenant = t.id and m.${column} = $1
  where m.password_hash is not null limit 2`)
const byPhone = withPassword('phone_key')
const byEmail = withPassword('email_key')
const administrator = sql(`
  select to_json(m) from member m where m.tenant = $1 and m.role = 'default' order by m.created_at, m.id limit 1`)
const memberPage = sql(`
  select to_json(m) from member m where m.tenant = $1 and m.account > $2 order by m.account limit $3::integer`)
/**
 * Every change of a member's tokens locks the member's row first. Otherwise two logins at once would not see each other's
 * tokens and keep one too many, and a refresh and a logout would wait for each other.
 */
const lockMember = sql('select to_json(true) from member where id = $1 for update')
const lockMemberOfToken = sql(`
  select to_json(true) from member where id = (select t.member from token t where t.hash = $1) for update`)
const insertTokens = sql(`
  insert into token (hash, kind, login, tenant, app, member, client_type, created_at, expires_at)
  select r.* from json_to_recordset($1::json) as r (hash text, kind text, login text, tenant text, app text,
    member text, client_type integer, created_at bigint, expires_at bigint)
  where $2::text is null or exists (select from member m where m.id = r.member and m.password_hash = $2::text)
  returning to_json(true)`)
const evictLogins = sql(`
  delete from token where login in (
    select t.login from token t
    where t.member = $1 and t.client_type = $2::integer and t.kind = 'access' and t.expires_at > ${engineTime}
      and t.login <> $3
    group by t.login order by max(t.created_at) desc, t.login desc offset $4::integer)`)
/** Tokens are numbered within each login, the newest first, so that the login with most tokens loses its oldest one. */
const evictTokens = sql(`
  delete from token where hash in (
    select r.hash from (
      select t.hash, t.created_at,
        row_number() over (partition by t.login order by t.hash = $3 desc, t.created_at desc, t.hash) as nth
      from token t
      where t.member = $1 and t.client_type = $2::integer and t.kind = 'access' and t.expires_at > ${engineTime}) r
    order by r.nth, r.created_at desc, r.hash offset $4::integer)`)
const evictRefresh = sql(`
  delete from token where hash in (
    select t.hash from token t where t.login = $1 and t.kind = 'refresh'
    order by t.hash = $2 desc, t.created_at desc, t.hash offset $3::integer)`)
/** Rows that a call has locked are left for the next piece. So this waits for nobody, and there is no circle of waits. */
const deleteTokensOfApp = sql(`
  delete from token where ctid = any (array(
    select ctid from token where app = $1 limit ${tokensInAPiece} for update skip locked))
  returning to_json(true)`)
const deleteLoginOf = sql(`
  delete from token where login = (select t.login from token t where t.hash = $1) returning to_json(true)`)
const selectToRefresh = sql(`
  select json_build_object('kind', t.kind, 'spent', (
    select count(*) from token s where s.login = t.login and s.kind = 'spent'))
  from token t where t.hash = $1 and t.expires_at > ${engineTime}`)
const spend = sql(`update token set kind = 'spent' where hash = $1`)
const selectSession = sql(`
  select json_build_object('token', to_json(t), 'tenant', to_json(c), 'app', to_json(a), 'member', to_json(m))
  from token t join tenant c on c.id = t.tenant join app a on a.id = t.app join member m on m.id = t.member
  where t.hash = $1 and t.expires_at > ${engineTime} and a.deleted_at is null`)

/** @param untilOf  The end of a call that begins now, by `performance.now()`. */
export function postgresDirectory(transactions: Transactions, untilOf: () => number): Directory {
  async function all<Row, T>(bound: Bound, read: (row: Row) => T): Promise<T[]> {
    const [rows] = await transactions.read(untilOf(), bound)
    return (rows as Row[]).map(read)
  }
  async function one<Row, T>(bound: Bound, read: (row: Row) => T): Promise<T | undefined> {
    return (await all(bound, read))[0]
  }
  /** Whether the last statement changed a row; then with the entries of the audit. */
  const wrote = (audit: NewAuditEntry | undefined, ...statements: readonly Bound[]): Promise<boolean> =>
    wroteWith(transactions, untilOf(), audit, ...statements)

  /** In a transaction of its own, because these verbs lock members, and no batch should wait for that. */
  const alone =
    <Args extends readonly unknown[], Result>(verb: Verb<Args, Result>) =>
    (...args: Args): Promise<Result> =>
      runAlone(transactions, untilOf(), verb, args)

  return {
    addTenant(tenant: NewTenant, audit) {
      const { id, name, accountApp, address, autoUserCreate } = { ...tenantDefaults, ...tenant }
      return wrote(audit, bind(insertTenant, id, name, accountApp, address, autoUserCreate))
    },
    tenants: () => all(bind(allTenants), (row: TenantRow) => tenantOf(row)),
    tenant: (id: string) => one(bind(tenantById, id), (row: TenantRow) => tenantOf(row)),

    addApp: alone(verbs['directory.addApp']),
    app: (id: string) => one(bind(appById, id), (row: AppRow) => appOf(row)),
    apps: (tenant?: string) => all(bind(allApps, tenant ?? null), (row: AppRow) => appOf(row)),
    updateApp: alone(verbs['directory.updateApp']),
    deleteApp: alone(verbs['directory.deleteApp']),

    putMembers: alone(verbs['directory.putMembers']),
    member: (id: string) => one(bind(memberById, id), (row: MemberRow) => memberOf(row)),
    memberByAccount: (tenant: string, account: string) =>
      one(bind(memberByAccount, tenant, account), (row: MemberRow) => memberOf(row)),
    memberByUserId: (tenant, userId) =>
      one(bind(memberByUserId, tenant, userId), (row: MemberRow) => memberOf(row)),
    memberByAddress: (tenant, address) =>
      one(
        bind(address.kind === 'phone' ? memberByPhone : memberByEmail, tenant, addressKey(address)),
        (row: MemberRow) => memberOf(row),
      ),
    membersNamed: (tenant, by, names) =>
      all(bind(membersBy[by], tenant, storableJson(names)), (row: MemberRow) => memberOf(row)),
    departments: (tenant, codes) =>
      all(bind(departmentsOf, tenant, storableJson(codes)), (row: DepartmentRow) => departmentOf(row)),
    departmentsBelow: (tenant, parents) =>
      all(bind(departmentsBelow, tenant, storableJson(parents)), (row: DepartmentRow) => departmentOf(row)),
    allDepartments: (tenant) => all(bind(allDepartments, tenant), (row: DepartmentRow) => departmentOf(row)),
    memberByLogin: (account: string) => one(bind(memberByLogin, account), (row: MemberRow) => memberOf(row)),
    membersWithPassword: (address) =>
      all(bind(address.kind === 'phone' ? byPhone : byEmail, addressKey(address)), (row: MemberRow) =>
        memberOf(row),
      ),
    defaultAdministrator: (tenant: string) =>
      one(bind(administrator, tenant), (row: MemberRow) => memberOf(row)),
    members: (tenant: string, page: { after: string; most: number }) =>
      all(bind(memberPage, tenant, page.after, page.most), (row: MemberRow) => memberOf(row)),
    updateProfile: alone(verbs['directory.updateProfile']),
    disableMember: alone(verbs['directory.disableMember']),
    searchMembers: (query) => searchMembers(transactions, untilOf(), query),

    async logIn(login: Login): Promise<boolean> {
      const locked = bind(lockMember, login.access.member)
      const [, inserted] = await transactions.write(untilOf(), locked, ...loginOf(login))
      return inserted!.length > 0
    },
    refresh: (hash: string, pair: Login) =>
      transactions.decide<RefreshResult>(
        untilOf(),
        [bind(lockMemberOfToken, hash), bind(selectToRefresh, hash)],
        ([, found]) => {
          const token = found![0] as { kind: TokenKind; spent: number } | undefined
          const decision = decideRefresh(token, pair.limits)
          switch (decision.kind) {
            case 'gone':
              return { writes: [], result: { kind: 'gone' } }
            case 'reused':
              return { writes: [bind(deleteLoginOf, hash)], result: { kind: 'reused' } }
            case 'refreshed': {
              const spent = decision.spends ? [bind(spend, hash)] : []
              return { writes: [...spent, ...loginOf(pair)], result: { kind: 'refreshed' } }
            }
          }
        },
      ),
    logOut: (hash: string) => wrote(undefined, bind(lockMemberOfToken, hash), bind(deleteLoginOf, hash)),
    endLoginsOf: async (app: string) =>
      (await transactions.write(untilOf(), bind(deleteTokensOfApp, app))).at(-1)!.length,
    async session(hash: string, kinds: readonly TokenKind[]): Promise<Session | undefined> {
      type SessionRow = { token: TokenRow; tenant: TenantRow; app: AppRow; member: MemberRow }
      const session = await one(bind(selectSession, hash), ({ token, tenant, app, member }: SessionRow) => ({
        token: tokenOf(token),
        tenant: tenantOf(tenant),
        app: appOf(app),
        member: memberOf(member),
      }))
      return session && kinds.includes(session.token.kind) ? session : undefined
    },

    addMember: alone(verbs['directory.addMember']),
    updateMember: alone(verbs['directory.updateMember']),
    deleteMembers: alone(verbs['directory.deleteMembers']),
    setStatuses: alone(verbs['directory.setStatuses']),
    setRoles: alone(verbs['directory.setRoles']),
    setPassword: alone(verbs['directory.setPassword']),
    addDepartment: alone(verbs['directory.addDepartment']),
    updateDepartment: alone(verbs['directory.updateDepartment']),
    deleteDepartment: alone(verbs['directory.deleteDepartment']),
    updateTenant: alone(verbs['directory.updateTenant']),

    changeContact: alone(verbs['directory.changeContact']),
    setContact: alone(verbs['directory.setContact']),
    async contactHistory(member) {
      const [former, recoveries] = await transactions.read(
        untilOf(),
        formerContactsOf([member]),
        recoveriesOfMembers([member]),
      )
      return { former: former!.map(formerContactOf), recoveries: recoveries!.map(recoveryOf) }
    },
    async undoable(address) {
      const [former, recoveries] = await transactions.read(
        untilOf(),
        formerContactsAt(address),
        recoveriesAt(address),
      )
      return { former: former!.map(formerContactOf), recoveries: recoveries!.map(recoveryOf) }
    },
    undoContact: alone(verbs['directory.undoContact']),
    startRecovery: alone(verbs['directory.startRecovery']),
    stopRecovery: alone(verbs['directory.stopRecovery']),
    cancelRecovery: alone(verbs['directory.cancelRecovery']),
    dueRecoveries: (most) => all(dueRecoveries(most), recoveryOf),
    applyRecovery: alone(verbs['directory.applyRecovery']),
  }
}

function loginOf({ access, refresh, limits, passwordHash }: Login): Bound[] {
  return [
    bind(insertTokens, storableJson([access, refresh].map(tokenRow)), passwordHash ?? null),
    bind(evictLogins, access.member, access.clientType, access.login, limits.logins - 1),
    bind(evictTokens, access.member, access.clientType, access.hash, limits.tokens),
    bind(evictRefresh, access.login, refresh.hash, limits.tokens),
  ]
}

function tokenRow({ clientType, createdAt, expiresAt, ...token }: Token) {
  return { ...token, client_type: clientType, created_at: createdAt, expires_at: expiresAt }
}
