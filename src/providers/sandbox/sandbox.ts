/** The sandbox: a simulated carrier for development, which can be set to fail. It sends nothing anywhere. */

import type { SandboxSettings } from '../../config/providers/sandbox.ts'
import { DeliveryError, type Message, type Provider, type ReceiptSink } from '../../delivery/provider.ts'
import { createInbox, type Inbox } from './inbox.ts'

export type Sandbox = { readonly provider: Provider; readonly inbox: Inbox }

/** @param random  0 to 1; tests give one of their own. */
export function createSandbox(
  settings: SandboxSettings & { readonly name: string },
  receive: ReceiptSink,
  random: () => number = Math.random,
): Sandbox {
  const { name, delayMs, receiptDelayMs, lossRate, refusalRate, unavailableRate } = settings
  const inbox = createInbox()
  const arriving = new Set<NodeJS.Timeout>()
  const happens = (rate: number) => rate > 0 && random() < rate

  function arrive(message: Message): void {
    const { id, channel, to, locale, template, subject, text, html, variables, deadlineAt } = message
    inbox.add({
      id,
      channel,
      to: to.kind === 'phone' ? to.e164 : to.mailbox,
      locale,
      template,
      subject: subject ?? null,
      text,
      html: html ?? null,
      code: template === 'code' ? (variables[0] ?? null) : null,
      arrivedAt: Date.now(),
      expiresAt: deadlineAt,
    })
    if (receiptDelayMs !== null) later(receiptDelayMs, () => tell(id))
  }

  function tell(id: string): void {
    // Like a real carrier, it sends a receipt again that was not recorded.
    receive([{ key: idOf(id), state: 'delivered', providerCode: 'DELIVRD' }]).catch(() =>
      later(1_000, () => tell(id)),
    )
  }

  function later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      arriving.delete(timer)
      act()
    }, ms)
    arriving.add(timer)
  }

  const provider: Provider = {
    name,
    channels: ['sms', 'email', 'voice', 'whatsapp'],
    hasReceipts: receiptDelayMs !== null,
    async send(message) {
      if (happens(refusalRate)) throw new DeliveryError('refused', 'sandbox refuses this address')
      if (happens(unavailableRate)) throw new DeliveryError('unavailable', 'sandbox is busy')
      if (!happens(lossRate)) {
        if (delayMs === 0) arrive(message)
        else later(delayMs, () => arrive(message))
      }
      return { id: idOf(message.id) }
    },
    async check() {},
    async close() {
      for (const timer of arriving) clearTimeout(timer)
    },
  }
  return { provider, inbox }
}

function idOf(messageId: string): string {
  return ['sandbox', messageId].join('-')
}
