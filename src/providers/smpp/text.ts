/** Texts as the octets of short messages: GSM 03.38 or Latin-1 under data_coding 0, else UCS-2; one part or several. */

import { gsmBasic, gsmEscape, gsmExtension } from '../../delivery/gsm-7.ts'
import { cutText } from '../../delivery/sms-segments.ts'

/** The alphabet that a carrier uses for data_coding 0, "SMSC Default Alphabet"; its data sheet has it. */
export type Alphabet = 'gsm' | 'latin1'

/** SMPP 3.4, 5.2.19. */
const dataCodings = { default: 0x00, latin1: 0x03, ucs2: 0x08 } as const

export type EncodedText = {
  readonly dataCoding: number
  /** The octets of each part without a header. A character of GSM-7 takes a whole octet. */
  readonly parts: readonly Buffer[]
}

// The octets of GSM 03.38 by UTF-16 unit; 0xFFFF if there are none. For the extension the upper octet is the escape.
const none = 0xffff
const gsmOf = new Uint16Array(0x10000).fill(none)
const basicOf: (string | undefined)[] = [...gsmBasic]
const extensionOf: (string | undefined)[] = []
for (const [septet, character] of [...gsmBasic].entries())
  if (septet !== gsmEscape) gsmOf[character.charCodeAt(0)] = septet
for (const [character, septet] of gsmExtension) {
  gsmOf[character.charCodeAt(0)] = (gsmEscape << 8) | septet
  extensionOf[septet] = character
}

/**
 * The limits of GSM-7 hold under `latin1` too, because the carrier sends GSM-7 to the phone. So a text goes under
 * data_coding 0 only if all its characters are in both alphabets, and any other as UCS-2.
 */
export function encodeText(text: string, alphabet: Alphabet): EncodedText {
  const encode = alphabet === 'gsm' ? encodeGsm : encodeLatin1
  const whole = encode(text)
  if (!whole) return { dataCoding: dataCodings.ucs2, parts: cutText(text, 'ucs-2').map(encodeUcs2) }
  // A text of so few characters fits one part even if each counts as two.
  const parts = text.length <= 80 ? [whole] : cutText(text, 'gsm-7').map((part) => encode(part)!)
  return { dataCoding: dataCodings.default, parts }
}

function encodeGsm(text: string): Buffer | undefined {
  const octets = Buffer.allocUnsafe(text.length * 2)
  let at = 0
  for (let i = 0; i < text.length; i++) {
    const septets = gsmOf[text.charCodeAt(i)]!
    if (septets === none) return undefined
    if (septets > 0xff) octets[at++] = gsmEscape
    octets[at++] = septets & 0xff
  }
  return octets.subarray(0, at)
}

function encodeLatin1(text: string): Buffer | undefined {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0xff || gsmOf[unit] === none) return undefined
  }
  return Buffer.from(text, 'latin1')
}

function encodeUcs2(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16()
}

/** Decodes one part without its header. An octet that is in no table becomes U+FFFD. Never throws. */
export function decodeText(octets: Buffer, dataCoding: number, alphabet: Alphabet): string {
  if (dataCoding === dataCodings.ucs2)
    return Buffer.from(octets.subarray(0, octets.length & ~1))
      .swap16()
      .toString('utf16le')
  if (dataCoding === dataCodings.latin1 || alphabet === 'latin1') return octets.toString('latin1')
  let text = ''
  for (let i = 0; i < octets.length; i++) {
    const octet = octets[i]!
    text += (octet === gsmEscape ? extensionOf[octets[++i] ?? gsmEscape] : basicOf[octet]) ?? '\ufffd'
  }
  return text
}

/** Set in esm_class when the octets begin with a header (SMPP 3.4, 5.2.12). */
export const userDataHeaderBit = 0x40

/** Puts the header of a part before it. Parts are cut shorter to leave space for it. At most 255 parts. */
export function withHeader(part: Buffer, reference: number, total: number, number: number): Buffer {
  // 3GPP TS 23.040, 9.2.3.24.1: five octets follow; element 0, concatenation by an 8-bit reference; three octets of it.
  return Buffer.concat([Buffer.of(0x05, 0x00, 0x03, reference & 0xff, total, number), part])
}

/** Reads a header that `withHeader` made. */
export function readHeader(octets: Buffer) {
  const [length, element, size, reference, total, number] = octets
  if (length !== 5 || element !== 0 || size !== 3 || octets.length < 6) return undefined
  return { reference: reference!, total: total!, number: number!, part: octets.subarray(6) }
}
