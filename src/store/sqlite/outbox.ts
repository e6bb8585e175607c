/** The outbox in SQLite: as units of work change it, as it is claimed, and how much waits in it. */

import type { DatabaseSync } from 'node:sqlite'
import type { Channel } from '../../message/channel.ts'
import type { NewMessage } from '../../message/message.ts'
import { newOutboxEntry, type OutboxEntry } from '../../message/outbox-entry.ts'
import type { StoredEntry } from '../../message/stored-entry.ts'
import type { EntryKey, Lease, OutboxDepth } from '../outbox.ts'
import { entryKeyOf } from '../stored-dispatch.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { type Row, verificationOf } from './rows.ts'

/** @param now  Engine time of the unit. */
export function openOutbox(
  db: DatabaseSync,
  now: () => number,
  dispatches: UnitOfWork['dispatches'],
): UnitOfWork['outbox'] {
  const insert = db.prepare("insert into outbox values (?, ?, ?, ?, ?, ?, ?, 1, '[]', 0, null, null)")
  const select = db.prepare('select * from outbox where queued_at = ? and message_id = ?')
  const update = db.prepare(
    `update outbox set due_at = ?, owner = ?, dispatches = ?, tried = ?, unknowns = ?, second = ?, handing = ?
     where queued_at = ? and message_id = ?`,
  )
  const remove = db.prepare('delete from outbox where queued_at = ? and message_id = ?')

  function change({ queuedAt, messageId }: EntryKey, entry: StoredEntry): void {
    const { dueAt, owner, claims, tried, unknowns, second, begun } = entry
    update.run(dueAt, owner, claims, JSON.stringify(tried), unknowns, second, begun, queuedAt, messageId)
  }

  return {
    put(message, lease, verification) {
      const entry = newOutboxEntry(message, now(), verification)
      const { queuedAt, deadlineAt } = entry
      insert.run(
        queuedAt,
        message.id,
        verification?.id ?? null,
        JSON.stringify(message),
        deadlineAt,
        queuedAt + lease.ms,
        lease.owner,
      )
      return entry
    },

    get({ queuedAt, messageId }) {
      const row = select.get(queuedAt, messageId) as Row | undefined
      return row && storedEntryOf(row)
    },

    change,
    remove: ({ queuedAt, messageId }) => void remove.run(queuedAt, messageId),

    end(dispatch) {
      const { changes } = remove.run(dispatch.queuedAt, dispatch.message)
      dispatches.add({ ...dispatch, isLate: changes === 0 })
    },

    tryAgain(dispatch, entry) {
      change(entryKeyOf(dispatch), entry)
      dispatches.add(dispatch)
    },
  }
}

/** What no verb decides. @param now  Engine time of the unit. */
export function outboxActs(db: DatabaseSync, now: () => number) {
  const selectDue = db.prepare('select * from outbox where due_at <= ? order by due_at limit ?')
  const selectVerification = db.prepare('select * from verification where id = ?')
  const lease = db.prepare(
    'update outbox set due_at = ?, owner = ?, dispatches = dispatches + 1 where queued_at = ? and message_id = ?',
  )
  const release = db.prepare("update outbox set due_at = ?, owner = '' where owner = ? and owner <> ''")
  const depth = db.prepare(
    `select (select count(*) from outbox where second is null) as queued,
       (select min(queued_at) from outbox where second is null) as oldest`,
  )

  function claimedOf(row: Row): OutboxEntry {
    const verification =
      row.verification === null
        ? undefined
        : (selectVerification.get(row.verification as string) as Row | undefined)
    const message = JSON.parse(row.body as string) as NewMessage
    const { claims, tried, unknowns, second, begun } = storedEntryOf(row)
    return {
      message: second === null ? message : { ...message, channel: second },
      ...(verification && { verification: verificationOf(verification) }),
      queuedAt: row.queued_at as number,
      deadlineAt: row.deadline_at as number,
      remainingMs: (row.deadline_at as number) - now(),
      nth: claims + 1,
      tried,
      unknowns,
      ...(begun !== null && { begun }),
      isSecond: second !== null,
    }
  }

  return {
    claim(most: number, { owner, ms }: Lease): readonly OutboxEntry[] {
      const rows = selectDue.all(now(), most) as Row[]
      for (const row of rows) lease.run(now() + ms, owner, row.queued_at as number, row.message_id as string)
      return rows.map(claimedOf)
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

function storedEntryOf(row: Row): StoredEntry {
  return {
    dueAt: row.due_at as number,
    owner: row.owner as string,
    claims: row.dispatches as number,
    tried: JSON.parse(row.tried as string) as string[],
    unknowns: row.unknowns as number,
    second: row.second as Channel | null,
    begun: row.handing as string | null,
  }
}
