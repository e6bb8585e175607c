/** The outbox in SQLite: leases in one column, dispatches in the journal. */

import type { DatabaseSync } from 'node:sqlite'
import type { Verification } from '../../verification/verification.ts'
import type { Lease, NewMessage, OutboxDepth, OutboxEntry, Settlement } from '../outbox.ts'
import type { SqliteJournal } from './journal.ts'
import type { SqliteLedgers } from './ledgers.ts'
import { type Row, verificationOf } from './rows.ts'

export type SqliteOutbox = ReturnType<typeof sqliteOutbox>

export function sqliteOutbox(
  db: DatabaseSync,
  now: () => number,
  ledgers: SqliteLedgers,
  journal: SqliteJournal,
) {
  const insert = db.prepare('insert into outbox values (?, ?, ?, ?, ?, ?, ?, 1)')
  const selectDue = db.prepare('select * from outbox where due_at <= ? order by due_at limit ?')
  const selectVerification = db.prepare('select * from verification where id = ?')
  const lease = db.prepare(
    'update outbox set due_at = ?, owner = ?, dispatches = dispatches + 1 where queued_at = ? and message_id = ?',
  )
  const postpone = db.prepare(
    "update outbox set due_at = ?, owner = '' where queued_at = ? and message_id = ?",
  )
  const remove = db.prepare('delete from outbox where queued_at = ? and message_id = ?')
  const release = db.prepare("update outbox set due_at = ?, owner = '' where owner = ? and owner <> ''")
  const depth = db.prepare(
    'select (select count(*) from outbox) as queued, (select min(queued_at) from outbox) as oldest',
  )

  function put(message: NewMessage, claim: Lease, at: number, verification?: Verification): OutboxEntry {
    // A code message dies with its code, which may be older than the message: a resend.
    const deadlineAt = verification ? verification.expiresAt : at + message.lifetimeMs
    insert.run(
      at,
      message.id,
      verification?.id ?? null,
      JSON.stringify(message),
      deadlineAt,
      at + claim.ms,
      claim.owner,
    )
    return {
      message,
      ...(verification && { verification }),
      queuedAt: at,
      deadlineAt,
      remainingMs: deadlineAt - at,
      dispatches: 1,
    }
  }

  function entryOf(row: Row, at: number): OutboxEntry {
    const verification =
      row.verification === null
        ? undefined
        : (selectVerification.get(row.verification as string) as Row | undefined)
    return {
      message: JSON.parse(row.body as string) as NewMessage,
      ...(verification && { verification: verificationOf(verification) }),
      queuedAt: row.queued_at as number,
      deadlineAt: row.deadline_at as number,
      remainingMs: (row.deadline_at as number) - at,
      dispatches: (row.dispatches as number) + 1,
    }
  }

  function settleOne({ dispatch, next, message, verification, queuedAt }: Settlement): void {
    const at = now()
    const { changes } =
      next.kind === 'retry'
        ? postpone.run(at + next.afterMs, queuedAt, dispatch.messageId)
        : remove.run(queuedAt, dispatch.messageId)
    if (next.kind === 'failed' && next.isPermanent)
      // Nothing reached the address, so asking again at once, corrected, is fair.
      ledgers.giveBack(
        message.cooldown.map((key) => ({ key, form: 'events' })),
        queuedAt,
      )
    const { messageId, ...told } = dispatch
    journal.append({
      kind: 'dispatch',
      tenant: message.tenant,
      app: message.app,
      member: '',
      verification,
      detail: {
        message: messageId,
        ...told,
        tookMs: Math.round(dispatch.tookMs),
        channel: message.channel,
        queuedAt,
        next: next.kind,
        ...(changes === 0 && { late: 1 }),
      },
    })
  }

  return {
    put,

    queue(messages: readonly NewMessage[], claim: Lease): readonly OutboxEntry[] {
      const at = now()
      return messages.map((message) => put(message, claim, at))
    },

    claim(most: number, claim: Lease): readonly OutboxEntry[] {
      const at = now()
      const rows = selectDue.all(at, most) as Row[]
      for (const row of rows)
        lease.run(at + claim.ms, claim.owner, row.queued_at as number, row.message_id as string)
      return rows.map((row) => entryOf(row, at))
    },

    settle(settlements: readonly Settlement[]): void {
      for (const settlement of settlements) settleOne(settlement)
    },

    release(owner: string): void {
      release.run(now(), owner)
    },

    depth(): OutboxDepth {
      const row = depth.get() as { queued: number; oldest: number | null }
      return { queued: row.queued, oldestMs: row.oldest === null ? 0 : Math.max(0, now() - row.oldest) }
    },
  }
}
