/** The network that a request is counted by. No header can lift a limit, or turn one network into many. */

import type { FastifyRequest } from 'fastify'
import { readIpAddress } from '../network/ip-address.ts'
import { networkOf } from '../network/network.ts'
import { networksOf } from '../network/networks.ts'
import { onceForEach } from '../once-for-each.ts'

/**
 * For Fastify, which reads `X-Forwarded-For` from its right end, up to the first hop that is no trusted proxy. Fastify's
 * own check does not know that some proxies write ports after addresses.
 * @returns A function: is the hop a trusted proxy?
 */
export function trustOf(trustedProxies: readonly string[]): (hop: string) => boolean {
  const trusted = networksOf(trustedProxies)
  return (hop) => trusted.has(readIpAddress(hop) ?? '')
}

/** The client's address; if a trusted proxy reports no valid one, the address of the connection. */
export function clientAddressOf(request: FastifyRequest): string {
  // The socket has no address once the connection is gone.
  return readIpAddress(request.ip ?? '') ?? readIpAddress(request.socket.remoteAddress ?? '') ?? 'unknown'
}

/**
 * The network that limits count a request by.
 * @param app.tellsClientIp  Networks from which the app's `X-Client-IP` is believed. If it has several addresses, the last
 *   one counts, which was added nearest to us. The address counts within this app alone, so that a careless or hostile app
 *   cannot use up limits elsewhere. A header without a readable address is ignored.
 */
export function networkOfClient(
  request: FastifyRequest,
  app: { readonly id: string; readonly tellsClientIp: readonly string[] },
): string {
  const own = clientAddressOf(request)
  const told = isBelieved(app.tellsClientIp, own) ? request.headers['x-client-ip'] : undefined
  const address = typeof told === 'string' ? readIpAddress(told.split(',').at(-1)!) : undefined
  return address === undefined ? networkOf(own) : `${app.id}/${networkOf(address)}`
}

/** Policies live as long as the settings and the records of apps. */
const compiled = onceForEach(networksOf)

function isBelieved(list: readonly string[], address: string): boolean {
  return list.length > 0 && compiled(list).has(address)
}
