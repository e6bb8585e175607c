/** The outbox in SQLite: leases in one column, each dispatch recorded as its message is settled. */

import type { DatabaseSync } from 'node:sqlite'
import type { Channel } from '../../message/channel.ts'
import type { NewMessage } from '../../message/message.ts'
import { isUntaken, newOutboxEntry, type OutboxEntry } from '../../message/outbox-entry.ts'
import { type OpenLimiters, refundAll } from '../../throttle/open-limiters.ts'
import type { Verification } from '../../verification/verification.ts'
import type { Begun, Lease, OutboxDepth, Settlement } from '../outbox.ts'
import type { SqliteDispatches } from './dispatches.ts'
import { type Row, verificationOf } from './rows.ts'

export type SqliteOutbox = ReturnType<typeof sqliteOutbox>

export function sqliteOutbox(
  db: DatabaseSync,
  now: () => number,
  limiters: OpenLimiters,
  dispatches: SqliteDispatches,
) {
  const insert = db.prepare("insert into outbox values (?, ?, ?, ?, ?, ?, ?, 1, '[]', 0, null, null)")
  const selectDue = db.prepare('select * from outbox where due_at <= ? order by due_at limit ?')
  const selectVerification = db.prepare('select * from verification where id = ?')
  const lease = db.prepare(
    'update outbox set due_at = ?, owner = ?, dispatches = dispatches + 1 where queued_at = ? and message_id = ?',
  )
  const retry = db.prepare(
    `update outbox set due_at = ?, owner = '', handing = null, tried = json_insert(tried, '$[#]', ?),
       unknowns = unknowns + ?
     where queued_at = ? and message_id = ?`,
  )
  const awaitSecond = db.prepare(
    `update outbox set due_at = ?, owner = '', handing = null, tried = json_insert(tried, '$[#]', ?), second = ?
     where queued_at = ? and message_id = ?`,
  )
  const begin = db.prepare(
    'update outbox set handing = ? where queued_at = ? and message_id = ? and dispatches = ?',
  )
  const postpone = db.prepare(
    `update outbox set due_at = ?, owner = '', handing = null, dispatches = dispatches - 1
     where queued_at = ? and message_id = ?`,
  )
  const selectEntry = db.prepare('select * from outbox where queued_at = ? and message_id = ?')
  const remove = db.prepare('delete from outbox where queued_at = ? and message_id = ?')
  const release = db.prepare("update outbox set due_at = ?, owner = '' where owner = ? and owner <> ''")
  const depth = db.prepare(
    `select (select count(*) from outbox where second is null) as queued,
       (select min(queued_at) from outbox where second is null) as oldest`,
  )

  function put(message: NewMessage, claim: Lease, verification?: Verification): OutboxEntry {
    const at = now()
    const entry = newOutboxEntry(message, at, verification)
    insert.run(
      at,
      message.id,
      verification?.id ?? null,
      JSON.stringify(message),
      entry.deadlineAt,
      at + claim.ms,
      claim.owner,
    )
    return entry
  }

  function entryOf(row: Row, at: number): OutboxEntry {
    const verification =
      row.verification === null
        ? undefined
        : (selectVerification.get(row.verification as string) as Row | undefined)
    const message = JSON.parse(row.body as string) as NewMessage
    const second = row.second as Channel | null
    return {
      message: second === null ? message : { ...message, channel: second },
      ...(verification && { verification: verificationOf(verification) }),
      queuedAt: row.queued_at as number,
      deadlineAt: row.deadline_at as number,
      remainingMs: (row.deadline_at as number) - at,
      nth: (row.dispatches as number) + 1,
      tried: JSON.parse(row.tried as string) as string[],
      unknowns: row.unknowns as number,
      ...(row.handing !== null && { begun: row.handing as string }),
      isSecond: second !== null,
    }
  }

  /** @returns Whether the message was given up by it. */
  function settleOne(settlement: Settlement): boolean {
    const at = now()
    const { dispatch, next, queuedAt } = settlement
    const { messageId, provider } = dispatch
    const { changes } =
      next.kind === 'retry'
        ? retry.run(at + next.afterMs, provider, Number(dispatch.outcome === 'unknown'), queuedAt, messageId)
        : next.kind === 'second'
          ? awaitSecond.run(at + next.afterMs, provider, next.channel, queuedAt, messageId)
          : next.kind === 'failed'
            ? fail(settlement)
            : remove.run(queuedAt, messageId)
    dispatches.record(settlement, changes === 0)
    return next.kind === 'failed' && changes > 0
  }

  function fail({ dispatch, message, queuedAt, nth }: Settlement) {
    const row = selectEntry.get(queuedAt, dispatch.messageId) as Row | undefined
    // Claimed since: what becomes of it is for them to say who have it now.
    if (!row || (row.dispatches as number) > nth) return { changes: 0 }
    const { tried, unknowns, isSecond } = entryOf(row, queuedAt)
    if (isUntaken({ nth, tried, unknowns, isSecond }, dispatch.outcome))
      // Nothing reached the address, so asking again at once is fair.
      refundAll(
        limiters,
        message.cooldown.map((key) => ({ key, form: 'events', at: queuedAt })),
      )
    return remove.run(queuedAt, dispatch.messageId)
  }

  return {
    put,

    queue(messages: readonly NewMessage[], claim: Lease): readonly OutboxEntry[] {
      return messages.map((message) => put(message, claim))
    },

    claim(most: number, claim: Lease): readonly OutboxEntry[] {
      const at = now()
      const rows = selectDue.all(at, most) as Row[]
      for (const row of rows)
        lease.run(at + claim.ms, claim.owner, row.queued_at as number, row.message_id as string)
      return rows.map((row) => entryOf(row, at))
    },

    settle: (settlements: readonly Settlement[]): readonly boolean[] => settlements.map(settleOne),

    begin(marks: readonly Begun[]): readonly boolean[] {
      return marks.map(
        ({ provider, queuedAt, messageId, nth }) => begin.run(provider, queuedAt, messageId, nth).changes > 0,
      )
    },

    postpone(entries: readonly { messageId: string; queuedAt: number }[], afterMs: number): void {
      for (const { messageId, queuedAt } of entries) postpone.run(now() + afterMs, queuedAt, messageId)
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
