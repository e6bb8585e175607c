/** The verbs of the outbox: what each needs to see, and what it decides over a unit of work. */

import type { NewMessage } from '../../message/message.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { Begun, Lease, Settlement } from '../outbox.ts'
import { type EntryKey, readsEntry } from './outbox.ts'
import type { PostgresNeeds, PostgresUnit } from './unit-of-work.ts'

type Needs = PostgresNeeds['needs']

const verb = <Args extends unknown[], Result>(
  needs: (needs: Needs, ...args: Args) => void,
  decide: (unit: PostgresUnit, ...args: Args) => Result,
) => ({ needs, decide })

export const outboxVerbs = {
  'outbox.queue': verb(
    (_needs, _messages: readonly NewMessage[], _lease: Lease) => undefined,
    ({ outbox }, messages, lease): readonly OutboxEntry[] =>
      messages.map((message) => outbox.put(message, lease)),
  ),

  'outbox.settle': verb(
    (needs, settlements: readonly Settlement[]) => {
      for (const settlement of settlements) {
        const { dispatch, queuedAt, message, next } = settlement
        if (readsEntry(settlement)) needs.entry({ queuedAt, messageId: dispatch.messageId })
        if (next.kind === 'failed') needs.limiters(message.cooldown)
      }
    },
    ({ outbox }, settlements): readonly boolean[] => settlements.map((one) => outbox.settleOne(one)),
  ),

  'outbox.begin': verb(
    (needs, marks: readonly Begun[]) => {
      for (const { queuedAt, messageId } of marks) needs.entry({ queuedAt, messageId })
    },
    ({ outbox }, marks): readonly boolean[] => marks.map((mark) => outbox.begin(mark)),
  ),

  'outbox.postpone': verb(
    (needs, entries: readonly EntryKey[], _afterMs: number) => {
      for (const { queuedAt, messageId } of entries) needs.entry({ queuedAt, messageId })
    },
    ({ outbox }, entries, afterMs): void => {
      for (const entry of entries) outbox.postpone(entry, afterMs)
    },
  ),
} as const
