/** HMAC-SHA-256 (RFC 2104) of texts, under a key that is used many times. */

import { hash } from 'node:crypto'

const blockBytes = 64
const digestBytes = 32
/** Longer than what codes are made of; a longer text gets a buffer of its own. */
const usualTextBytes = 1024

/**
 * Two one-shot digests with both pads made once. `createHmac` makes an object for each MAC, which takes twice the time
 * and leaves work to the garbage collector (docs/speed.md).
 * @param key  At most 64 bytes.
 * @returns A function that gives the MAC of a text's UTF-8 bytes, as lower-case hex.
 */
export function hmacSha256(key: Uint8Array): (text: string) => string {
  if (key.length > blockBytes) throw new RangeError(`a key has at most ${blockBytes} bytes`)
  const padded = (length: number, pad: number) => {
    const bytes = Buffer.alloc(length)
    for (let i = 0; i < blockBytes; i++) bytes[i] = (key[i] ?? 0) ^ pad
    return bytes
  }
  const usualInner = padded(blockBytes + usualTextBytes, 0x36)
  const outer = padded(blockBytes + digestBytes, 0x5c)
  return (text) => {
    // A UTF-16 unit has at most three bytes of UTF-8.
    const isUsual = text.length * 3 <= usualTextBytes
    const inner = isUsual ? usualInner : padded(blockBytes + Buffer.byteLength(text), 0x36)
    const end = blockBytes + inner.write(text, blockBytes)
    outer.write(hash('sha256', inner.subarray(0, end), 'hex'), blockBytes, 'hex')
    return hash('sha256', outer, 'hex')
  }
}
