/** Reads the answers on one HTTP/1.1 connection from its bytes, however they are cut, and within bounds (RFC 9112). */

import { type ChunkedBody, createChunkedBody, Malformed } from './chunked-body.ts'

export type Answer = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

export type Reading =
  | { readonly kind: 'more' }
  | {
      readonly kind: 'whole'
      readonly answer: Answer
      /** Whether another request may follow on the connection. */
      readonly isReusable: boolean
      /** How long the server keeps an idle connection, if its answer states that. */
      readonly keptMs: number | undefined
    }
  | { readonly kind: 'broken'; readonly reason: string }

export type AnswerReader = {
  /** @param bytes  Valid during the call alone: what must be kept is copied. */
  push(bytes: Buffer): Reading
  /** The server has ended the connection, which ends an answer of no stated length. */
  end(): Reading
}

const maxHeadBytes = 16 * 1024
const maxBodyBytes = 64 * 1024

type Head = Omit<Answer, 'text'> & {
  readonly isReusable: boolean
  readonly keptMs: number | undefined
  /** How the end of the body is found: after so many bytes, by its chunks, or by the end of the connection. */
  readonly body: number | 'chunked' | 'until-close'
}

const more: Reading = { kind: 'more' }
const nothing = Buffer.alloc(0)

export function createAnswerReader(): AnswerReader {
  let head: Head | undefined
  /** The beginning of a head, and the bytes of interim heads before it. */
  let begun = nothing
  let interimBytes = 0
  let chunks: ChunkedBody | undefined
  let parts: Buffer[] = []
  let size = 0

  function readHead(bytes: Buffer): Reading {
    const all = begun.length === 0 ? bytes : Buffer.concat([begun, bytes])
    const end = all.indexOf('\r\n\r\n', Math.max(0, begun.length - 3), 'latin1')
    if (interimBytes + (end < 0 ? all.length : end) > maxHeadBytes)
      throw new Malformed('an answer with a head beyond 16 KiB')
    if (end < 0) {
      if (!beginsLikeHttp(all)) throw new Malformed(notHttp)
      begun = Buffer.from(all)
      return more
    }
    begun = nothing
    const found = headOf(all.toString('latin1', 0, end))
    const after = all.subarray(end + 4)
    if (found.status < 200) {
      // An interim answer (RFC 9110 15.2), such as 103: the real one follows.
      interimBytes += end
      return readHead(after)
    }
    if (typeof found.body === 'number' && found.body <= after.length)
      return whole(found, after.toString('utf8', 0, found.body), after.length > found.body)
    head = found
    if (found.body === 'chunked') chunks = createChunkedBody()
    return readBody(found, after)
  }

  function readBody(of: Head, bytes: Buffer): Reading {
    if (chunks) {
      const beyond = chunks.push(bytes, (part) => keep(of, part))
      return beyond === undefined ? more : whole(of, text(), beyond > 0)
    }
    if (of.body === 'until-close') {
      keep(of, bytes)
      return more
    }
    const missing = (of.body as number) - size
    keep(of, bytes.subarray(0, missing))
    return bytes.length < missing ? more : whole(of, text(), bytes.length > missing)
  }

  function keep(of: Head, bytes: Buffer): void {
    size += bytes.length
    if (size > maxBodyBytes) throw tooLarge(of.status)
    parts.push(Buffer.from(bytes))
  }

  const text = () => (parts.length === 1 ? parts[0]! : Buffer.concat(parts)).toString()

  function whole(of: Head, body: string, isFollowed: boolean): Reading {
    head = undefined
    chunks = undefined
    interimBytes = 0
    parts = []
    size = 0
    const { status, headers, keptMs } = of
    return {
      kind: 'whole',
      // Less the mark that some put in front, which JSON does not know.
      answer: { status, headers, text: body.charCodeAt(0) === 0xfeff ? body.slice(1) : body },
      // Bytes that nobody asked for would be read as the answer to the next request.
      isReusable: of.isReusable && !isFollowed,
      keptMs,
    }
  }

  return {
    push(bytes) {
      try {
        return head === undefined ? readHead(bytes) : readBody(head, bytes)
      } catch (error) {
        if (error instanceof Malformed) return { kind: 'broken', reason: error.message }
        throw error
      }
    },
    end() {
      if (head?.body === 'until-close') return whole(head, text(), false)
      return { kind: 'broken', reason: 'the connection was closed before the answer' }
    },
  }
}

const notHttp = 'the answer is not HTTP/1.1'

function tooLarge(status: number): Malformed {
  return new Malformed(`${status}, an answer beyond 64 KiB`)
}

function beginsLikeHttp(bytes: Buffer): boolean {
  const wanted = 'HTTP/1.'
  return wanted.startsWith(bytes.toString('latin1', 0, wanted.length))
}

/** @param text  The lines of a head, without the empty line at its end. */
function headOf(text: string): Head {
  const firstEnd = text.indexOf('\r\n')
  const first = /^HTTP\/1\.([01]) (\d{3})(?: |$)/.exec(firstEnd < 0 ? text : text.slice(0, firstEnd))
  if (!first) throw new Malformed(notHttp)
  const status = Number(first[2])
  // Nobody asked for another protocol (RFC 9110 7.8).
  if (status === 101) throw new Malformed('101, which was not asked for')
  const headers = firstEnd < 0 ? {} : headersOf(text, firstEnd + 2)
  const { connection = '', 'keep-alive': kept } = headers
  const body = bodyOf(status, headers)
  const keptMs = kept === undefined ? undefined : Number(/\btimeout=(\d{1,6})/i.exec(kept)?.[1]) * 1000
  return {
    status,
    headers,
    body,
    isReusable:
      body !== 'until-close' &&
      !/\bclose\b/i.test(connection) &&
      (first[1] === '1' || /\bkeep-alive\b/i.test(connection)),
    keptMs: Number.isNaN(keptMs) ? undefined : keptMs,
  }
}

const nameOf = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

function headersOf(text: string, from: number): Record<string, string> {
  const headers: Record<string, string> = Object.create(null)
  let last = ''
  for (let at = from; at < text.length; ) {
    const next = text.indexOf('\r\n', at)
    const end = next < 0 ? text.length : next
    const first = text.charCodeAt(at)
    if (first === 0x20 || first === 0x09) {
      // A line folded as before RFC 7230: one value, with a space for the fold (RFC 9112 5.2).
      if (last === '') throw new Malformed('an answer with a malformed header')
      headers[last] += ` ${text.slice(at, end).trim()}`
    } else {
      const colon = text.indexOf(':', at)
      const name = colon < 0 || colon > end ? '' : text.slice(at, colon)
      if (!nameOf.test(name)) throw new Malformed('an answer with a malformed header')
      last = name.toLowerCase()
      const value = text.slice(colon + 1, end).trim()
      headers[last] = last in headers ? `${headers[last]}, ${value}` : value
    }
    at = end + 2
  }
  return headers
}

/** RFC 9112 6.3. Where two lengths are stated and differ, no reader could be sure of either. */
function bodyOf(status: number, headers: Readonly<Record<string, string | undefined>>): Head['body'] {
  const { 'transfer-encoding': encoding, 'content-length': length } = headers
  if (status < 200 || status === 204 || status === 304) return 0
  if (encoding !== undefined) {
    if (length !== undefined) throw new Malformed('an answer with two lengths')
    if (encoding.toLowerCase() !== 'chunked') throw new Malformed('an answer in an unknown transfer coding')
    return 'chunked'
  }
  if (length === undefined) return 'until-close'
  const [bytes, ...others] = length.split(',').map((one) => one.trim())
  if (!/^\d{1,15}$/.test(bytes!)) throw new Malformed('an answer of no readable length')
  if (others.some((one) => one !== bytes)) throw new Malformed('an answer with two lengths')
  if (Number(bytes) > maxBodyBytes) throw tooLarge(status)
  return Number(bytes)
}
