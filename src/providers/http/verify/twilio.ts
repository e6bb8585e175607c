/** Twilio's rule: HMAC-SHA-1 over the URL it called and the fields it posted, in the order of their names. */

import { createHmac } from 'node:crypto'
import { type Pairs, parseForm } from '../../../outside.ts'
import { isEqual } from './equal.ts'
import type { Verifier } from './verifier.ts'

export const twilio: Verifier = (parameter) => {
  const token = parameter('token')
  return ({ request: { headers, body }, url }) => {
    const posted = parseForm(body.toString('utf8'))
    if (posted.kind === 'malformed') return false
    const fields = fieldsOf(posted.value)
    const given = headers['x-twilio-signature'] ?? ''
    const isSigned = (over: string) =>
      isEqual(given, createHmac('sha1', token).update(`${over}${fields}`).digest('base64'))
    return token !== '' && [withoutPort(url), withPort(url)].some(isSigned)
  }
}

/** By name, not by the text as a whole: a name may begin with another, such as `FromCity` and `From`. */
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

// Twilio signs the URL now with its port and now without; its own libraries take either.

function withoutPort(url: string): string {
  return url.replace(authority, '$1')
}

function withPort(url: string): string {
  const port = authority.exec(url)?.[2] ?? (url.startsWith('https:') ? ':443' : ':80')
  return url.replace(authority, `$1${port}`)
}

const authority = /^(https?:\/\/(?:\[[^\]]*\]|[^/?#:[]+))(:\d+)?/
