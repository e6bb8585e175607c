/** Splits a byte stream into PDUs. An impossible length ends the stream. */

import { headerSize } from './pdu.ts'

/** S-11: no PDU that we accept is nearly as long, and no peer can make us hold more. */
export const maxPdu = 65_536

export type Reader = {
  /**
   * Takes the next bytes, however the network cut them; `onFrame` is called for each whole PDU.
   * @returns false if the stream cannot be split any further: close it. Later bytes are not read.
   */
  push(chunk: Buffer): boolean
}

/**
 * Copies each byte once at most, and holds one PDU at most.
 * @param onFrame  Gets a PDU with its length; it may share the chunk's memory.
 */
export function createReader(onFrame: (frame: Buffer) => void): Reader {
  const head = Buffer.alloc(4)
  let headFilled = 0
  // The PDU under way, once its length is known. It is allocated whole, so that single bytes cost as little as chunks.
  let frame: Buffer | undefined
  let filled = 0
  let isBroken = false

  const isPduLength = (length: number) => length >= headerSize && length <= maxPdu

  function push(chunk: Buffer): boolean {
    let at = 0
    while (at < chunk.length && !isBroken) {
      if (frame) {
        const copied = chunk.copy(frame, filled, at)
        filled += copied
        at += copied
        if (filled < frame.length) break
        const whole = frame
        frame = undefined
        headFilled = 0
        onFrame(whole)
      } else if (headFilled === 0 && chunk.length - at >= 4) {
        const length = chunk.readUInt32BE(at)
        if (!isPduLength(length)) isBroken = true
        else if (at + length <= chunk.length) {
          onFrame(chunk.subarray(at, at + length))
          at += length
        } else {
          frame = Buffer.allocUnsafe(length)
          filled = 0
        }
      } else {
        head[headFilled++] = chunk[at++]!
        if (headFilled < 4) continue
        const length = head.readUInt32BE(0)
        if (!isPduLength(length)) isBroken = true
        else {
          frame = Buffer.allocUnsafe(length)
          filled = head.copy(frame)
        }
      }
    }
    return !isBroken
  }

  return { push }
}
