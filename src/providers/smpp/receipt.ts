/** Delivery receipts: from the text that carriers agree on and from optional parameters, where they are given. */

import type { Receipt, ReceiptState } from '../../delivery/provider.ts'
import type { Pdu } from './pdu.ts'
import { type Tlvs, textOfTlv, tlvTags } from './tlv.ts'

/** How the id in a receipt's text is written, seen from the id in the submit's response. */
export type ReceiptIds = 'as-is' | 'hex-to-decimal' | 'decimal-to-hex'

/** The `stat` of a text (SMPP 3.4, appendix B), as carriers shorten it. */
const states: Readonly<Record<string, ReceiptState>> = {
  DELIVRD: 'delivered',
  EXPIRED: 'undeliverable',
  DELETED: 'undeliverable',
  UNDELIV: 'undeliverable',
  REJECTD: 'undeliverable',
  ACCEPTD: 'enroute',
  ENROUTE: 'enroute',
  UNKNOWN: 'unknown',
}

/** message_state, SMPP 3.4, table 5-9. */
const namesOfState = [
  undefined,
  'ENROUTE',
  'DELIVRD',
  'EXPIRED',
  'DELETED',
  'UNDELIV',
  'ACCEPTD',
  'UNKNOWN',
  'REJECTD',
]

/** esm_class bits 5 to 2: what kind of message it is (SMPP 3.4, 5.2.12). */
const kindBits = 0x3c
const receiptKind = 0x04
/** An intermediate notification: a receipt of what is not final. */
const notificationKind = 0x20

/** A receipt's text fits a short message; of more, only so much is looked at. */
const longestText = 1_024

/** Case and leading zeros differ between a carrier's response and its receipt; neither tells two messages apart. */
export function canonicalId(id: string): string {
  return id
    .trim()
    .toLowerCase()
    .replace(/^0+(?=.)/, '')
}

/** @returns undefined if it is no receipt: a message from a phone, or nothing that can be read. */
export function receiptOf(pdu: Pdu<'deliver_sm' | 'data_sm'>, ids: ReceiptIds): Receipt | undefined {
  const { tlvs } = pdu
  const kind = pdu.body.esmClass & kindBits
  const isTold = kind === receiptKind || kind === notificationKind
  // Some carriers forget the bits; both parameters together say the same.
  if (!isTold && !(tlvs.has(tlvTags.receiptedMessageId) && tlvs.has(tlvTags.messageState))) return undefined
  const text = readText(textOf(pdu))
  // The parameter holds the id as it was in the response, by definition (SMPP 3.4, 5.3.2.12).
  const told = idOfTlv(tlvs)
  const id = told !== undefined ? told : text.id === undefined ? undefined : converted(text.id, ids)
  if (id === undefined) return undefined
  const stat = namesOfState[tlvs.get(tlvTags.messageState)?.[0] ?? 0] ?? text.stat
  if (stat === undefined) return undefined
  const error = text.err ?? networkError(tlvs)
  return {
    key: canonicalId(id),
    state: states[stat] ?? 'unknown',
    providerCode: error === undefined ? stat : `${stat} ${error}`,
  }
}

function idOfTlv(tlvs: Tlvs): string | undefined {
  const value = tlvs.get(tlvTags.receiptedMessageId)
  // Blanks alone name nothing: the text's id is then the one there is.
  const id = value && textOfTlv(value).slice(0, longestId).trim()
  return id === '' ? undefined : id
}

function textOf({ name, body, tlvs }: Pdu<'deliver_sm' | 'data_sm'>): string {
  const short = name === 'deliver_sm' ? body.shortMessage : undefined
  const octets = short?.length ? short : tlvs.get(tlvTags.messagePayload)
  // As bytes, whatever data_coding says (S-7): many write ASCII and call it UCS-2. Where it is, NULs go.
  return (octets ?? Buffer.alloc(0)).toString('latin1', 0, longestText).replaceAll('\0', '')
}

const longestId = 65

/** Words are cut to what they can be, so that nothing of the message's own text gets any further. */
function readText(whole: string) {
  const end = whole.search(/\btext:/i)
  const text = end < 0 ? whole : whole.slice(0, end)
  const word = (pattern: RegExp) => pattern.exec(text)?.[1]
  return {
    id: word(/\bid: ?([^\s:]{1,65})/i),
    stat: word(/\bstat: ?([a-z]{1,10})/i)?.toUpperCase(),
    // Five characters at most, so that no code fits.
    err: word(/\berr: ?([a-z0-9]{1,5})\b/i),
  }
}

/** Network type and the network's own error (SMPP 3.4, 5.3.2.31). */
function networkError(tlvs: Tlvs): string | undefined {
  const value = tlvs.get(tlvTags.networkErrorCode)
  return value?.length === 3 ? value.readUInt16BE(1).toString().padStart(3, '0') : undefined
}

function converted(id: string, ids: ReceiptIds): string {
  if (ids === 'hex-to-decimal' && /^[0-9a-f]+$/i.test(id)) return BigInt(`0x${id}`).toString()
  if (ids === 'decimal-to-hex' && /^\d+$/.test(id)) return BigInt(id).toString(16)
  return id
}
