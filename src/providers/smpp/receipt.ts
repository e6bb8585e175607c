/** Delivery receipts, read from their text in the usual form and from optional parameters, if there are any. */

import type { Receipt } from '../../delivery/provider.ts'
import type { ReceiptState } from '../../message/receipt-state.ts'
import type { Pdu } from './pdu.ts'
import { type ReceiptWords, readReceiptText, shapeOf } from './receipt-text.ts'
import { type Tlvs, textOfTlv, tlvTags } from './tlv.ts'

/** How the id in a receipt differs from the id in the response to the submit. */
export type ReceiptIds = 'as-is' | 'hex-to-decimal' | 'decimal-to-hex'

export type ReceiptRules = {
  readonly ids: ReceiptIds
  /** A carrier's own words or numbers, in capitals. */
  readonly states: Readonly<Record<string, ReceiptState>>
}

export type ReceiptReading =
  /** `shape` is there if its state is in no table; the state is then `unknown`. */
  | { readonly kind: 'receipt'; readonly receipt: Receipt; readonly shape?: string }
  /** A receipt that names no message or no state. */
  | { readonly kind: 'unread'; readonly shape: string }
  /** No receipt: a message from a phone, or nothing. */
  | { readonly kind: 'none' }

/**
 * The state by the `stat` of a text: in the short form of SMPP 3.4 (appendix B), in the long one (table 5-9), and in
 * forms seen at carriers: FAILED (Jasmin issue 447), DELIVERED (smppex's own example), Vumi's table.
 */
const states: Readonly<Record<string, ReceiptState>> = {
  DELIVRD: 'delivered',
  DELIVERED: 'delivered',
  EXPIRED: 'undeliverable',
  DELETED: 'undeliverable',
  UNDELIV: 'undeliverable',
  UNDELIVERED: 'undeliverable',
  UNDELIVERABLE: 'undeliverable',
  REJECTD: 'undeliverable',
  REJECTED: 'undeliverable',
  FAILED: 'undeliverable',
  SKIPPED: 'undeliverable',
  ACCEPTD: 'enroute',
  ACCEPTED: 'enroute',
  ENROUTE: 'enroute',
  UNKNOWN: 'unknown',
}

/** message_state of SMPP 3.4, table 5-9; 9 is from SMPP 5.0. 0 is left out: some use it for scheduled, others for delivered. */
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
  'SKIPPED',
]

/** Bits 5 to 2 of esm_class: the kind of message (SMPP 3.4, 5.2.12). Then those for acknowledgements by phones. */
const kindBits = 0x3c
const fromPhoneBits = 0x18
/** An intermediate notification (5.2.12): the SMSC will try again. */
const intermediate = 0x20
/** The most characters of a text that are read. A receipt fits a short message. */
const maxText = 1_024

/** Without case and leading zeros: carriers change them between response and receipt, and never tell messages apart by them. */
export function canonicalId(id: string): string {
  return id
    .trim()
    .toLowerCase()
    .replace(/^0+(?=.)/, '')
}

export function readReceipt(pdu: Pdu<'deliver_sm' | 'data_sm'>, rules: ReceiptRules): ReceiptReading {
  const { tlvs } = pdu
  const kind = pdu.body.esmClass & kindBits
  // 0x04 marks a receipt, 0x20 an intermediate notification; some peers set both, 0x24.
  const isMarked = kind !== 0 && (kind & fromPhoneBits) === 0
  const isTold = isMarked || tlvs.has(tlvTags.receiptedMessageId) || tlvs.has(tlvTags.messageState)
  const text = textOf(pdu)
  const words = readReceiptText(text)
  const stat = statOf(tlvs, words, rules)
  const keys = candidates(idOfTlv(tlvs), words.ids, rules.ids)
  // Without a mark it is a receipt only if it begins like one and has a known state.
  if (!isTold && !(words.isReceiptLike && keys.length > 0 && stat?.state)) return { kind: 'none' }
  const shape = () =>
    `esm_class 0x${pdu.body.esmClass.toString(16)}${shapeOfTlvs(tlvs)} ${shapeOf(text)}`.trim()
  const [key, ...otherKeys] = keys
  if (key === undefined || stat === undefined) return { kind: 'unread', shape: shape() }
  const error = words.err ?? networkError(tlvs)
  // A failed attempt that is not the last is not final. One that reached the phone is.
  const state = kind === intermediate && stat.state === 'undeliverable' ? 'enroute' : stat.state
  return {
    kind: 'receipt',
    receipt: {
      key,
      ...(otherKeys.length > 0 && { otherKeys }),
      state: state ?? 'unknown',
      providerCode: error === undefined ? stat.word : `${stat.word} ${error}`,
    },
    ...(stat.state === undefined && { shape: shape() }),
  }
}

/** The state of the parameter if it is a known one, else that of the text. */
function statOf(tlvs: Tlvs, words: ReceiptWords, { states: own }: ReceiptRules) {
  const told = [statOfTlv(tlvs.get(tlvTags.messageState)), words.stat]
    .filter((word) => word !== undefined)
    .map((word) => {
      if (Object.hasOwn(own, word)) return { word, state: own[word] }
      const name = (/^\d+$/.test(word) ? namesOfState[Number(word)] : undefined) ?? word
      return { word: name, state: Object.hasOwn(states, name) ? states[name] : undefined }
    })
  return told.find(({ state }) => state !== undefined) ?? told[0]
}

/** One octet by the standard (5.3.2.35). Also seen: two octets, and digits or words in ASCII with NULs around them. */
function statOfTlv(value: Buffer | undefined): string | undefined {
  if (value === undefined || value.length > 20) return undefined
  const octets = value.filter((octet) => octet !== 0)
  const text = Buffer.from(octets).toString('latin1').trim()
  if (/^(?:\d{1,3}|[a-z]+)$/i.test(text))
    return /^\d+$/.test(text) ? String(Number(text)) : text.toUpperCase()
  return octets.length === 1 ? String(octets[0]) : undefined
}

function idOfTlv(tlvs: Tlvs): string | undefined {
  const value = tlvs.get(tlvTags.receiptedMessageId)
  // Blanks alone are no id; the id in the text is then used.
  const id = value && textOfTlv(value).slice(0, maxId).trim()
  return id === '' ? undefined : id
}

const maxId = 65

/**
 * The keys that the message may have, the likeliest first; the first that a dispatch waits for is the right one. By the
 * standard the parameter has the id of the response (SMPP 3.4, 5.3.2.12), but some carriers write it as in the text.
 */
function candidates(told: string | undefined, inText: readonly string[], ids: ReceiptIds): string[] {
  const ofText = inText.map((id) => canonicalId(converted(id, ids)))
  const ofTlv = told === undefined ? [] : [converted(told, ids), told].map(canonicalId)
  // A key from both the parameter and the text comes first.
  const agreed = ofTlv.filter((key) => ofText.includes(key))
  return [...new Set([...agreed, ...ofTlv, ...ofText])]
}

function textOf({ name, body, tlvs }: Pdu<'deliver_sm' | 'data_sm'>): string {
  const short = name === 'deliver_sm' ? body.shortMessage : undefined
  const octets = short?.length ? short : tlvs.get(tlvTags.messagePayload)
  // Read as Latin-1 whatever data_coding is (S-7), because many carriers send ASCII marked as UCS-2. Real UCS-2 loses its
  // NULs here.
  return (octets ?? Buffer.alloc(0)).toString('latin1', 0, maxText).replaceAll('\0', '')
}

/** The network's type and its error code (SMPP 3.4, 5.3.2.31). */
function networkError(tlvs: Tlvs): string | undefined {
  const value = tlvs.get(tlvTags.networkErrorCode)
  return value?.length === 3 ? value.readUInt16BE(1).toString().padStart(3, '0') : undefined
}

function shapeOfTlvs(tlvs: Tlvs): string {
  let shape = ''
  for (const name of ['receiptedMessageId', 'messageState'] as const) {
    const value = tlvs.get(tlvTags[name])
    if (value) shape += ` ${name} of ${value.length} octets`
  }
  return shape
}

function converted(id: string, ids: ReceiptIds): string {
  if (ids === 'hex-to-decimal' && /^[0-9a-f]+$/i.test(id)) return BigInt(`0x${id}`).toString()
  if (ids === 'decimal-to-hex' && /^\d+$/.test(id)) return BigInt(id).toString(16)
  return id
}
