/** Texts as the octets of short messages: GSM 03.38 or Latin-1 under data_coding 0, else UCS-2; one part or several. */

import { gsmBasic, gsmEscape, gsmExtension } from '../../delivery/gsm-7.ts'
import { cutText } from '../../delivery/sms-segments.ts'

/** What a carrier takes data_coding 0, "the SMSC's own alphabet", to be. Its data sheet says. */
export type Alphabet = 'gsm' | 'latin1'

/** SMPP 3.4, 5.2.19. */
const dataCodings = { default: 0x00, latin1: 0x03, ucs2: 0x08 } as const

export type EncodedText = {
  readonly dataCoding: number
  /** Octets of each part, one in each octet where GSM-7 has seven bits; without a header. */
  readonly parts: readonly Buffer[]
}

// By UTF-16 unit: the one or two octets of GSM 03.38; 0xFFFF if there are none. The extension's have the escape above them.
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
 * Under `latin1` the limits are those of GSM-7 all the same: that is what the carrier sends on to the phone.
 * So only characters that are in both go under data_coding 0, all other texts as UCS-2.
 */
export function encodeText(text: string, alphabet: Alphabet): EncodedText {
  const encode = alphabet === 'gsm' ? encodeGsm : encodeLatin1
  const whole = encode(text)
  if (!whole) return { dataCoding: dataCodings.ucs2, parts: cutText(text, 'ucs-2').map(encodeUcs2) }
  // No part of so few characters can be too long, whichever of them count two.
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

/** The text of one part without its header. What is in no table reads as U+FFFD; no octets throw. */
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

/** Room for the header is what cuts parts shorter. At most 255 parts. */
export function withHeader(part: Buffer, reference: number, total: number, number: number): Buffer {
  // 3GPP TS 23.040, 9.2.3.24.1: five octets follow, concatenation by an 8-bit reference, of which three.
  return Buffer.concat([Buffer.of(0x05, 0x00, 0x03, reference & 0xff, total, number), part])
}

/** Reads what `withHeader` made. */
export function readHeader(octets: Buffer) {
  const [length, element, size, reference, total, number] = octets
  if (length !== 5 || element !== 0 || size !== 3 || octets.length < 6) return undefined
  return { reference: reference!, total: total!, number: number!, part: octets.subarray(6) }
}
