/** The chunked transfer coding of HTTP/1.1, decoded from bytes however they are cut (RFC 9112 7.1). */

/** An answer that two readers might understand differently, or that goes beyond a bound. */
export class Malformed extends Error {}

export type ChunkedBody = {
  /**
   * @param onData  Gets each piece of the content; its bytes are valid during the call alone.
   * @returns How many bytes came after the body; undefined while the body is not complete.
   * @throws Malformed
   */
  push(bytes: Buffer, onData: (part: Buffer) => void): number | undefined
}

/** The size of a chunk with its extensions, or one trailer. */
const maxLineBytes = 1024
const maxTrailers = 100

const nothing = Buffer.alloc(0)

export function createChunkedBody(): ChunkedBody {
  let expected: 'size' | 'data' | 'end of data' | 'trailer' = 'size'
  let missing = 0
  let trailers = 0
  /** The beginning of a line. */
  let rest = nothing

  return {
    push(bytes, onData) {
      let left = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
      rest = nothing
      for (;;) {
        if (expected === 'data') {
          const part = left.subarray(0, missing)
          if (part.length > 0) onData(part)
          missing -= part.length
          left = left.subarray(part.length)
          if (missing > 0) return undefined
          expected = 'end of data'
        }
        const end = left.indexOf('\r\n', 0, 'latin1')
        if ((end < 0 ? left.length : end) > maxLineBytes)
          throw new Malformed('an answer with an endless line')
        if (end < 0) {
          rest = Buffer.from(left)
          return undefined
        }
        const line = left.toString('latin1', 0, end)
        left = left.subarray(end + 2)
        if (expected === 'size') {
          missing = sizeOf(line)
          expected = missing === 0 ? 'trailer' : 'data'
        } else if (expected === 'end of data') {
          if (line !== '') throw new Malformed('an answer with a chunk of another length than it has')
          expected = 'size'
        } else if (line === '') return left.length
        else if (++trailers > maxTrailers) throw new Malformed('an answer with endless trailers')
      }
    },
  }
}

function sizeOf(line: string): number {
  // Six digits of hexadecimal are more than any answer may have. Extensions mean nothing to us (RFC 9112 7.1.1).
  const size = /^0*([0-9A-Fa-f]{1,6})[ \t]*(?:;.*)?$/.exec(line)?.[1]
  if (size === undefined) throw new Malformed('an answer with a chunk of no readable length')
  return Number.parseInt(size, 16)
}
