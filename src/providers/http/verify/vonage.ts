/** Vonage's rule: a keyed hash over the fields of the call, each as `&name=value`, in the order of their names. */

import { createHmac } from 'node:crypto'
import type { Verifier } from './call.ts'
import { isEqual } from './equal.ts'
import { isRecent } from './recent.ts'

/** Vonage's "MD5 hash", with the secret at the end of the hashed text, is left out because it is no keyed hash. */
const algorithms = ['sha256', 'sha512', 'sha1', 'md5']

export const vonage: Verifier = (parameter) => {
  const [secret, algorithm] = [parameter('secret'), parameter('algorithm')]
  const canVerify = secret !== '' && algorithms.includes(algorithm)
  return ({ said: { document }, nowMs }) => {
    const { sig = '', ...fields } = fieldsOf(document)
    if (!canVerify || !isRecent(fields.timestamp ?? '', nowMs)) return false
    const names = Object.keys(fields).sort()
    // Replaced so that a value cannot look like another field.
    const text = names.map((name) => `&${name}=${fields[name]!.replace(/[&=]/g, '_')}`).join('')
    const expected = createHmac(algorithm, secret).update(text).digest('hex')
    return isEqual(sig.toLowerCase(), expected)
  }
}

function fieldsOf(document: unknown): Record<string, string> {
  const entries = typeof document === 'object' && document !== null ? Object.entries(document) : []
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]))
}
