/** What a delivery status notification says (RFC 3464), read from whatever mail comes; never throws. */

import type { ReceiptState } from '../../delivery/provider.ts'

export type DeliveryStatus = {
  readonly state: ReceiptState
  /** Status and diagnostic words, as the reporting server gave them. */
  readonly words: string
  /** Whom it is about, so that the words can be cleared of them; empty if it does not say. */
  readonly mailbox: string
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

/**
 * @param raw  A whole mail.
 * @returns undefined if it is no delivery status notification: an automatic answer, say.
 */
export function readDeliveryStatus(raw: Buffer): DeliveryStatus | undefined {
  const part = statusPart(raw.toString('latin1').replaceAll('\r\n', '\n'))
  if (part === undefined) return undefined
  // Blocks: one about the message, then one for each recipient. We send to one.
  for (const block of part.split(/\n[ \t]*\n/)) {
    const fields = fieldsOf(block)
    const state = states[fields.get('action')?.toLowerCase().trim() ?? '']
    if (state === undefined) continue
    const status = /^\d\.\d{1,3}\.\d{1,3}/.exec(fields.get('status')?.trim() ?? '')?.[0] ?? ''
    const diagnostic = (fields.get('diagnostic-code') ?? '').replace(/^\s*[\w-]+\s*;\s*/, '')
    const recipient = fields.get('final-recipient') ?? fields.get('original-recipient') ?? ''
    const mailbox = recipient.slice(recipient.indexOf(';') + 1).trim()
    return { state, words: `${status} ${diagnostic}`.trim(), mailbox }
  }
  return undefined
}

/** The part of type message/delivery-status, by the boundary of the mail's own header. */
function statusPart(text: string): string | undefined {
  const [head, body] = headAndBody(text)
  const type = fieldsOf(head).get('content-type') ?? ''
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

/** Header fields by lower-case name, the first of each, unfolded. */
function fieldsOf(block: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const line of block.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':')
    if (colon < 1) continue
    const name = line.slice(0, colon).trim().toLowerCase()
    if (!fields.has(name)) fields.set(name, line.slice(colon + 1))
  }
  return fields
}
