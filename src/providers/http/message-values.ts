/** The values of a message for the templates of a block: those that its templates use, and no others. */

import type { MessageValues } from '../../config/carriers/block-schema.ts'
import type { TemplateIds } from '../../config/carriers/template-ids.ts'
import type { Message } from '../../delivery/provider.ts'
import { segmentsOf } from '../../delivery/sms-segments.ts'
import type { Values } from '../../liquid.ts'
import { regionOf } from '../../message/destination.ts'
import { randomHex } from '../../random.ts'

export type ValueSettings = {
  /** Names of the values to make. */
  readonly names: ReadonlySet<string>
  /** Values that every message has: those of the block's needs. */
  readonly fixed: Values
  /** null: the carrier takes texts. */
  readonly templateIds: TemplateIds | null
  readonly receiptUrl: string | null
}

type Source = Pick<ValueSettings, 'templateIds' | 'receiptUrl'> & {
  readonly message: Message
  readonly nowMs: number
}

/** How each value is made. Some, such as `isUnicode`, take longer than all others together. */
const makers: { readonly [N in keyof MessageValues]: (source: Source) => MessageValues[N] } = {
  to: ({ message: { to } }) => (to.kind === 'phone' ? to.e164 : to.mailbox),
  toDigits: ({ message: { to } }) => (to.kind === 'phone' ? to.e164.slice(1) : ''),
  mailbox: ({ message: { to } }) => (to.kind === 'phone' ? '' : to.mailbox),
  country: ({ message: { to } }) => regionOf(to),
  channel: ({ message }) => message.channel,
  text: ({ message }) => message.text,
  subject: ({ message }) => message.subject ?? '',
  html: ({ message }) => message.html ?? '',
  isUnicode: ({ message: { channel, text } }) => channel === 'sms' && segmentsOf(text).encoding === 'ucs-2',
  template: ({ message }) => message.template,
  templateId: (source) => registeredOf(source)?.id ?? '',
  variables: (source) => registeredVariables(source)?.map(([, value]) => value) ?? source.message.variables,
  namedVariables: (source) => Object.fromEntries(registeredVariables(source) ?? []),
  locale: ({ message }) => message.locale,
  sender: ({ message }) => message.sender ?? '',
  messageId: ({ message }) => message.id,
  tenant: ({ message }) => message.tenant,
  app: ({ message }) => message.app,
  lifetimeSeconds: ({ message }) => Math.max(1, Math.floor(message.remainingMs / 1000)),
  lifetimeMinutes: ({ message }) => Math.max(1, Math.ceil(message.remainingMs / 60_000)),
  receiptUrl: ({ receiptUrl }) => receiptUrl ?? '',
  timestamp: ({ nowMs }) => Math.floor(nowMs / 1000),
  isoTime: ({ nowMs }) => `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
  nonce: () => randomHex(16),
}

/** The operator's registration of the message's template at the carrier. */
function registeredOf({ templateIds, message }: Source) {
  return templateIds?.[message.template]?.[message.locale]
}

/** Name and value of each variable that the registered template has, in its order. */
function registeredVariables(source: Source) {
  return registeredOf(source)?.variables.map(
    ({ at, name }) => [name, source.message.variables[at] ?? ''] as const,
  )
}

/** @returns A function from a message to the values that the names ask for, with the fixed ones. */
export function messageValues({
  names,
  fixed,
  templateIds,
  receiptUrl,
}: ValueSettings): (message: Message, nowMs: number) => Values {
  const used = Object.entries(makers).filter(([name]) => names.has(name))
  return (message, nowMs) => {
    const source: Source = { message, nowMs, templateIds, receiptUrl }
    const values: Record<string, unknown> = { ...fixed }
    for (const [name, make] of used) values[name] = make(source)
    return values
  }
}

/** The values that a request has without a message. */
export function signingValues(nowMs: number): Pick<MessageValues, 'timestamp' | 'isoTime' | 'nonce'> {
  const source = { nowMs } as Source
  const { timestamp, isoTime, nonce } = makers
  return { timestamp: timestamp(source), isoTime: isoTime(source), nonce: nonce(source) }
}
