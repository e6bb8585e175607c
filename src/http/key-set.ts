/** `/.well-known/jwks.json`: the keys by which anyone verifies proofs, and that call's part of the document. */

import type { FastifyInstance } from 'fastify'
import type { Services } from '../flows/services.ts'
import { Type } from '../json-schema.ts'
import type { Operation } from './openapi.ts'

const path = '/.well-known/jwks.json'

const key = Type.Object(
  {
    kty: Type.String(),
    crv: Type.String(),
    x: Type.String(),
    y: Type.Optional(Type.String()),
    kid: Type.String({ description: 'Its thumbprint, RFC 7638.' }),
    alg: Type.String(),
    use: Type.Literal('sig'),
  },
  { title: 'ProofKey', description: 'A public key, RFC 7517.' },
)

export const keySetOperation: Operation = {
  operationId: 'readKeySet',
  method: 'GET',
  path,
  tag: 'Proofs',
  summary: 'The keys that sign proofs, as a JWK Set.',
  description:
    'May be kept for as long as `Cache-Control` allows, ten minutes. A new key is here for longer before it signs, and an old one for 48 hours after.',
  security: [],
  parameters: [],
  responses: {
    200: {
      description: 'The keys.',
      content: { 'application/json': [Type.Object({ keys: Type.Array(key) }, { title: 'ProofKeySet' })] },
      headers: ['X-Request-Id', 'Cache-Control'],
    },
  },
}

/** Pages of any origin may read it, because a proof may be verified anywhere. */
export async function keySetPage(
  app: FastifyInstance,
  { proofs, clock }: Pick<Services, 'proofs' | 'clock'>,
): Promise<void> {
  const headers = {
    'cache-control': `public, max-age=${proofs.keySetMaxAgeS}`,
    'access-control-allow-origin': '*',
    'content-type': 'application/json',
  }
  app.get(path, (_request, reply) => reply.headers(headers).send(JSON.stringify(proofs.keySet(clock.now()))))
}
