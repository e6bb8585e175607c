/** Queues messages that belong to no verification. */

import type { NewMessage } from '../../message/message.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { Lease } from '../outbox.ts'
import type { Verb } from '../unit-of-work.ts'

export const queue: Verb<[readonly NewMessage[], Lease], readonly OutboxEntry[]> = {
  needs: () => undefined,
  decide: ({ outbox }, messages, lease) => messages.map((message) => outbox.put(message, lease)),
}
