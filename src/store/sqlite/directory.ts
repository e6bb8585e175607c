/** Tenants, apps, members and tokens in SQLite, apart from the changes of units of work. */

import type { DatabaseSync } from 'node:sqlite'
import { type Address, addressKey } from '../../address/address.ts'
import { type Session, type Token, type TokenKind, tenantDefaults } from '../../directory/directory.ts'
import { decideRefresh } from '../../directory/refresh.ts'
import { tokensInAPiece } from '../bounds.ts'
import type { Login, NewTenant, RefreshResult } from '../directory.ts'
import { departmentReads } from './departments.ts'
import { appOf, memberOf, type Row, tenantOf, tokenOf } from './rows.ts'

export function sqliteDirectory(db: DatabaseSync, wallNow: () => number) {
  const one = (sql: string) => db.prepare(`select * from ${sql}`)
  const tenantById = one('tenant where id = ?')
  const allTenants = one('tenant order by id')
  const insertTenant = db.prepare(
    'insert into tenant (id, name, account_app, address, auto_user_create) values (?, ?, ?, ?, ?) on conflict do nothing',
  )
  const appById = one('app where id = ? and deleted_at is null')
  const allApps = one('app where (?1 is null or tenant = ?1) and deleted_at is null order by created_at, id')
  const memberById = one('member where id = ?')
  const memberByAccount = one('member where tenant = ? and account = ?')
  const memberByThirdAccount = one('member where tenant = ? and third_account = ?')
  const memberByPhone = one('member where tenant = ? and phone_key = ?')
  const memberByEmail = one('member where tenant = ? and email_key = ?')
  const named = (column: string) =>
    one(`member where tenant = ?1 and ${column} in (select value from json_each(?2))`)
  const membersBy = {
    id: named('id'),
    account: named('account'),
    thirdAccount: named('third_account'),
  }
  const memberByLogin = one('member where account = ? and password_hash is not null')
  const withPassword = (column: string) =>
    // By the tenants, so that the index of addresses in a tenant serves.
    db.prepare(
      `select m.* from tenant t cross join member m on m.tenant = t.id and m.${column} = ?
       where m.password_hash is not null limit 2`,
    )
  const byPhone = withPassword('phone_key')
  const byEmail = withPassword('email_key')
  const administrator = one(
    "member where tenant = ? and role = 'default' and role <> 'none' order by created_at, id limit 1",
  )
  const memberPage = one('member where tenant = ? and account > ? order by account limit ?')
  const tokenByHash = one('token where hash = ?')
  const insertToken = db.prepare('insert into token values (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const deleteLogin = db.prepare('delete from token where login = ?')
  const spend = db.prepare("update token set kind = 'spent' where hash = ?")
  const countSpent = db.prepare("select count(*) as spent from token where login = ? and kind = 'spent'")
  const deleteTokensOfApp = db.prepare(
    `delete from token where hash in (select hash from token where app = ? limit ${tokensInAPiece})`,
  )
  const evictLogins = db.prepare(
    `delete from token where login in (
       select login from token
       where member = ? and client_type = ? and kind = 'access' and expires_at > ? and login <> ?
       group by login order by max(created_at) desc, login desc limit -1 offset ?)`,
  )
  // Tokens are numbered within each login, the newest first, so that the login with most tokens loses its oldest one.
  const evictTokens = db.prepare(
    `delete from token where hash in (
       select hash from (
         select hash, created_at,
           row_number() over (partition by login order by hash = ? desc, created_at desc, hash) as nth
         from token where member = ? and client_type = ? and kind = 'access' and expires_at > ?)
       order by nth, created_at desc, hash limit -1 offset ?)`,
  )
  const evictRefresh = db.prepare(
    `delete from token where hash in (
       select hash from token where login = ? and kind = 'refresh'
       order by hash = ? desc, created_at desc, hash limit -1 offset ?)`,
  )

  const found = <T>(row: unknown, read: (row: Row) => T): T | undefined =>
    row ? read(row as Row) : undefined

  function addToken(token: Token): void {
    const { hash, kind, login, tenant, app, member, clientType, createdAt, expiresAt } = token
    insertToken.run(hash, kind, login, tenant, app, member, clientType, createdAt, expiresAt)
  }

  function logIn({ access, refresh, limits, passwordHash }: Login): boolean {
    const { member, clientType, login } = access
    if (passwordHash !== undefined && found(memberById.get(member), memberOf)?.passwordHash !== passwordHash)
      return false
    const at = wallNow()
    addToken(access)
    addToken(refresh)
    evictLogins.run(member, clientType, at, login, limits.logins - 1)
    evictTokens.run(access.hash, member, clientType, at, limits.tokens)
    evictRefresh.run(login, refresh.hash, limits.tokens)
    return true
  }

  return {
    addTenant(tenant: NewTenant): boolean {
      const { id, name, accountApp, address, autoUserCreate } = { ...tenantDefaults, ...tenant }
      return insertTenant.run(id, name, accountApp, address, Number(autoUserCreate)).changes === 1
    },
    tenants: () => (allTenants.all() as Row[]).map(tenantOf),
    tenant: (id: string) => found(tenantById.get(id), tenantOf),

    app: (id: string) => found(appById.get(id), appOf),
    apps: (tenant?: string) => (allApps.all(tenant ?? null) as Row[]).map(appOf),

    member: (id: string) => found(memberById.get(id), memberOf),
    memberByAccount: (tenant: string, account: string) =>
      found(memberByAccount.get(tenant, account), memberOf),
    memberByUserId: (tenant: string, userId: string) =>
      found(memberByThirdAccount.get(tenant, userId) ?? memberByAccount.get(tenant, userId), memberOf),
    memberByAddress: (tenant: string, address: Address) =>
      found(
        (address.kind === 'phone' ? memberByPhone : memberByEmail).get(tenant, addressKey(address)),
        memberOf,
      ),
    membersNamed: (tenant: string, by: keyof typeof membersBy, names: readonly string[]) =>
      (membersBy[by].all(tenant, JSON.stringify(names)) as Row[]).map(memberOf),
    membersWithPassword: (address: Address) =>
      ((address.kind === 'phone' ? byPhone : byEmail).all(addressKey(address)) as Row[]).map(memberOf),
    memberByLogin: (account: string) => found(memberByLogin.get(account), memberOf),
    defaultAdministrator: (tenant: string) => found(administrator.get(tenant), memberOf),
    members: (tenant: string, page: { after: string; most: number }) =>
      (memberPage.all(tenant, page.after, page.most) as Row[]).map(memberOf),
    ...departmentReads(db),

    logIn,
    refresh(hash: string, pair: Login): RefreshResult {
      const token = found(tokenByHash.get(hash), tokenOf)
      const isLive = token !== undefined && token.expiresAt > wallNow()
      const spent = isLive ? ((countSpent.get(token.login) as Row).spent as number) : 0
      const decision = decideRefresh(isLive ? { kind: token.kind, spent } : undefined, pair.limits)
      if (decision.kind === 'reused') deleteLogin.run(token!.login)
      if (decision.kind !== 'refreshed') return { kind: decision.kind }
      if (decision.spends) spend.run(hash)
      logIn(pair)
      return { kind: 'refreshed' }
    },
    endLoginsOf: (app: string) => Number(deleteTokensOfApp.run(app).changes),
    logOut(hash: string): boolean {
      const token = found(tokenByHash.get(hash), tokenOf)
      return token !== undefined && deleteLogin.run(token.login).changes > 0
    },
    session(hash: string, kinds: readonly TokenKind[]): Session | undefined {
      const token = found(tokenByHash.get(hash), tokenOf)
      if (!token || !kinds.includes(token.kind) || token.expiresAt <= wallNow()) return undefined
      const tenant = found(tenantById.get(token.tenant), tenantOf)
      const app = found(appById.get(token.app), appOf)
      const member = found(memberById.get(token.member), memberOf)
      return tenant && app && member && { token, tenant, app, member }
    },
  }
}
