/** Protocol data units of SMPP 3.4: their fields as one table, from which both encoding and decoding work. */

import { noTlvs, readTlvs, sizeOfTlvs, type Tlvs, writeTlvs } from './tlv.ts'

/** A C-octet string of at most `max` octets, its NUL among them. */
type CString = { readonly type: 'c-string'; readonly max: number }
type Uint8 = { readonly type: 'uint8' }
/** An octet of length, then as many octets: `sm_length` and `short_message`. */
type Octets = { readonly type: 'octets'; readonly max: number }
type Field = CString | Uint8 | Octets

const cString = (max: number): CString => ({ type: 'c-string', max })
const uint8: Uint8 = { type: 'uint8' }

const bind = {
  systemId: cString(16),
  password: cString(9),
  systemType: cString(13),
  interfaceVersion: uint8,
  addrTon: uint8,
  addrNpi: uint8,
  addressRange: cString(41),
} as const
const bindResp = { systemId: cString(16) } as const

/** deliver_sm is laid out as submit_sm is. */
const shortMessage = {
  serviceType: cString(6),
  sourceAddrTon: uint8,
  sourceAddrNpi: uint8,
  sourceAddr: cString(21),
  destAddrTon: uint8,
  destAddrNpi: uint8,
  destinationAddr: cString(21),
  esmClass: uint8,
  protocolId: uint8,
  priorityFlag: uint8,
  scheduleDeliveryTime: cString(17),
  validityPeriod: cString(17),
  registeredDelivery: uint8,
  replaceIfPresentFlag: uint8,
  dataCoding: uint8,
  smDefaultMsgId: uint8,
  shortMessage: { type: 'octets', max: 254 },
} as const
const messageId = { messageId: cString(65) } as const

/** SMPP 3.4, chapter 4, without the PDUs that nobody here sends, not even in tests (multi, query, cancel, replace). */
const layouts = {
  bind_receiver: { id: 0x00000001, fields: bind },
  bind_receiver_resp: { id: 0x80000001, fields: bindResp },
  bind_transmitter: { id: 0x00000002, fields: bind },
  bind_transmitter_resp: { id: 0x80000002, fields: bindResp },
  submit_sm: { id: 0x00000004, fields: shortMessage },
  submit_sm_resp: { id: 0x80000004, fields: messageId },
  deliver_sm: { id: 0x00000005, fields: shortMessage },
  deliver_sm_resp: { id: 0x80000005, fields: messageId },
  unbind: { id: 0x00000006, fields: {} },
  unbind_resp: { id: 0x80000006, fields: {} },
  bind_transceiver: { id: 0x00000009, fields: bind },
  bind_transceiver_resp: { id: 0x80000009, fields: bindResp },
  outbind: { id: 0x0000000b, fields: { systemId: cString(16), password: cString(9) } },
  enquire_link: { id: 0x00000015, fields: {} },
  enquire_link_resp: { id: 0x80000015, fields: {} },
  alert_notification: {
    id: 0x00000102,
    fields: {
      sourceAddrTon: uint8,
      sourceAddrNpi: uint8,
      sourceAddr: cString(65),
      esmeAddrTon: uint8,
      esmeAddrNpi: uint8,
      esmeAddr: cString(65),
    },
  },
  data_sm: {
    id: 0x00000103,
    fields: {
      serviceType: cString(6),
      sourceAddrTon: uint8,
      sourceAddrNpi: uint8,
      sourceAddr: cString(65),
      destAddrTon: uint8,
      destAddrNpi: uint8,
      destinationAddr: cString(65),
      esmClass: uint8,
      registeredDelivery: uint8,
      dataCoding: uint8,
    },
  },
  data_sm_resp: { id: 0x80000103, fields: messageId },
  generic_nack: { id: 0x80000000, fields: {} },
} as const satisfies Record<string, { id: number; fields: Record<string, Field> }>

type ValueOf<F> = F extends CString ? string : F extends Uint8 ? number : Buffer

export type PduName = keyof typeof layouts

export type BodyOf<N extends PduName> = {
  readonly [K in keyof (typeof layouts)[N]['fields']]: ValueOf<(typeof layouts)[N]['fields'][K]>
}

/** One PDU, or one of several: `Pdu<'submit_sm'>`. Switch on its name to know its body. */
export type Pdu<N extends PduName = PduName> = {
  [K in N]: {
    readonly name: K
    /** command_status; 0 in requests. */
    readonly status: number
    readonly sequence: number
    readonly body: BodyOf<K>
    readonly tlvs: Tlvs
  }
}[N]

export type Decoded =
  | {
      readonly kind: 'pdu'
      readonly pdu: Pdu
      /** false: a field was cut or missing and was read as empty, or octets were left over. */
      readonly isWhole: boolean
    }
  | { readonly kind: 'unknown'; readonly id: number; readonly status: number; readonly sequence: number }

export const headerSize = 16

/** The bit of a command_id that marks a response. */
export const responseBit = 0x80000000

type Compiled = {
  readonly name: PduName
  readonly id: number
  readonly fields: readonly (readonly [name: string, field: Field])[]
}

const byName = new Map<string, Compiled>()
const byId = new Map<number, Compiled>()
for (const name of Object.keys(layouts) as PduName[]) {
  const { id, fields } = layouts[name]
  const compiled = { name, id, fields: Object.entries<Field>(fields) }
  byName.set(name, compiled)
  byId.set(id, compiled)
}

export const pduNames = Object.keys(layouts) as readonly PduName[]

/** The fields of a PDU in the order of the wire, for tests, which make every PDU. */
export function fieldsOf(name: PduName): readonly (readonly [name: string, field: Field])[] {
  return byName.get(name)!.fields
}

/** The response that a request asks for; undefined if it asks for none. */
export function responseTo(name: PduName): PduName | undefined {
  return byId.get((byName.get(name)!.id | responseBit) >>> 0)?.name
}

/**
 * A PDU without fields, or a response with an id as its only field, as every session sends them.
 * @param id  message_id or system_id of a response.
 */
export function simplePdu(name: PduName, sequence: number, status = 0, id = ''): Pdu {
  const first = byName.get(name)!.fields[0]
  return { name, status, sequence, body: first ? { [first[0]]: id } : {}, tlvs: noTlvs } as Pdu
}

/**
 * @throws RangeError if a text is too long for its field, or has NUL or a character beyond Latin-1. Settings and
 * addresses are checked before, so this is a fault in our code.
 */
export function encodePdu({ name, status, sequence, body, tlvs }: Pdu): Buffer {
  const { id, fields } = byName.get(name)!
  const values = body as Readonly<Record<string, string | number | Buffer>>
  let size = headerSize + (tlvs.size === 0 ? 0 : sizeOfTlvs(tlvs))
  for (const [field, { type }] of fields) size += type === 'uint8' ? 1 : (values[field] as string).length + 1
  const frame = Buffer.allocUnsafe(size)
  writeUint32(frame, size, 0)
  writeUint32(frame, id, 4)
  writeUint32(frame, status, 8)
  writeUint32(frame, sequence, 12)
  let at = headerSize
  for (const [field, layout] of fields) {
    const value = values[field]!
    if (layout.type === 'uint8') frame[at++] = value as number
    else if (layout.type === 'c-string') at = writeCString(frame, value as string, at, field, layout.max)
    else {
      const octets = value as Buffer
      if (octets.length > layout.max) throw new RangeError(`${field} takes at most ${layout.max} octets`)
      frame[at++] = octets.length
      at += octets.copy(frame, at)
    }
  }
  if (tlvs.size > 0) writeTlvs(tlvs, frame, at)
  return frame
}

function writeUint32(frame: Buffer, value: number, at: number): void {
  frame[at] = value >>> 24
  frame[at + 1] = value >>> 16
  frame[at + 2] = value >>> 8
  frame[at + 3] = value
}

function writeCString(frame: Buffer, value: string, offset: number, field: string, max: number): number {
  if (value.length >= max) throw new RangeError(`${field} takes at most ${max - 1} characters`)
  let at = offset
  // Texts are short, so copying each octet is faster than a native call.
  for (let i = 0; i < value.length; i++) {
    const unit = value.charCodeAt(i)
    if (unit === 0 || unit > 0xff) throw new RangeError(`${field} takes Latin-1 without NUL`)
    frame[at++] = unit
  }
  frame[at++] = 0
  return at
}

/**
 * Reads a whole frame and returns a result for any content. It is lenient, because a carrier's slip must not cost a
 * receipt: texts may exceed their length or lack their NUL, and fields that are missing at the end are empty.
 * @param frame  From `createReader`: 16 octets at least, its length as its head says. Not copied.
 */
export function decodePdu(frame: Buffer): Decoded {
  const id = frame.readUInt32BE(4)
  const status = frame.readUInt32BE(8)
  const sequence = frame.readUInt32BE(12)
  const layout = byId.get(id)
  if (!layout) return { kind: 'unknown', id, status, sequence }
  const body: Record<string, string | number | Buffer> = {}
  let isWhole = true
  let at = headerSize
  for (const [field, { type }] of layout.fields) {
    if (at >= frame.length) {
      isWhole = false
      body[field] = type === 'uint8' ? 0 : type === 'c-string' ? '' : Buffer.alloc(0)
    } else if (type === 'uint8') body[field] = frame[at++]!
    else if (type === 'c-string') {
      let end = frame.indexOf(0, at)
      if (end < 0) {
        isWhole = false
        end = frame.length
      }
      body[field] = frame.toString('latin1', at, end)
      at = end + 1
    } else {
      const end = at + 1 + frame[at]!
      if (end > frame.length) isWhole = false
      body[field] = frame.subarray(at + 1, end)
      at = end
    }
  }
  // A refusal without the body of its response is whole too (SMPP 3.4, 4.4.2).
  if (status !== 0 && id >= responseBit && frame.length === headerSize) isWhole = true
  const optional = readTlvs(frame, at)
  const pdu = { name: layout.name, status, sequence, body, tlvs: optional.tlvs } as unknown as Pdu
  return { kind: 'pdu', pdu, isWhole: isWhole && optional.isWhole }
}
