/** Delivery receipts: from the text that carriers agree on and from optional parameters, where they are given. */

import type { Receipt } from '../../delivery/provider.ts'
import type { ReceiptState } from '../../message/receipt-state.ts'
import type { Pdu } from './pdu.ts'
import { type ReceiptWords, readReceiptText, shapeOf } from './receipt-text.ts'
import { type Tlvs, textOfTlv, tlvTags } from './tlv.ts'

/** How the id in a receipt is written, seen from the id in the submit's response. */
export type ReceiptIds = 'as-is' | 'hex-to-decimal' | 'decimal-to-hex'

export type ReceiptRules = {
  readonly ids: ReceiptIds
  /** A carrier's own words or numbers, in capitals. */
  readonly states: Readonly<Record<string, ReceiptState>>
}

export type ReceiptReading =
  /** `shape` if its state is in no table: recorded as unknown. */
  | { readonly kind: 'receipt'; readonly receipt: Receipt; readonly shape?: string }
  /** It is a receipt, and names no message or no state. */
  | { readonly kind: 'unread'; readonly shape: string }
  /** A message from a phone, or nothing. */
  | { readonly kind: 'none' }

/**
 * The `stat` of a text, as SMPP 3.4 shortens it (appendix B), spelled out (table 5-9), and as carriers were seen to
 * write it: FAILED (Jasmin issue 447), DELIVERED (smppex's own example), Vumi's table.
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

/** message_state, SMPP 3.4, table 5-9; 9 is of SMPP 5.0. A 0 means scheduled to some and delivered to others. */
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

/** esm_class bits 5 to 2: what kind of message it is (SMPP 3.4, 5.2.12); those for acknowledgements of phones. */
const kindBits = 0x3c
const fromPhoneBits = 0x18
/** An intermediate notification (5.2.12): of an attempt among those the SMSC still makes. */
const intermediate = 0x20
/** A receipt's text fits a short message; of more, only so much is looked at. */
const maxText = 1_024

/** Case and leading zeros differ between a carrier's response and its receipt; neither tells two messages apart. */
export function canonicalId(id: string): string {
  return id
    .trim()
    .toLowerCase()
    .replace(/^0+(?=.)/, '')
}

export function readReceipt(pdu: Pdu<'deliver_sm' | 'data_sm'>, rules: ReceiptRules): ReceiptReading {
  const { tlvs } = pdu
  const kind = pdu.body.esmClass & kindBits
  // 0x04 a receipt, 0x20 a notification of what is not final, 0x24 what some make of both.
  const isMarked = kind !== 0 && (kind & fromPhoneBits) === 0
  const isTold = isMarked || tlvs.has(tlvTags.receiptedMessageId) || tlvs.has(tlvTags.messageState)
  const text = textOf(pdu)
  const words = readReceiptText(text)
  const stat = statOf(tlvs, words, rules)
  const keys = candidates(idOfTlv(tlvs), words.ids, rules.ids)
  // Without a mark only what begins as a receipt, and has a state that is known, is one.
  if (!isTold && !(words.isReceiptLike && keys.length > 0 && stat?.state)) return { kind: 'none' }
  const shape = () =>
    `esm_class 0x${pdu.body.esmClass.toString(16)}${shapeOfTlvs(tlvs)} ${shapeOf(text)}`.trim()
  const [key, ...otherKeys] = keys
  if (key === undefined || stat === undefined) return { kind: 'unread', shape: shape() }
  const error = words.err ?? networkError(tlvs)
  // An attempt that failed is not the end; one that reached the phone is.
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

/** The parameter's state if it is known, else the text's. */
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

/** One octet by the book (5.3.2.35); seen too: two octets, digits and words in ASCII, with NULs around. */
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
  // Blanks alone name nothing: the text's id is then the one there is.
  const id = value && textOfTlv(value).slice(0, maxId).trim()
  return id === '' ? undefined : id
}

const maxId = 65

/**
 * What the message may be known by, the likeliest first; the first that a dispatch awaits is it. The parameter holds
 * the id as it was in the response by the book (SMPP 3.4, 5.3.2.12), but some write it as they write the text's.
 */
function candidates(told: string | undefined, inText: readonly string[], ids: ReceiptIds): string[] {
  const ofText = inText.map((id) => canonicalId(converted(id, ids)))
  const ofTlv = told === undefined ? [] : [converted(told, ids), told].map(canonicalId)
  // One that both agree on comes first.
  const agreed = ofTlv.filter((key) => ofText.includes(key))
  return [...new Set([...agreed, ...ofTlv, ...ofText])]
}

function textOf({ name, body, tlvs }: Pdu<'deliver_sm' | 'data_sm'>): string {
  const short = name === 'deliver_sm' ? body.shortMessage : undefined
  const octets = short?.length ? short : tlvs.get(tlvTags.messagePayload)
  // As bytes, whatever data_coding says (S-7): many write ASCII and call it UCS-2. Where it is, NULs go.
  return (octets ?? Buffer.alloc(0)).toString('latin1', 0, maxText).replaceAll('\0', '')
}

/** Network type and the network's own error (SMPP 3.4, 5.3.2.31). */
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
