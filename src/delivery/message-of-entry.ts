/** Makes the message that a provider gets from an entry of the outbox: derives the code or password and renders the text. */

import { codeOf } from '../code/code-of.ts'
import type { KeyRing, RingKey } from '../code/key-ring.ts'
import { temporaryPassword } from '../code/temporary-password.ts'
import type { Channel } from '../message/channel.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { VerificationDetails } from '../verification/details.ts'
import { boundLineOf } from './phone-pick-up.ts'
import { DeliveryError, type Message } from './provider.ts'
import type { Rendered } from './rendered-message.ts'
import type { Templates } from './templates.ts'

/**
 * @param remainingMs  Until the message's deadline.
 * @param sender  As the message shows it; null: the provider's choice.
 * @throws DeliveryError if its code or password cannot be derived, Error if its text cannot be rendered.
 */
export type MessageOfEntry = (entry: OutboxEntry, remainingMs: number, sender: string | null) => Message

export function createMessageOfEntry(ring: KeyRing, templates: Pick<Templates, 'render'>): MessageOfEntry {
  return ({ message, verification }, remainingMs, sender) => {
    const { id, tenant, app, channel, to, locale, template, values } = message
    const code = verification ? codeBy(ring, verification) : ''
    const rendered = templates.render(
      template,
      channel,
      locale,
      id,
      verification
        ? {
            ...values,
            code,
            lifetimeMs: String(verification.expiresAt - verification.issuedAt),
          }
        : template === 'temporary-password'
          ? { ...values, password: temporaryPassword(keyIn(ring, values.keyId), id) }
          : values,
      verification?.details?.template === undefined
        ? undefined
        : { template: verification.details.template, values: verification.details.values ?? {} },
    )
    const deadlineAt = verification?.expiresAt ?? 0
    const text = bound(rendered, channel, code, verification?.details)
    return { id, tenant, app, channel, to, locale, template, sender, ...text, deadlineAt, remainingMs }
  }
}

function codeBy(ring: KeyRing, verification: NonNullable<OutboxEntry['verification']>): string {
  return codeOf(keyIn(ring, verification.keyId), verification)
}

/** A code or a password by another key would be wrong. */
function keyIn(ring: KeyRing, id: string | undefined): RingKey {
  const key = ring.keys.get(id ?? '')
  if (!key) throw new DeliveryError('refused', 'key of the code is not in the ring')
  return key
}

/**
 * An SMS with the lines by which a phone hands its code to one app or one page: the app's hash, and last `@host #code`
 * (WICG sms-one-time-codes 2.3), unless the operator's template has a last line of its own.
 */
function bound(
  rendered: Rendered,
  channel: Channel,
  code: string,
  details: VerificationDetails | null | undefined,
): Rendered {
  if (channel !== 'sms' || !(details?.origin ?? details?.appHash)) return rendered
  const { origin, appHash } = details!
  const { text } = rendered
  if (boundLineOf(text) !== undefined) return rendered
  const lines = [text, ...(appHash ? [appHash] : []), ...(origin ? [`@${origin} #${code}`] : [])]
  return { ...rendered, text: lines.join('\n') }
}
