/** Claims due messages of one shard, and reads them as the functions keep them. */

import type { NewMessage } from '../../message/message.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import { claimedBy, type Second } from '../../message/second.ts'
import type { Lease } from '../outbox.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { parseRecord, verificationOf } from './records.ts'

/** The state of a message, as functions/claim.lua and functions/settle.lua write it. */
type EntryState = {
  readonly verification: string
  readonly deadlineAt: number
  /** Claims so far. */
  readonly dispatches: number
  readonly tried?: readonly string[]
  readonly unknowns: number
  /** The number of the last claim that was settled. */
  readonly settled?: number
  readonly second?: Second
  /** The provider to which its owner had begun to hand it over. */
  readonly handing?: string
}

export type ClaimedMessages = {
  /** Engine time of the claim. */
  readonly now: number
  readonly entries: readonly OutboxEntry[]
  /** Those of them whose claim before this one was not settled. */
  readonly unsettled: readonly OutboxEntry[]
}

/** The name of a message in its shard. */
export function entryOf({ queuedAt, messageId }: { queuedAt: number; messageId: string }): string {
  return `${queuedAt}:${messageId}`
}

/** @throws AppError `store.unavailable` */
export async function claimDue(
  calls: Calls,
  layout: Layout,
  until: number,
  shard: number,
  max: number,
  lease: Lease,
): Promise<ClaimedMessages> {
  const { bodies, entries: states, due, records } = layout.of[shard]!
  const [, now, ...rest] = await calls.call({
    name: 'claim',
    shard,
    keys: [bodies, states, due, records],
    args: [max, lease.owner, lease.ms],
    until,
  })
  const entries: OutboxEntry[] = []
  const unsettled: OutboxEntry[] = []
  for (let i = 0; i < rest.length; i += 4) {
    const [name, body, text, record] = rest.slice(i, i + 4) as [string, string, string, string]
    const state = JSON.parse(text) as EntryState
    const entry = claimedOf(now, name, body, state, record)
    entries.push(entry)
    if ((state.settled ?? 0) < state.dispatches - 1) unsettled.push(entry)
  }
  return { now, entries, unsettled }
}

function claimedOf(now: number, name: string, body: string, state: EntryState, record: string): OutboxEntry {
  const message = JSON.parse(body) as NewMessage
  const { verification, deadlineAt, dispatches, tried = [], unknowns, second, handing } = state
  return {
    ...claimedBy(message, second ?? null),
    // Missing only if Redis lost a part of its data. Then no code can be derived, and the message ends unsent.
    verification:
      record === ''
        ? lostVerification(verification, message, deadlineAt)
        : verificationOf(parseRecord(record)),
    queuedAt: Number(name.slice(0, name.indexOf(':'))),
    deadlineAt,
    remainingMs: deadlineAt - now,
    nth: dispatches,
    tried,
    unknowns,
    ...(handing !== undefined && { begun: handing }),
  }
}

function lostVerification(id: string, { tenant, app }: NewMessage, expiresAt: number) {
  const parts = { tenant, app, subject: '', address: '', purpose: 'new-contact', keyId: '' } as const
  const life = { state: 'dead', issuedAt: expiresAt, expiresAt, submissions: 0, usedAt: null } as const
  return { id, ...parts, digits: 6, ...life, isTest: false, details: null }
}
