/** Makes the message that a provider gets from an entry of the outbox: derives the code and renders the text. */

import { codeOf } from '../code/code-of.ts'
import type { KeyRing } from '../code/key-ring.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import { DeliveryError, type Message } from './provider.ts'
import type { Templates } from './templates.ts'

/**
 * @param remainingMs  Until the message's deadline.
 * @param sender  As the message shows it; null: the provider's choice.
 * @throws DeliveryError if its code cannot be derived, Error if its text cannot be rendered.
 */
export type MessageOfEntry = (entry: OutboxEntry, remainingMs: number, sender: string | null) => Message

export function createMessageOfEntry(ring: KeyRing, templates: Pick<Templates, 'render'>): MessageOfEntry {
  return ({ message, verification }, remainingMs, sender) => {
    const { id, tenant, app, channel, to, locale, template, values } = message
    const text = templates.render(
      template,
      channel,
      locale,
      id,
      verification
        ? {
            ...values,
            code: codeBy(ring, verification),
            lifetimeMs: String(verification.expiresAt - verification.issuedAt),
          }
        : values,
    )
    const deadlineAt = verification?.expiresAt ?? 0
    return { id, tenant, app, channel, to, locale, template, sender, ...text, deadlineAt, remainingMs }
  }
}

function codeBy(ring: KeyRing, verification: NonNullable<OutboxEntry['verification']>): string {
  const key = ring.keys.get(verification.keyId)
  // A code by another key would be wrong.
  if (!key) throw new DeliveryError('refused', 'key of the code is not in the ring')
  return codeOf(key, verification)
}
