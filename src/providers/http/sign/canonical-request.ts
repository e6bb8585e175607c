/** The canonical form of a request, which AWS defined and several carriers use with slight changes. */

import { createHash, createHmac } from 'node:crypto'
import type { Outgoing } from '../outgoing.ts'

export type Canonical = {
  readonly text: string
  /** Names in lower case, in order, separated by semicolons. */
  readonly signedHeaders: string
}

/**
 * @param headers  Those that are signed, names in lower case.
 * @param hashedBody  Hexadecimal SHA-256 of the body.
 */
export function canonicalRequest(
  { method, path }: Pick<Outgoing, 'method' | 'path'>,
  headers: Readonly<Record<string, string>>,
  hashedBody: string,
  { hasClosingSlash = false } = {},
): Canonical {
  const mark = path.indexOf('?')
  const resource = mark < 0 ? path : path.slice(0, mark)
  const query = mark < 0 ? '' : path.slice(mark + 1)
  const names = Object.keys(headers).sort()
  const signedHeaders = names.join(';')
  const lines = names.map((name) => `${name}:${headers[name]!.trim().replace(/ +/g, ' ')}\n`).join('')
  const text = [
    method,
    hasClosingSlash && !resource.endsWith('/') ? `${resource}/` : resource,
    query.split('&').sort().join('&'),
    lines,
    signedHeaders,
    hashedBody,
  ].join('\n')
  return { text, signedHeaders }
}

export function sha256Hex(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

export function hmacSha256(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}

export function hostOf({ origin }: Pick<Outgoing, 'origin'>): string {
  return new URL(origin).host
}

/** `20150830T123600Z` */
export function compactTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')
}
