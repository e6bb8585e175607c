/** Reads a bounce by its delivery status (RFC 3464) or by its words. Accepts any mail and never throws. */

import type { ReceiptState } from '../../message/receipt-state.ts'
import { type Fields, fieldsIn, type Mail, readMail, withoutEncodedWords } from './mime.ts'
import { bounceInWords } from './plain-bounce.ts'

export type DeliveryStatus = {
  readonly state: ReceiptState
  /** Status and diagnostic words of the reporting server. */
  readonly words: string
  /** The recipients that it names, to be removed from the words. */
  readonly mailboxes: readonly string[]
}

/** The action that was taken for the recipient (RFC 3464 2.3.3). */
const states: ReadonlyMap<string, ReceiptState> = new Map([
  ['failed', 'undeliverable'],
  // Not in the RFC: the mail was given up after its time in the queue.
  ['expired', 'undeliverable'],
  ['delayed', 'enroute'],
  ['delivered', 'delivered'],
  // Handed to a system that does not report, or to a list: whether it was delivered stays unknown.
  ['relayed', 'enroute'],
  ['expanded', 'enroute'],
])

/** The state by the first digit of the status (RFC 3463 2), for a report with an unknown action. */
const classes: Readonly<Record<string, ReceiptState>> = {
  '5': 'undeliverable',
  '4': 'enroute',
  '2': 'delivered',
}

/** Delivery time expired (RFC 3463 3.5). Its class is that of temporary failures, but it is final. */
const timeExpired = '4.4.7'

const ofSomethingElse = /^message\/(?:global-)?(?:feedback-report|disposition-notification)$/

/**
 * @param raw  A whole mail.
 * @param hasNullSender  Whether its envelope sender is empty, as that of every report must be (RFC 5321 4.5.5).
 * @returns undefined if it is not about a delivery, such as an automatic answer.
 */
export function readBounce(raw: Buffer, hasNullSender: boolean): DeliveryStatus | undefined {
  const mail = readMail(raw)
  // Complaints (RFC 5965) and read receipts (RFC 8098) are reports too, but not about a delivery. A scanner may have
  // wrapped them into another mail.
  if (
    /\breport-type="?(?:feedback-report|disposition-notification)\b/i.test(mail.contentType) ||
    mail.leaves.some(({ type }) => ofSomethingElse.test(type))
  )
    return undefined
  const report = mail.leaves.find(({ type }) => /^message\/(global-)?delivery-status$/.test(type))
  return (report && statusIn(report.text)) ?? (hasNullSender ? bareBounceIn(mail) : undefined)
}

function statusIn(text: string): DeliveryStatus | undefined {
  // One block is about the message, and one about each recipient. Our messages have a single recipient.
  for (const block of blocksOf(text)) {
    const fields = fieldsIn(block)
    const status = /^\d\.\d{1,3}\.\d{1,3}/.exec(fields.get('status') ?? '')?.[0] ?? ''
    const action = /^[a-z]{1,20}/i.exec(fields.get('action') ?? '')?.[0].toLowerCase() ?? ''
    const state =
      states.get(action) ?? (status === timeExpired ? 'undeliverable' : classes[status.slice(0, 1)])
    if (state === undefined) continue
    const diagnostic = (fields.get('diagnostic-code') ?? '').replace(/^[\w-]{1,40}\s?;\s?/, '')
    return { state, words: `${status} ${diagnostic}`.trim(), mailboxes: recipientsIn(fields) }
  }
  return undefined
}

/** The most blocks: one about the message and one for each recipient. An alias may turn our one recipient into a few. */
const maxBlocks = 20

function blocksOf(text: string): string[][] {
  const blocks: string[][] = []
  let isNew = true
  for (const line of text.split('\n')) {
    if (line.trim() === '') isNew = true
    else if (!isNew) blocks.at(-1)!.push(line.trimEnd())
    else if (blocks.push([line.trimEnd()]) > maxBlocks) return blocks.slice(0, maxBlocks)
    else isNew = false
  }
  return blocks
}

function recipientsIn(fields: Fields): string[] {
  return ['final-recipient', 'original-recipient'].flatMap((name) => {
    const field = fields.get(name)
    return field === undefined ? [] : [field.slice(field.indexOf(';') + 1).trim()]
  })
}

/**
 * A bounce without a readable status: one that a scanner turned into plain text, one that is called a report, one of
 * Exim's own form, or one in words. An automatic answer is no bounce, though it has a null sender too (RFC 3834 3.3).
 */
function bareBounceIn({ header, contentType, leaves }: Mail): DeliveryStatus | undefined {
  const failed = header.get('x-failed-recipients')
  const isReport = /^\s?multipart\/report\b/i.test(contentType) && /\bdelivery-status\b/i.test(contentType)
  if (!isReport && failed === undefined && isAutomaticAnswer(header)) return undefined
  const text =
    (leaves.find(({ type }) => type === 'text/plain') ?? leaves.find(({ type }) => type.startsWith('text/')))
      ?.text ?? ''
  const plain = leaves.filter(({ type }) => type === 'text/plain').map((leaf) => leaf.text)
  for (const one of plain) {
    const status = /^final-recipient:/im.test(one) && /^action:/im.test(one) ? statusIn(one) : undefined
    if (status) return status
  }
  const readable = text.replace(/<[^<>]*>/g, ' ')
  const told = bounceInWords(withoutEncodedWords(header.get('subject') ?? ''), readable)
  const recipients = failed?.split(',', 4).map((one) => one.trim()) ?? []
  if (told) return { ...told, mailboxes: [...recipients, ...told.mailboxes] }
  if (!isReport && failed === undefined) return undefined
  return { state: 'undeliverable', words: 'came back without a delivery status', mailboxes: recipients }
}

/** By RFC 3834 5, and by the fields of older programs. Exim marks its own delays as auto-replied too. */
function isAutomaticAnswer(header: Fields): boolean {
  if (/mailer-daemon|mail delivery (?:sub)?system/i.test(header.get('from') ?? '')) return false
  return (
    /^auto-(?:replied|notified)\b/i.test(header.get('auto-submitted') ?? '') ||
    /^auto_reply\b/i.test(header.get('precedence') ?? '') ||
    ['x-autoreply', 'x-autorespond', 'x-auto-reply-from'].some((name) => header.has(name)) ||
    // Subjects of people and rules that answer our message; no server gives one to a bounce.
    /^(?:(?:re|aw|sv|回复|答复|自动回复)\s?[:：]|automatic reply|auto(?:matic)?[ -]?(?:re|response)\b|out of (?:the )?office|自动(?:回复|答复))/i.test(
      withoutEncodedWords(header.get('subject') ?? ''),
    )
  )
}
