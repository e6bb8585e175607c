/** Whose network a request is counted by: no header lifts a limit, or makes one network many. */

import type { FastifyRequest } from 'fastify'
import { readIpAddress } from '../network/ip-address.ts'
import { networkOf } from '../network/network.ts'
import { networksOf } from '../network/networks.ts'
import { onceForEach } from '../once-for-each.ts'

/**
 * For Fastify, which takes `X-Forwarded-For` from its right end: up to the first hop that is no trusted proxy.
 * @returns Whether the hop is one. Ours instead of Fastify's own because some proxies write ports behind addresses.
 */
export function trustOf(trustedProxies: readonly string[]): (hop: string) => boolean {
  const trusted = networksOf(trustedProxies)
  return (hop) => trusted.has(readIpAddress(hop) ?? '')
}

/** The client's address. If what a trusted proxy wrote is none, it is that of the connection. */
export function clientAddressOf(request: FastifyRequest): string {
  // Gone, if the connection is.
  return readIpAddress(request.ip ?? '') ?? readIpAddress(request.socket.remoteAddress ?? '') ?? 'unknown'
}

/**
 * The network that limits count a request by.
 * @param app.tellsClientIp  From where the app is believed in `X-Client-IP`. Of several addresses in it the last one
 *   counts, for that was written nearest to us. What it tells counts within this app alone: a careless or hostile app
 *   can use up nobody's limits elsewhere. Without an address that can be read it counts as if it told none.
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
