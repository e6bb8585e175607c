/** A request as the bytes of HTTP/1.1 (RFC 9112 3). */

import type { Outgoing } from './outgoing.ts'

/** All that goes over the wire, and how its characters are encoded. */
export type RequestText = { readonly text: string; readonly encoding: 'utf8' | 'latin1' }

/** Visible characters: nothing that ends a line, separates its parts, or that a proxy may read differently. */
const target = /^[\x21-\x7E]+$/
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 9110 5.5, whose octets beyond ASCII mean nothing fixed. */
const headerValue = /^[\t\x20-\x7E\x80-\xFF]*$/
const ascii = /^[\t\x20-\x7E]*$/

/**
 * @param server  The address that requests go to, as a URL.
 * @returns A function that writes a request. It throws an Error for one that cannot be written safely.
 */
export function requestWriter(server: string): (request: Outgoing) => RequestText {
  const common = `host: ${new URL(server).host}\r\nconnection: keep-alive\r\n`

  return ({ method, path, headers, body }) => {
    if (!target.test(path)) throw new Error('a path that no request can have')
    let head = `${method} ${path} HTTP/1.1\r\n${common}`
    let isAscii = true
    for (const name of Object.keys(headers)) {
      const value = headers[name]!
      if (!headerName.test(name) || !headerValue.test(value))
        throw new Error(`a header ${name.replace(/[^\w-]/g, '…')} that no request can have`)
      isAscii &&= ascii.test(value)
      head += `${name}: ${value}\r\n`
    }
    if (body !== '' || method !== 'GET') head += `content-length: ${Buffer.byteLength(body)}\r\n`
    if (isAscii) return { text: `${head}\r\n${body}`, encoding: 'utf8' }
    return { text: `${head}\r\n${Buffer.from(body).toString('latin1')}`, encoding: 'latin1' }
  }
}
