/** What a bounce says, by its delivery status (RFC 3464) if it has one, read from whatever mail comes; never throws. */

import type { ReceiptState } from '../../delivery/provider.ts'

export type DeliveryStatus = {
  readonly state: ReceiptState
  /** Status and diagnostic words, as the reporting server gave them. */
  readonly words: string
  /** Whom it is about, so that the words can be cleared of them. */
  readonly mailboxes: readonly string[]
}

/** RFC 3464 2.3.3: what was done with the recipient. */
const states: Readonly<Record<string, ReceiptState>> = {
  failed: 'undeliverable',
  delayed: 'enroute',
  delivered: 'delivered',
  // Given to a system that reports no further, or to a list: neither here nor there.
  relayed: 'enroute',
  expanded: 'enroute',
}

/** RFC 3463 2: the first digit of a status, for a report whose action is a word of its own. */
const classes: Readonly<Record<string, ReceiptState>> = {
  '5': 'undeliverable',
  '4': 'enroute',
  '2': 'delivered',
}

/**
 * @param raw  A whole mail.
 * @param hasNullSender  Its envelope sender is empty, as that of every report must be (RFC 5321 4.5.5).
 * @returns undefined if it tells nothing of a delivery: an automatic answer, say.
 */
export function readBounce(raw: Buffer, hasNullSender: boolean): DeliveryStatus | undefined {
  const text = raw.toString('utf8').replaceAll('\r\n', '\n')
  const [head, body] = headAndBody(text)
  const header = fieldsOf(head)
  return statusIn(header, body) ?? (hasNullSender ? bareBounceIn(header) : undefined)
}

function statusIn(header: Fields, body: string): DeliveryStatus | undefined {
  const part = statusPart(header, body)
  if (part === undefined) return undefined
  // Blocks: one about the message, then one for each recipient. We send to one.
  for (const block of part.split(/\n[ \t]*\n/)) {
    const fields = fieldsOf(block)
    const status = /^\d\.\d{1,3}\.\d{1,3}/.exec(fields.get('status')?.trim() ?? '')?.[0] ?? ''
    const state = states[fields.get('action')?.toLowerCase().trim() ?? ''] ?? classes[status.slice(0, 1)]
    if (state === undefined) continue
    const diagnostic = (fields.get('diagnostic-code') ?? '').replace(/^\s*[\w-]+\s*;\s*/, '')
    const mailboxes = ['final-recipient', 'original-recipient'].flatMap((name) => {
      const field = fields.get(name)
      return field === undefined ? [] : [field.slice(field.indexOf(';') + 1).trim()]
    })
    return { state, words: `${status} ${diagnostic}`.trim(), mailboxes }
  }
  return undefined
}

/**
 * A report that does not say what it reports, or one of Exim's own form, is a failure: delays and successes
 * are never told so. An automatic answer, which has a null sender too (RFC 3834 3.3), is neither.
 */
function bareBounceIn(header: Fields): DeliveryStatus | undefined {
  const failed = header.get('x-failed-recipients')
  const isReport = /^\s*multipart\/report\b.*\breport-type="?delivery-status\b/i.test(
    header.get('content-type') ?? '',
  )
  if (!isReport && failed === undefined) return undefined
  return {
    state: 'undeliverable',
    words: 'came back without a delivery status',
    mailboxes: failed === undefined ? [] : failed.split(',').map((one) => one.trim()),
  }
}

/** The part of type message/delivery-status, by the boundary of the mail's own header. */
function statusPart(header: Fields, body: string): string | undefined {
  const type = header.get('content-type') ?? ''
  if (!/^\s*multipart\/report\b/i.test(type)) return undefined
  const [, quoted, plain] = /\bboundary=(?:"([^"\n]{1,200})"|([^\s;"]{1,200}))/i.exec(type) ?? []
  const boundary = quoted ?? plain
  if (boundary === undefined) return undefined
  for (const part of `\n${body}`.split(`\n--${boundary}`)) {
    const [partHead, partBody] = headAndBody(part.replace(/^[ \t]*\n/, ''))
    const partType = fieldsOf(partHead).get('content-type') ?? ''
    if (/^\s*message\/(global-)?delivery-status\b/i.test(partType)) return partBody
  }
  return undefined
}

function headAndBody(text: string): [string, string] {
  const end = text.indexOf('\n\n')
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 2)]
}

type Fields = ReadonlyMap<string, string>

/** Header fields by lower-case name, the first of each, unfolded. */
function fieldsOf(block: string): Fields {
  const fields = new Map<string, string>()
  for (const line of block.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':')
    if (colon < 1) continue
    const name = line.slice(0, colon).trim().toLowerCase()
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1))
  }
  return fields
}
