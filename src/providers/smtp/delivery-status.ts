/** What a bounce says: by its delivery status (RFC 3464), or by its words, read from whatever mail comes; never throws. */

import type { ReceiptState } from '../../message/receipt-state.ts'
import { type Fields, fieldsIn, type Mail, readMail, withoutEncodedWords } from './mime.ts'
import { bounceInWords } from './plain-bounce.ts'

export type DeliveryStatus = {
  readonly state: ReceiptState
  /** Status and diagnostic words, as the reporting server gave them. */
  readonly words: string
  /** Whom it is about, so that the words can be cleared of them. */
  readonly mailboxes: readonly string[]
}

/** RFC 3464 2.3.3: what was done with the recipient. */
const states: ReadonlyMap<string, ReceiptState> = new Map([
  ['failed', 'undeliverable'],
  // Not of the RFC: given up after its time in the queue.
  ['expired', 'undeliverable'],
  ['delayed', 'enroute'],
  ['delivered', 'delivered'],
  // Given to a system that reports no further, or to a list: neither here nor there.
  ['relayed', 'enroute'],
  ['expanded', 'enroute'],
])

/** RFC 3463 2: the first digit of a status, for a report whose action is a word of its own. */
const classes: Readonly<Record<string, ReceiptState>> = {
  '5': 'undeliverable',
  '4': 'enroute',
  '2': 'delivered',
}

/** RFC 3463 3.5: delivery time expired. Of the class of what may come right, and yet the end. */
const timeExpired = '4.4.7'

const ofSomethingElse = /^message\/(?:global-)?(?:feedback-report|disposition-notification)$/

/**
 * @param raw  A whole mail.
 * @param hasNullSender  Its envelope sender is empty, as that of every report must be (RFC 5321 4.5.5).
 * @returns undefined if it tells nothing of a delivery: an automatic answer, say.
 */
export function readBounce(raw: Buffer, hasNullSender: boolean): DeliveryStatus | undefined {
  const mail = readMail(raw)
  // A complaint or a word of having been read is a report too, of something else (RFC 5965, RFC 8098), also inside
  // what a scanner puts around it.
  if (
    /\breport-type="?(?:feedback-report|disposition-notification)\b/i.test(mail.contentType) ||
    mail.leaves.some(({ type }) => ofSomethingElse.test(type))
  )
    return undefined
  const report = mail.leaves.find(({ type }) => /^message\/(global-)?delivery-status$/.test(type))
  return (report && statusIn(report.text)) ?? (hasNullSender ? bareBounceIn(mail) : undefined)
}

function statusIn(text: string): DeliveryStatus | undefined {
  // Blocks: one about the message, then one for each recipient. We send to one.
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

/** One about the message and one for each recipient, of which there is one; an alias may make it a few. */
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
 * A bounce without a readable status: one that a scanner made plain text of it, one that is called a report, one
 * of Exim's own form, or one in words. An automatic answer, which has a null sender too (RFC 3834 3.3), is none.
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

/** RFC 3834 5, and what programs before it say. Exim calls its own delays auto-replied too. */
function isAutomaticAnswer(header: Fields): boolean {
  if (/mailer-daemon|mail delivery (?:sub)?system/i.test(header.get('from') ?? '')) return false
  return (
    /^auto-(?:replied|notified)\b/i.test(header.get('auto-submitted') ?? '') ||
    /^auto_reply\b/i.test(header.get('precedence') ?? '') ||
    ['x-autoreply', 'x-autorespond', 'x-auto-reply-from'].some((name) => header.has(name)) ||
    // Who answers our message by hand or by rule: no server calls a bounce so.
    /^(?:(?:re|aw|sv|回复|答复|自动回复)\s?[:：]|automatic reply|auto(?:matic)?[ -]?(?:re|response)\b|out of (?:the )?office|自动(?:回复|答复))/i.test(
      withoutEncodedWords(header.get('subject') ?? ''),
    )
  )
}
