/** Proves that a webhook is from the server that holds the secret, and of now (Standard Webhooks 1.0.0). */

import type { Event } from './api.ts'
import { type Bytes, bytesOf, bytesOfBase64 } from './bytes.ts'
import { CountersignError } from './errors.ts'

/** A `Request` of the web, or the headers and the unparsed body that a server of Node gives. */
export type WebhookRequest =
  | Request
  | {
      readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>
      /** As it arrived: JSON that was parsed and written again has another signature. */
      readonly body: string | Bytes
    }

export type WebhookOptions = {
  /** Seconds between the sender's clock and ours. Default 300. */
  readonly toleranceS?: number | undefined
}

/**
 * @param secrets  `whsec_…` of the endpoint, or `whpk_…` for signatures `v1a`; while they are rotated, the new and the
 *   old one. Those that are undefined are left out, but one must be there.
 * @returns The event. It may come more than once: keep its id.
 * @throws CountersignError `webhook`: answer 400 to it.
 */
export async function verifyWebhook(
  request: WebhookRequest,
  secrets: string | readonly (string | undefined)[],
  { toleranceS = 300 }: WebhookOptions = {},
): Promise<Event> {
  const keys = [secrets].flat().filter((one) => one !== undefined && one !== '') as string[]
  if (keys.length === 0) throw new TypeError('a webhook is verified by a secret, and there is none')
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) =>
    headerOf(request.headers, name),
  )
  if (!id || !timestamp || !signatures) throw refused('it has no signature')
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(Date.now() / 1000 - Number(timestamp)) > toleranceS)
    throw refused('it is not of now')
  const body =
    request instanceof Request ? new Uint8Array(await request.arrayBuffer()) : bytesOf(request.body)
  const signed = bytesOf(`${id}.${timestamp}.`, body)
  for (const signature of signatures.split(' '))
    for (const key of keys)
      if (await isSignedBy(key, signature, signed)) return JSON.parse(new TextDecoder().decode(body))
  throw refused('no signature is of the secret')
}

/** By WebCrypto, which compares in constant time. */
async function isSignedBy(key: string, signature: string, signed: Bytes): Promise<boolean> {
  const isPublic = key.startsWith('whpk_')
  const [version, stated] = signature.split(',')
  if (version !== (isPublic ? 'v1a' : 'v1') || stated === undefined) return false
  const algorithm = isPublic ? { name: 'Ed25519' } : { name: 'HMAC', hash: 'SHA-256' }
  const secret = bytesOfBase64(key.replace(/^wh(sec|pk)_/, ''))
  if (!secret) throw new TypeError('the secret of a webhook is whsec_ or whpk_ and base64')
  const imported = await crypto.subtle.importKey('raw', secret, algorithm, false, ['verify'])
  const bytes = bytesOfBase64(stated)
  return bytes !== undefined && crypto.subtle.verify(algorithm, imported, bytes, signed)
}

function headerOf(headers: WebhookRequest['headers'], name: string): string | undefined {
  if (headers instanceof Headers) return headers.get(name) ?? undefined
  const found = Object.entries(headers).find(([one]) => one.toLowerCase() === name)?.[1]
  return typeof found === 'string' ? found : found?.join(' ')
}

function refused(why: string): CountersignError {
  return new CountersignError(`the webhook is refused: ${why}`, { type: 'webhook' })
}
