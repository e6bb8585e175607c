/**
 * Twilio's rule: a keyed hash over the URL it called and the fields it posted, in the order of their names. If the body
 * is JSON, the URL has its hash instead ("Webhooks security", "Sign webhooks with shared keys", and its library's
 * src/webhooks/webhooks.ts).
 */

import { createHash, createHmac } from 'node:crypto'
import { type Pairs, parseForm } from '../../../outside.ts'
import type { Verifier } from './call.ts'
import { isEqual } from './equal.ts'

export const twilio: Verifier = (parameter) => {
  const [token, sharedKey] = [parameter('token'), parameter('sharedKey')]
  return ({ request: { headers, body }, said: { query }, url }) => {
    // Twilio sends this header only if a rule of the account makes it sign with a separate key.
    const settings = headers['x-twilio-webhooks-signature-settings']
    const [key, algorithm] = settings === undefined ? [token, 'sha1'] : [sharedKey, algorithmOf(settings)]
    if (key === '' || algorithm === undefined) return false
    const fields = fieldsIn(body, query.get('bodySHA256'))
    if (fields === null) return false
    const given = headers['x-twilio-signature'] ?? ''
    const isSigned = (over: string) =>
      isEqual(given, createHmac(algorithm, key).update(`${over}${fields}`).digest('base64'))
    return [withoutPort(url), withPort(url)].some(isSigned)
  }
}

/** twilio-node, examples/WebhookSignatureValidation.md: `key=…,algorithm=HMAC_SHA256`. */
const algorithms = new Map([
  ['HMAC_SHA1', 'sha1'],
  ['HMAC_SHA256', 'sha256'],
])

function algorithmOf(settings: string): string | undefined {
  const stated = settings.split(',').find((one) => one.trim().startsWith('algorithm='))
  return algorithms.get(stated?.trim().slice('algorithm='.length) ?? '')
}

/**
 * @param hash  Of the body, from the URL; null for a form.
 * @returns The text that is signed after the URL; null if the body does not have this hash.
 */
function fieldsIn(body: Buffer, hash: string | null): string | null {
  if (hash !== null) return isEqual(hash, createHash('sha256').update(body).digest('hex')) ? '' : null
  const posted = parseForm(body.toString('utf8'))
  return posted.kind === 'malformed' ? null : fieldsOf(posted.value)
}

/** Sorted by name and not by the whole text, because one name may begin with another, such as `FromCity` with `From`. */
function fieldsOf(posted: Pairs): string {
  const values = new Map<string, Set<string>>()
  for (const [name, value] of posted) {
    const known = values.get(name)
    if (known) known.add(value)
    else values.set(name, new Set([value]))
  }
  return [...values.keys()]
    .sort()
    .flatMap((name) => [...values.get(name)!].sort().map((value) => name + value))
    .join('')
}

// Twilio signs the URL sometimes with its port and sometimes without; its own libraries accept both.

function withoutPort(url: string): string {
  return url.replace(authority, '$1')
}

function withPort(url: string): string {
  const port = authority.exec(url)?.[2] ?? (url.startsWith('https:') ? ':443' : ':80')
  return url.replace(authority, `$1${port}`)
}

const authority = /^(https?:\/\/(?:\[[^\]]*\]|[^/?#:[]+))(:\d+)?/
