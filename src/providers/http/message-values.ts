/** The values of a message for the templates of a block. */

import type { MessageValues } from '../../config/carriers/block-schema.ts'
import type { TemplateIds } from '../../config/carriers/template-ids.ts'
import type { Message } from '../../delivery/provider.ts'
import { segmentsOf } from '../../delivery/sms-segments.ts'
import { regionOf } from '../../message/destination.ts'
import { randomHex } from '../../random.ts'

/** @param templateIds  null: the carrier takes texts. */
export function messageValues(
  message: Message,
  templateIds: TemplateIds | null,
  receiptUrl: string | null,
  nowMs: number,
): MessageValues {
  const { to, channel, text, subject, html, template, variables, locale, sender, id, tenant, app } = message
  const isPhone = to.kind === 'phone'
  const registered = templateIds?.[template]?.[locale]
  const chosen = registered?.variables.map(({ at, name }) => [name, variables[at] ?? ''] as const)
  return {
    to: isPhone ? to.e164 : to.mailbox,
    toDigits: isPhone ? to.e164.slice(1) : '',
    mailbox: isPhone ? '' : to.mailbox,
    country: regionOf(to),
    channel,
    text,
    subject: subject ?? '',
    html: html ?? '',
    isUnicode: channel === 'sms' && segmentsOf(text).encoding === 'ucs-2',
    template,
    templateId: registered?.id ?? '',
    variables: chosen?.map(([, value]) => value) ?? variables,
    namedVariables: Object.fromEntries(chosen ?? []),
    locale,
    sender: sender ?? '',
    messageId: id,
    tenant,
    app,
    lifetimeSeconds: Math.max(1, Math.floor(message.remainingMs / 1000)),
    lifetimeMinutes: Math.max(1, Math.ceil(message.remainingMs / 60_000)),
    receiptUrl: receiptUrl ?? '',
    ...timeValues(nowMs),
    nonce: randomHex(16),
  }
}

export function timeValues(nowMs: number): Pick<MessageValues, 'timestamp' | 'isoTime'> {
  return {
    timestamp: Math.floor(nowMs / 1000),
    isoTime: `${new Date(nowMs).toISOString().slice(0, 19)}Z`,
  }
}
