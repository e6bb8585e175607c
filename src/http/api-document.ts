/** The OpenAPI document of everything that callers call: the native API, and the wire of Huawei Cloud Meeting. */

import { newestApiVersion } from '../directory/api-key.ts'
import { wireOperations, wireSecuritySchemes, wireTag } from './huawei/operations.ts'
import { keySetOperation } from './key-set.ts'
import { answerHeaders, nativeOperations, securitySchemes } from './native/operations.ts'
import { nativeRoutes } from './native/routes.ts'
import { writeDocument } from './openapi.ts'

export function apiDocument(): Readonly<Record<string, unknown>> {
  const native = nativeOperations(nativeRoutes, '/v1')
  return writeDocument({
    info: {
      title: 'Countersign',
      version: newestApiVersion,
      description:
        'Proves who holds a phone number or an e-mail address, by one-time codes. Errors are problems by RFC 9457; every `type` is a page of the server.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    tags: [...new Set(native.map(({ tag }) => tag))]
      .map((name) => ({ name, description: tagWords[name] ?? '' }))
      .concat({ name: wireTag, description: tagWords[wireTag]! }),
    securitySchemes: { ...securitySchemes, ...wireSecuritySchemes },
    headers: answerHeaders,
    operations: [...native, keySetOperation, ...wireOperations()],
  })
}

const tagWords: Readonly<Record<string, string>> = {
  Verifications: 'One code’s life: start it, check what was entered, send it again, read what became of it.',
  Proofs: 'Signed statements that a verification succeeded, for programs that did not start it.',
  'Hosted page':
    'A page of this server on which a person verifies an address; your server learns the outcome once.',
  Limits: 'What is still allowed.',
  Problems: 'What each error means.',
  Document: 'This document.',
  [wireTag]: 'For programs that were written for the member API of Huawei Cloud Meeting; see docs/wire.md.',
}
