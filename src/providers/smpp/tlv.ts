/** Optional parameters of SMPP PDUs (SMPP 3.4, 5.3): the tags we use, and their place on the wire. */

/** By tag; the first of equal tags. */
export type Tlvs = ReadonlyMap<number, Buffer>

export const noTlvs: Tlvs = new Map()

/** SMPP 3.4, table 5-7. */
export const tlvTags = {
  receiptedMessageId: 0x001e,
  userMessageReference: 0x0204,
  scInterfaceVersion: 0x0210,
  networkErrorCode: 0x0423,
  messagePayload: 0x0424,
  messageState: 0x0427,
} as const

export function uint8Tlv(value: number): Buffer {
  return Buffer.of(value)
}

export function uint16Tlv(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

export function textTlv(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'latin1')
}

/** A C-octet string; some peers leave out the NUL. */
export function textOfTlv(value: Buffer): string {
  const end = value.indexOf(0)
  return value.toString('latin1', 0, end < 0 ? value.length : end)
}

export function sizeOfTlvs(tlvs: Tlvs): number {
  let size = 0
  for (const value of tlvs.values()) size += 4 + value.length
  return size
}

export function writeTlvs(tlvs: Tlvs, into: Buffer, offset: number): void {
  let at = offset
  for (const [tag, value] of tlvs) {
    at = into.writeUInt16BE(tag, at)
    at = into.writeUInt16BE(value.length, at)
    at += value.copy(into, at)
  }
}

/** Reads to the end of the frame. @returns `isWhole` is false if the last one does not fit; earlier ones count. */
export function readTlvs(frame: Buffer, offset: number): { readonly tlvs: Tlvs; readonly isWhole: boolean } {
  if (offset >= frame.length) return { tlvs: noTlvs, isWhole: true }
  const tlvs = new Map<number, Buffer>()
  let at = offset
  while (at + 4 <= frame.length) {
    const tag = frame.readUInt16BE(at)
    const end = at + 4 + frame.readUInt16BE(at + 2)
    if (end > frame.length) break
    if (!tlvs.has(tag)) tlvs.set(tag, frame.subarray(at + 4, end))
    at = end
  }
  return { tlvs, isWhole: at === frame.length }
}
