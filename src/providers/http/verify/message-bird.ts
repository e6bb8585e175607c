/** MessageBird's rule: a signed token (RFC 7519) that holds the hashes of the URL it called and of the body. */

import { createHash, createHmac } from 'node:crypto'
import { parseJson } from '../../../outside.ts'
import type { Verifier } from './call.ts'
import { isEqual } from './equal.ts'

/** Keyed hashes only: a token must not choose a weaker way to be verified (RFC 8725 3.1). */
const algorithms = new Map([
  ['HS256', 'sha256'],
  ['HS384', 'sha384'],
  ['HS512', 'sha512'],
])
/** How much clocks may differ; a token lives for a minute. */
const leewaySeconds = 5

export const messageBird: Verifier = (parameter) => {
  const key = parameter('key')
  return ({ request: { headers, body }, url, nowMs }) => {
    const [head = '', claims = '', signature = ''] = (headers['messagebird-signature-jwt'] ?? '').split('.')
    const algorithm = algorithms.get(String(partOf(head).alg))
    if (key === '' || algorithm === undefined) return false
    const expected = createHmac(algorithm, key).update(`${head}.${claims}`).digest('base64url')
    if (!isEqual(signature, expected)) return false
    const { iss, nbf = 0, exp, url_hash, payload_hash } = partOf(claims)
    const seconds = nowMs / 1000
    const isLive = Number(nbf) - leewaySeconds <= seconds && seconds <= Number(exp) + leewaySeconds
    const hasPayload = body.length > 0 || payload_hash !== undefined
    return (
      iss === 'MessageBird' &&
      isLive &&
      url_hash === hashOf(url) &&
      (!hasPayload || payload_hash === hashOf(body))
    )
  }
}

function partOf(part: string): Readonly<Record<string, unknown>> {
  const outcome = parseJson(Buffer.from(part, 'base64url').toString('utf8'))
  const value = outcome.kind === 'parsed' ? outcome.value : null
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function hashOf(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}
