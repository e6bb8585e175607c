/** Tenants, apps, members and tokens in SQLite, and the one step that changes a contact. */

import type { DatabaseSync } from 'node:sqlite'
import { type Address, addressKey } from '../../address/address.ts'
import type { App, Member, Profile, Session, Tenant, Token, TokenKind } from '../../directory/directory.ts'
import { tokensInAPiece } from '../bounds.ts'
import type {
  ContactChange,
  ContactChangeResult,
  ContactSetting,
  ContactSettingResult,
  ImportOutcome,
  Login,
  RefreshResult,
} from '../directory.ts'
import { isStale } from '../stale.ts'
import type { SqliteJournal } from './journal.ts'
import type { SqliteLimiters } from './limiters.ts'
import type { SqliteOutbox } from './outbox.ts'
import { appOf, memberOf, type Row, tenantOf, tokenOf } from './rows.ts'
import type { SqliteVerifications } from './verifications.ts'

type Rooms = {
  readonly limiters: SqliteLimiters
  readonly outbox: SqliteOutbox
  readonly journal: SqliteJournal
  readonly verifications: SqliteVerifications
}

export function sqliteDirectory(db: DatabaseSync, wallNow: () => number, rooms: Rooms) {
  const one = (sql: string) => db.prepare(`select * from ${sql}`)
  const tenantById = one('tenant where id = ?')
  const allTenants = one('tenant order by id')
  const insertTenant = db.prepare('insert into tenant values (?, ?, ?) on conflict do nothing')
  const appById = one('app where id = ?')
  const allApps = one('app where ? is null or tenant = ? order by created_at, id')
  const insertApp = db.prepare('insert into app values (?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing')
  const updateApp = db.prepare(
    'update app set name = ?, sealed_key = ?, is_disabled = ?, policy = ? where id = ?',
  )
  const memberById = one('member where id = ?')
  const memberByAccount = one('member where tenant = ? and account = ?')
  const memberByLogin = one('member where account = ? and password_hash is not null')
  const memberByPhone = one('member where tenant = ? and phone_key = ?')
  const memberByEmail = one('member where tenant = ? and email_key = ?')
  const administrator = one("member where tenant = ? and role = 'default' order by created_at, id limit 1")
  const memberPage = one('member where tenant = ? and account > ? order by account limit ?')
  const upsertMember = db.prepare(
    `insert into member values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (id) do update set account = excluded.account, password_hash = excluded.password_hash,
       role = excluded.role, is_disabled = excluded.is_disabled, profile = excluded.profile,
       dept_code = excluded.dept_code, phone_key = excluded.phone_key, phone = excluded.phone,
       phone_country = excluded.phone_country, email_key = excluded.email_key, email = excluded.email`,
  )
  const setProfile = db.prepare('update member set profile = ? where id = ?')
  const setDisabled = db.prepare('update member set is_disabled = ? where id = ?')
  const setPhone = db.prepare('update member set phone_key = ?, phone = ?, phone_country = ? where id = ?')
  const setEmail = db.prepare('update member set email_key = ?, email = ? where id = ?')
  const tokenByHash = one('token where hash = ?')
  const insertToken = db.prepare('insert into token values (?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const deleteLogin = db.prepare('delete from token where login = ?')
  const deleteTokensOf = db.prepare('delete from token where member = ?')
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
  // Numbered within each login, newest first: so the login that holds most gives way, by its oldest.
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

  function putMember(member: Member): ImportOutcome {
    const phoneKey = member.phone && addressKey(member.phone)
    const emailKey = member.email && addressKey(member.email)
    const previous = memberById.get(member.id) as Row | undefined
    if (isOther(memberByAccount.get(member.tenant, member.account), member.id))
      return refused('account-taken')
    if (member.passwordHash !== null && isOther(memberByLogin.get(member.account), member.id))
      return refused('account-taken')
    if (phoneKey && isOther(memberByPhone.get(member.tenant, phoneKey), member.id))
      return refused('phone-bound')
    if (emailKey && isOther(memberByEmail.get(member.tenant, emailKey), member.id))
      return refused('email-bound')
    if (
      previous &&
      JSON.stringify(memberOf(previous)) === JSON.stringify({ ...member, createdAt: previous.created_at })
    )
      return { kind: 'unchanged' }
    if (previous?.is_disabled === 1 && !member.isDisabled) deleteTokensOf.run(member.id)
    upsertMember.run(
      member.id,
      member.tenant,
      member.account,
      member.passwordHash,
      member.role,
      Number(member.isDisabled),
      JSON.stringify(member.profile),
      member.deptCode,
      phoneKey,
      member.phone && JSON.stringify(member.phone),
      member.phoneCountry,
      emailKey,
      member.email && JSON.stringify(member.email),
      member.createdAt,
    )
    return { kind: previous ? 'updated' : 'added' }
  }

  function addToken(token: Token): void {
    const { hash, kind, login, tenant, app, member, clientType, createdAt, expiresAt } = token
    insertToken.run(hash, kind, login, tenant, app, member, clientType, createdAt, expiresAt)
  }

  function logIn({ access, refresh, limits }: Login): void {
    const { member, clientType, login } = access
    const at = wallNow()
    addToken(access)
    addToken(refresh)
    evictLogins.run(member, clientType, at, login, limits.logins - 1)
    evictTokens.run(access.hash, member, clientType, at, limits.tokens)
    evictRefresh.run(login, refresh.hash, limits.tokens)
  }

  return {
    addTenant: (tenant: Tenant) => insertTenant.run(tenant.id, tenant.name, tenant.accountApp).changes === 1,
    tenants: () => (allTenants.all() as Row[]).map(tenantOf),
    tenant: (id: string) => found(tenantById.get(id), tenantOf),

    addApp: (app: App) =>
      insertApp.run(
        app.id,
        app.tenant,
        app.name,
        app.sealedKey,
        Number(app.isServiceProvider),
        Number(app.isDisabled),
        JSON.stringify(app.policy),
        app.createdAt,
      ).changes === 1,
    app: (id: string) => found(appById.get(id), appOf),
    apps: (tenant?: string) => (allApps.all(tenant ?? null, tenant ?? null) as Row[]).map(appOf),
    updateApp(
      id: string,
      change: Partial<Pick<App, 'sealedKey' | 'isDisabled' | 'policy' | 'name'>>,
    ): boolean {
      const app = found(appById.get(id), appOf)
      if (!app) return false
      const next = { ...app, ...change }
      updateApp.run(next.name, next.sealedKey, Number(next.isDisabled), JSON.stringify(next.policy), id)
      return true
    },

    putMembers: (members: readonly Member[]) => members.map(putMember),
    member: (id: string) => found(memberById.get(id), memberOf),
    memberByAccount: (tenant: string, account: string) =>
      found(memberByAccount.get(tenant, account), memberOf),
    memberByLogin: (account: string) => found(memberByLogin.get(account), memberOf),
    defaultAdministrator: (tenant: string) => found(administrator.get(tenant), memberOf),
    members: (tenant: string, page: { after: string; most: number }) =>
      (memberPage.all(tenant, page.after, page.most) as Row[]).map(memberOf),
    updateProfile: (id: string, profile: Profile) =>
      setProfile.run(JSON.stringify(profile), id).changes === 1,
    disableMember(id: string, isDisabled: boolean): boolean {
      if (!isDisabled && found(memberById.get(id), memberOf)?.isDisabled) deleteTokensOf.run(id)
      return setDisabled.run(Number(isDisabled), id).changes === 1
    },

    logIn,
    refresh(hash: string, pair: Login): RefreshResult {
      const token = found(tokenByHash.get(hash), tokenOf)
      if (!token || token.expiresAt <= wallNow()) return { kind: 'gone' }
      if (token.kind === 'spent') {
        deleteLogin.run(token.login)
        return { kind: 'reused' }
      }
      if (token.kind === 'refresh') {
        if (((countSpent.get(token.login) as Row).spent as number) >= pair.limits.spent)
          return { kind: 'gone' }
        spend.run(hash)
      }
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

    changeContact(change: ContactChange): ContactChangeResult {
      const member = found(memberById.get(change.member), memberOf)
      const { address, verification, notices } = change
      if (!member || member.isDisabled || !rooms.verifications.isUsable(verification))
        return { kind: 'refused' }
      if (isStale(member, change.seen)) return { kind: 'stale' }
      const holder = holderOf(member, address)
      if (holder && !holder.isDisabled) return { kind: 'bound' }
      const taken = rooms.verifications.takeForChange(change)
      if (taken === 'unproven') return { kind: taken }
      const { record, used } = taken
      const by = { ...change, contact: address.kind, cause: 'code' } as const
      replaceContact(member, holder, by)
      rooms.limiters.refund(change.wrong)
      if (change.repeat !== undefined) rooms.verifications.rememberRepeat(change.repeat, record.expiresAt)
      return { kind: 'changed', entries: rooms.outbox.queue(notices, change.lease), used }
    },

    setContact(setting: ContactSetting): ContactSettingResult {
      const member = found(memberById.get(setting.member), memberOf)
      if (!member) return { kind: 'unknown' }
      if (isStale(member, setting.seen)) return { kind: 'stale' }
      const holder = setting.address ? holderOf(member, setting.address) : undefined
      if (holder && !holder.isDisabled) return { kind: 'bound' }
      rooms.verifications.endLiveOf(setting.tenant, member.id)
      replaceContact(member, holder, { ...setting, verification: '', cause: 'operator' })
      return { kind: 'changed', entries: rooms.outbox.queue(setting.notices, setting.lease) }
    },
  }

  /** The other member who has it. */
  function holderOf({ id, tenant }: Member, address: Address): Member | undefined {
    const by = address.kind === 'phone' ? memberByPhone : memberByEmail
    const row = by.get(tenant, addressKey(address))
    return isOther(row, id) ? memberOf(row as Row) : undefined
  }

  /** @param holder  Loses it. */
  function replaceContact(
    member: Member,
    holder: Member | undefined,
    change: ContactSetting & { readonly verification: string; readonly cause: 'code' | 'operator' },
  ): void {
    const { tenant, app, contact, address, country, verification, notices } = change
    const write = (id: string, to: Address | null) => {
      const values = [to && addressKey(to), to && JSON.stringify(to)] as const
      if (contact === 'phone') setPhone.run(...values, to && country, id)
      else setEmail.run(...values, id)
    }
    const entry = { kind: 'contact-changed', tenant, app, verification } as const
    if (holder) {
      write(holder.id, null)
      const detail = { contact, cause: 'taken-over', notices: 0 }
      rooms.journal.append({ ...entry, member: holder.id, detail })
    }
    write(member.id, address)
    const detail = { contact, cause: change.cause, notices: notices.length }
    rooms.journal.append({ ...entry, member: member.id, detail })
  }
}

function refused(reason: 'phone-bound' | 'email-bound' | 'account-taken'): ImportOutcome {
  return { kind: 'refused', reason }
}

function isOther(row: unknown, id: string): boolean {
  return row !== undefined && (row as Row).id !== id
}
