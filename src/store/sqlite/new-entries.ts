/**
 * Messages queued moments ago, kept in memory. Most are settled within milliseconds. To put each into the index of what
 * is due and take it out again would be two of the seven B-tree writes of a send. So a message is put there only if it
 * is not settled within seconds, or its lease has ended. After a crash those of the last seconds are found by their
 * time.
 */

import type { DatabaseSync } from 'node:sqlite'
import { idAt } from '../numbering.ts'
import type { EntryKey } from '../outbox.ts'
import { aboutOf } from '../stored-dispatch.ts'

/** A message with a shorter lease is put into the index at once. */
const minLeaseMs = 1_000
/** So long after it was queued a message is put into the index. */
const newMs = 2_000
/** Callers make an id, and so its time, before the call that brings it. */
const lagMs = 5_000
const persistEveryMs = 1_000
const markName = 'new_entries_after'

type NewEntry = {
  readonly about: string
  readonly message: string
  readonly queuedAt: number
  readonly leaseEnd: number
}

export type NewEntries = ReturnType<typeof openNewEntries>

/** @param wallNow  The clock that ids are made by. */
export function openNewEntries(db: DatabaseSync, wallNow: () => number) {
  const selectMark = db.prepare(`select value from meta where name = '${markName}'`)
  const putMark = db.prepare(
    `insert into meta values ('${markName}', ?) on conflict do update set value = excluded.value`,
  )
  const putDue = db.prepare(
    "update dispatch set is_due = 1 where about = ? and message = ? and nth = 1 and outcome = ''",
  )
  const putDueAfter = db.prepare(
    "update dispatch set is_due = 1 where about > ? and outcome = '' and is_due is null",
  )
  /** By the ids of their messages. */
  const entries = new Map<string, NewEntry>()
  /** Of this transaction, as the next. */
  let gone: string[] = []
  let isRecovering = false
  /** No message with an earlier id is missing in the index. */
  let mark = selectMark.get()?.value as string | undefined
  let isRecovered = mark === undefined
  let persistedAt = Number.NEGATIVE_INFINITY

  function forget(): void {
    gone = []
    isRecovering = false
  }

  return {
    /**
     * @returns false if the message must be in the index at once. A notice must: a command that queues one beside the
     * server ends before the message is settled.
     */
    add(key: EntryKey, leaseMs: number): boolean {
      const { messageId: message, queuedAt, verification } = key
      if (verification === '') return false
      const about = aboutOf(key)
      if (mark === undefined || about <= mark || leaseMs < minLeaseMs) return false
      entries.set(message, { about, message, queuedAt, leaseEnd: queuedAt + leaseMs })
      return true
    },

    remove: (message: string): void => void gone.push(message),

    /** Puts those into the index that are not new any more; with `isAll` all of them. */
    putIntoIndex(now: number, isAll = false): void {
      // Left by a process that has ended.
      if (!isRecovered && !isRecovering) {
        putDueAfter.run(mark!)
        isRecovering = true
        // Those of this process are among them, and would be counted twice.
        gone.push(...entries.keys())
        return
      }
      for (const { about, message, queuedAt, leaseEnd } of entries.values()) {
        if (!isAll && queuedAt > now - newMs && leaseEnd > now) continue
        putDue.run(about, message)
        gone.push(message)
      }
    },

    depth(): { readonly queued: number; readonly oldest: number | undefined } {
      const queued = entries.size - gone.filter((message) => entries.has(message)).length
      return { queued, oldest: queued === 0 ? undefined : entries.values().next().value!.queuedAt }
    },

    /** Before the commit. */
    flush(now: number): void {
      if (now - persistedAt < persistEveryMs || !isRecovered) return
      persistedAt = now
      const before = idAt(wallNow() - lagMs)
      mark = [...entries.values()].reduce(
        (least, { about }) => (about <= least ? beforeId(about) : least),
        before,
      )
      putMark.run(mark)
    },

    committed(): void {
      for (const message of gone) entries.delete(message)
      isRecovered ||= isRecovering
      forget()
    },

    discard: forget,
  }
}

/** A text that sorts before the id, and after those of earlier milliseconds. */
function beforeId(id: string): string {
  return id.slice(0, 12)
}
