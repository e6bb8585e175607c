/** The GSM 7-bit default alphabet and its extension (3GPP TS 23.038, 6.2.1), by which SMS are written and counted. */

/** Leads to the extension table. */
export const gsmEscape = 0x1b

/** Row by row: the index of a character is its septet. The escape is listed at its index but is no character. */
export const gsmBasic =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà'

/** Reached through the escape: two septets each. */
export const gsmExtension: ReadonlyMap<string, number> = new Map([
  ['\f', 0x0a],
  ['^', 0x14],
  ['{', 0x28],
  ['}', 0x29],
  ['\\', 0x2f],
  ['[', 0x3c],
  ['~', 0x3d],
  [']', 0x3e],
  ['|', 0x40],
  ['€', 0x65],
])

const basic = new Set(gsmBasic.replace('\x1b', ''))

/** Septets a character takes; 0 if it is not in GSM-7. */
export function septetsOf(character: string): 0 | 1 | 2 {
  return basic.has(character) ? 1 : gsmExtension.has(character) ? 2 : 0
}
