/** The verification verbs in SQLite, each run whole within the engine's transaction. */

import type { DatabaseSync } from 'node:sqlite'
import { hitsOf, limitsWith, type Throttled } from '../../throttle/acquire.ts'
import type { Verification, VerificationKey } from '../../verification/verification.ts'
import { searchRows } from '../bounds.ts'
import { idAt, stateNumber } from '../numbering.ts'
import type {
  FoundVerifications,
  IssueRequest,
  SubmissionRequest,
  SubmissionResult,
  Used,
  UseRequest,
} from '../verifications.ts'
import type { SqliteDispatches } from './dispatches.ts'
import type { SqliteLimiters } from './limiters.ts'
import type { SqliteOutbox } from './outbox.ts'
import { type Row, verificationOf } from './rows.ts'

/** Before every real id, which begins with its time. */
export const decoyId = '0'.repeat(44)

const afterAllIds = 'g'

/** The result of an issue without what its caller knows already: the message. */
export type IssueAnswer =
  | { readonly kind: 'issued' | 'live'; readonly record: Verification; readonly queuedAt: number }
  | Throttled

export type SqliteVerifications = ReturnType<typeof sqliteVerifications>

export function sqliteVerifications(
  db: DatabaseSync,
  now: () => number,
  limiters: SqliteLimiters,
  outbox: SqliteOutbox,
  dispatches: SqliteDispatches,
) {
  const endOfSearch = db.prepare(
    `select id from verification where id < ? and id >= ? order by id desc limit 1 offset ${searchRows - 1}`,
  )
  const selectByAddress = db.prepare(
    'select * from verification where id < ? and id >= ? and +address = ? order by id desc',
  )
  const selectLive = db.prepare(
    `select * from verification
     where member = ? and address = ? and purpose = ? and app = ? and tenant = ? and state = 0`,
  )
  const select = db.prepare('select * from verification where id = ?')
  const insert = db.prepare('insert into verification values (?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, 0, ?, null)')
  const countLive = db.prepare('select count(*) as live from verification where state = 0') // index only
  const setState = db.prepare('update verification set state = ? where id = ? and state = 0')
  const count = db.prepare('update verification set submissions = submissions + 1 where id = ?')
  const consume = db.prepare(
    'update verification set state = 1 where id = ? and state in (0, 4) and expires_at > ?',
  )
  const killOthers = db.prepare(
    'update verification set state = 2 where tenant = ? and member = ? and state = 0',
  )
  const setUsed = db.prepare('update verification set used_at = ? where id = ? and used_at is null')
  const putProof = db.prepare(
    'insert into login_proof values (?, ?, ?) on conflict do update set expires_at = excluded.expires_at',
  )
  const selectProof = db.prepare(
    'select 1 from login_proof where member = ? and login = ? and expires_at > ?',
  )
  const endProofs = db.prepare('delete from login_proof where member = ?')
  const putRepeat = db.prepare('insert into repeat values (?, ?) on conflict do nothing')
  const selectRepeat = db.prepare('select 1 from repeat where fingerprint = ? and expires_at > ?')
  // Read, counted on and answered with where there is no record, so that an unknown address costs what a
  // known one does.
  db.prepare(
    `insert into verification values (?, '', '', ?, 'tel:+000000000000', 'new-contact', ?, 6, 2, 0, 0, 0, 0, null)
     on conflict do nothing`,
  ).run(decoyId, '0'.repeat(32), '0'.repeat(16))

  function live(key: VerificationKey, at: number): Verification | undefined {
    const row = selectLive.get(key.member, key.address, key.purpose, key.app, key.tenant) as Row | undefined
    if (!row) return undefined
    const record = verificationOf(row)
    if (record.expiresAt > at) return record
    setState.run(stateNumber.expired, record.id)
    return undefined
  }

  function markUsed(record: Verification, at: number): Used {
    const isFirst = record.usedAt === null
    if (isFirst) setUsed.run(at, record.id)
    return { isFirst, issuedAt: record.issuedAt, usedAt: at, broughtBy: dispatches.lastAccepted(record.id) }
  }

  return {
    issue(request: IssueRequest): IssueAnswer {
      const at = now()
      const throttled = limiters.acquire(request.limits, at)
      if (throttled.kind === 'throttled') return throttled
      const { key } = request
      const alive = live(key, at)
      const record: Verification = alive ?? {
        ...key,
        id: request.id,
        keyId: request.keyId,
        digits: request.digits,
        state: 'live',
        issuedAt: at,
        expiresAt: at + request.lifetimeMs,
        submissions: 0,
        usedAt: null,
        isTest: request.isTest,
      }
      if (!alive)
        insert.run(
          record.id,
          key.tenant,
          key.app,
          key.member,
          key.address,
          key.purpose,
          record.keyId,
          record.digits,
          record.issuedAt,
          record.expiresAt,
          record.isTest ? 1 : 0,
        )
      const kind = alive ? 'live' : 'issued'
      if (request.message) outbox.put(request.message, request.lease, at, record)
      return { kind, record, queuedAt: at }
    },

    takeSubmission(request: SubmissionRequest): SubmissionResult & { standIn?: Verification } {
      const at = now()
      if (request.repeat !== undefined && selectRepeat.get(request.repeat, at)) return { kind: 'repeated' }
      const record = live(request.key, at)
      const wrongLimits = limitsWith(request.wrong, record !== undefined)
      const throttled = limiters.acquire([...request.counted, ...wrongLimits], at)
      if (throttled.kind === 'throttled') {
        if (record && throttled.scopes.some((scope) => scope === 'member-address' || scope === 'member'))
          setState.run(stateNumber.spent, record.id)
        return throttled
      }
      const wrong = hitsOf(wrongLimits, at)
      if (!record) {
        const standIn = verificationOf(select.get(decoyId) as Row)
        count.run(decoyId)
        return { kind: 'taken', record: undefined, now: at, wrong, standIn }
      }
      if (record.submissions >= request.maxSubmissions) {
        setState.run(stateNumber.spent, record.id)
        return { kind: 'taken', record: { ...record, state: 'dead' }, now: at, wrong }
      }
      count.run(record.id)
      return { kind: 'taken', record: { ...record, submissions: record.submissions + 1 }, now: at, wrong }
    },

    use(request: UseRequest): Used | undefined {
      const at = now()
      const row = select.get(request.id) as Row | undefined
      if (!isUsable(row, at)) return undefined
      const record = verificationOf(row)
      if (request.consumes) consume.run(record.id, at)
      limiters.refund(request.wrong)
      if (request.proof) putProof.run(record.member, request.proof.login, at + request.proof.lastsMs)
      if (request.repeat !== undefined) putRepeat.run(request.repeat, record.expiresAt)
      return markUsed(record, at)
    },

    get(id: string): Verification | undefined {
      const row = id === decoyId ? undefined : (select.get(id) as Row | undefined)
      return row && verificationOf(row)
    },

    find(query: { address: string; sinceMs: number; before?: string }): FoundVerifications {
      const from = idAt(query.sinceMs)
      const before = query.before ?? afterAllIds
      const end = endOfSearch.get(before, from)?.id as string | undefined
      const rows = selectByAddress.all(before, end ?? from, query.address) as Row[]
      return { found: rows.map(verificationOf), next: end ?? null }
    },

    countLive(): number {
      return (countLive.get() as { live: number }).live
    },

    isUsable: (id: string) => isUsable(select.get(id) as Row | undefined, now()),

    /** Uses the usable verification of a contact change up, and all that the member's logins have proved. */
    takeForChange(change: { verification: string; provedBy: string | null; member: string; tenant: string }) {
      const at = now()
      const record = verificationOf(select.get(change.verification) as Row)
      if (change.provedBy !== null && !selectProof.get(change.member, change.provedBy, at)) return 'unproven'
      endProofs.run(change.member)
      consume.run(change.verification, at)
      killOthers.run(change.tenant, change.member)
      return { record, used: markUsed(record, at) }
    },

    /** What the member's logins may still use or have proved. */
    endLiveOf(tenant: string, member: string): void {
      endProofs.run(member)
      killOthers.run(tenant, member)
    },

    rememberRepeat(fingerprint: string, expiresAt: number): void {
      putRepeat.run(fingerprint, expiresAt)
    },
  }
}

/** Whether a submission that was counted may still use it. */
function isUsable(row: Row | undefined, at: number): row is Row {
  if (row === undefined || (row.expires_at as number) <= at) return false
  return row.state === stateNumber.live || row.state === stateNumber.spent
}
