/** A keyed hash of a text that the block composes from the call-back. */

import { createHmac } from 'node:crypto'
import type { Verification } from '../../../config/carriers/block-schema.ts'
import { createCompiler, type Values } from '../../../liquid.ts'
import { finderOf } from '../selectors.ts'
import type { Verify } from './call.ts'
import { isEqual } from './equal.ts'
import { isRecent } from './recent.ts'

export function hmac(rules: NonNullable<Verification['hmac']>, needs: Values): Verify {
  const { algorithm = 'sha256', encoding = 'hex', prefix = '', timestamp } = rules
  const compile = createCompiler()
  const key = compile(rules.key)(needs)
  const signature = finderOf(rules.signature)
  const finders = Object.entries(rules.values ?? {}).map(
    ([name, selector]) => [name, finderOf(selector)] as const,
  )
  const text = compile(rules.text)
  return ({ request, said, url, nowMs }) => {
    const found = Object.fromEntries(finders.map(([name, find]) => [name, find(said) ?? '']))
    if (key === '' || (timestamp !== undefined && !isRecent(found[timestamp] ?? '', nowMs))) return false
    const signed = text({ ...needs, ...found, url, body: request.body.toString('utf8') })
    const expected = createHmac(algorithm, key)
      .update(signed)
      .digest(encoding === 'base64' ? 'base64' : 'hex')
    return isEqual(signature(said) ?? '', prefix + expected)
  }
}
