/** The outbox in SQLite: rows of the table of dispatches that have no outcome yet, as units of work change them. */

import type { DatabaseSync } from 'node:sqlite'
import type { Channel } from '../../message/channel.ts'
import type { NewMessage } from '../../message/message.ts'
import { newOutboxEntry, type OutboxEntry } from '../../message/outbox-entry.ts'
import { claimedBy, type Second } from '../../message/second.ts'
import type { StoredEntry } from '../../message/stored-entry.ts'
import type { EntryKey, Lease, OutboxDepth } from '../outbox.ts'
import { aboutOf, type StoredDispatch } from '../stored-dispatch.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import type { SqliteDispatches } from './dispatches.ts'
import type { NewEntries } from './new-entries.ts'
import { type Row, verificationOf } from './rows.ts'

/** @param now  Engine time of the unit. */
export function openOutbox(
  db: DatabaseSync,
  now: () => number,
  dispatches: SqliteDispatches,
  newEntries: NewEntries,
): UnitOfWork['outbox'] {
  const insert = db.prepare(
    `insert into dispatch (about, message, nth, tenant, app, channel, provider, region, outcome, provider_code,
       provider_id, queued_at, handed_at, answered_at, next, is_late, body, deadline_at, due_at, owner, tried, unknowns,
       second, handing, is_due)
     values (?, ?, ?, ?, ?, ?, '', '', '', '', '', ?, 0, 0, '', 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  // Of a new message, with as few values to bind as can be: each takes a tenth of a microsecond.
  const insertNew = db.prepare(
    `insert into dispatch (about, message, nth, tenant, app, channel, provider, region, outcome, provider_code,
       provider_id, queued_at, handed_at, answered_at, next, is_late, body, deadline_at, due_at, owner, is_due)
     values (?, ?, 1, ?, ?, ?, '', '', '', '', '', ?, 0, 0, '', 0, ?, ?, ?, ?, ?)`,
  )
  const waiting = "about = ? and message = ? and outcome = ''"
  const select = db.prepare(`select * from dispatch where ${waiting}`)
  const update = db.prepare(
    `update dispatch set nth = ?, due_at = ?, owner = ?, tried = ?, unknowns = ?, second = ?, handing = ?, is_due = 1
     where ${waiting}`,
  )
  const remove = db.prepare(`delete from dispatch where ${waiting}`)

  function change(key: EntryKey, entry: StoredEntry): void {
    const { dueAt, owner, tried, unknowns, second, begun } = entry
    const about = aboutOf(key)
    update.run(nthOf(entry), dueAt, owner, triedText(tried), unknowns, second, begun, about, key.messageId)
    newEntries.remove(key.messageId)
  }

  /** @returns Whether it was there. */
  function removed({ about, message }: Pick<StoredDispatch, 'about' | 'message'>): boolean {
    newEntries.remove(message)
    return remove.run(about, message).changes > 0
  }

  return {
    put(message, lease, verification) {
      const entry = newOutboxEntry(message, now(), verification)
      const { queuedAt, deadlineAt } = entry
      const { id, tenant, app, channel, ...body } = message
      const key = { messageId: id, queuedAt, verification: verification?.id ?? '' }
      const isNew = newEntries.add(key, lease.ms)
      insertNew.run(
        aboutOf(key),
        id,
        tenant,
        app,
        channel,
        queuedAt,
        JSON.stringify(body),
        deadlineAt,
        queuedAt + lease.ms,
        lease.owner,
        isNew ? null : 1,
      )
      return entry
    },

    get(key) {
      const row = select.get(aboutOf(key), key.messageId) as Row | undefined
      return row && storedEntryOf(row)
    },

    change,
    remove: (key) => void removed({ about: aboutOf(key), message: key.messageId }),

    end(dispatch) {
      // In place, as nearly every message ends with the claim that it was queued with.
      if (dispatches.endInPlace(dispatch)) newEntries.remove(dispatch.message)
      else dispatches.add({ ...dispatch, isLate: !removed(dispatch) })
    },

    tryAgain(dispatch, entry) {
      const row = select.get(dispatch.about, dispatch.message) as Row
      removed(dispatch)
      dispatches.add(dispatch)
      insert.run(
        dispatch.about,
        dispatch.message,
        nthOf(entry),
        row.tenant as string,
        row.app as string,
        row.channel as string,
        dispatch.queuedAt,
        row.body as string,
        row.deadline_at as number,
        entry.dueAt,
        entry.owner,
        triedText(entry.tried),
        entry.unknowns,
        entry.second,
        entry.begun,
        1,
      )
    },
  }
}

/** Acts that no verb decides. @param now  Engine time of the unit. */
export function outboxActs(db: DatabaseSync, now: () => number, newEntries: NewEntries) {
  const selectDue = db.prepare(
    'select * from dispatch where is_due = 1 and due_at <= ? order by due_at limit ?',
  )
  const selectVerification = db.prepare('select * from verification where id = ?')
  const lease = db.prepare(
    "update dispatch set due_at = ?, owner = ?, nth = ? where about = ? and message = ? and outcome = ''",
  )
  const release = db.prepare(
    "update dispatch set due_at = ?, owner = '', nth = nth + 1 where is_due = 1 and owner = ? and owner <> ''",
  )
  // By the index alone.
  const depth = db.prepare(
    'select count(*) as queued, min(queued_at) as oldest from dispatch where is_due = 1 and second is null',
  )

  function claimedOf(row: Row): OutboxEntry {
    const { about, message: id, tenant, app, channel } = row as Record<string, string>
    const verification = selectVerification.get(about!) as Row | undefined
    const { claims, tried, unknowns, second, begun } = storedEntryOf(row)
    const body = JSON.parse(row.body as string) as Omit<NewMessage, 'id' | 'tenant' | 'app' | 'channel'>
    const message = { id: id!, tenant: tenant!, app: app!, ...body, channel: channel as Channel }
    return {
      ...claimedBy(message, second),
      ...(verification && { verification: verificationOf(verification) }),
      queuedAt: row.queued_at as number,
      deadlineAt: row.deadline_at as number,
      remainingMs: (row.deadline_at as number) - now(),
      nth: claims + 1,
      tried,
      unknowns,
      ...(begun !== null && { begun }),
    }
  }

  return {
    claim(max: number, { owner, ms }: Lease): readonly OutboxEntry[] {
      newEntries.putIntoIndex(now())
      const rows = selectDue.all(now(), max) as Row[]
      const claimed = rows.map(claimedOf)
      for (const [i, { about, message }] of (rows as { about: string; message: string }[]).entries())
        lease.run(now() + ms, owner, claimed[i]!.nth, about, message)
      return claimed
    },

    release(owner: string): void {
      newEntries.putIntoIndex(now(), true)
      release.run(now(), owner)
    },

    depth(): OutboxDepth {
      newEntries.putIntoIndex(now())
      const { queued, oldest } = depth.get() as { queued: number; oldest: number | null }
      const added = newEntries.depth()
      const since = Math.min(oldest ?? now(), added.oldest ?? now())
      return { queued: queued + added.queued, oldestMs: now() - since }
    },
  }
}

/** The number of the present claim, or of the next one if nobody owns the message. */
function nthOf({ claims, owner }: StoredEntry): number {
  return owner === '' ? claims + 1 : claims
}

function triedText(tried: readonly string[]): string | null {
  return tried.length === 0 ? null : JSON.stringify(tried)
}

function storedEntryOf(row: Row): StoredEntry {
  const [owner, nth, tried] = [row.owner as string, row.nth as number, row.tried as string | null]
  return {
    dueAt: row.due_at as number,
    owner,
    claims: owner === '' ? nth - 1 : nth,
    tried: tried === null ? [] : (JSON.parse(tried) as string[]),
    unknowns: (row.unknowns as number | null) ?? 0,
    second: row.second as Second | null,
    begun: row.handing as string | null,
  }
}
