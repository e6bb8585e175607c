/** The sandbox: a simulated carrier for development, whose bad days can be set. Sends nothing anywhere. */

import { DeliveryError, type Message, type Provider } from '../../delivery/provider.ts'
import { createInbox, type Inbox } from './inbox.ts'

export type SandboxSettings = {
  readonly name: string
  /** From hand-over to arrival, ms. */
  readonly delayMs: number
  /** Shares of messages, 0 to 1: accepted but never arriving; refused for good; not taken this time. */
  readonly lossRate: number
  readonly refusalRate: number
  readonly unavailableRate: number
}

export type Sandbox = { readonly provider: Provider; readonly inbox: Inbox }

/** @param random  0 to 1; tests give one of their own. */
export function createSandbox(settings: SandboxSettings, random: () => number = Math.random): Sandbox {
  const { name, delayMs, lossRate, refusalRate, unavailableRate } = settings
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
  }

  const provider: Provider = {
    name,
    channels: ['sms', 'email', 'voice'],
    hasReceipts: false,
    async send(message) {
      if (happens(refusalRate)) throw new DeliveryError('refused', 'sandbox refuses this address')
      if (happens(unavailableRate)) throw new DeliveryError('unavailable', 'sandbox is busy')
      if (!happens(lossRate)) {
        if (delayMs === 0) arrive(message)
        else {
          const timer = setTimeout(() => {
            arriving.delete(timer)
            arrive(message)
          }, delayMs)
          arriving.add(timer)
        }
      }
      return { id: `sandbox-${message.id}` }
    },
    async check() {},
    async close() {
      for (const timer of arriving) clearTimeout(timer)
    },
  }
  return { provider, inbox }
}
