/** The network of the person who makes a public call, as the limits of an app count it. */

import type { FastifyRequest } from 'fastify'
import type { KeyHolder } from '../../flows/api-keys.ts'
import type { Services } from '../../flows/services.ts'
import { networkOfClient } from '../client-address.ts'

/** @returns See `networkOfClient`. */
export function clientNetwork(
  { policyOf }: Pick<Services, 'policyOf'>,
  app: KeyHolder['app'],
  request: FastifyRequest,
): string {
  return networkOfClient(request, { id: app.id, tellsClientIp: policyOf(app).tellsClientIp })
}
