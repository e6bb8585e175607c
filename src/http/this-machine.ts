/** Whether a request comes from a program on this machine, and passes nobody else's on. */

import type { FastifyRequest } from 'fastify'
import { isLoopback } from '../network/loopback.ts'

/**
 * What proxies add for whom they pass on: RFC 7239, RFC 9110 7.6.3, and the names that nginx, HAProxy, Apache, Envoy,
 * Traefik, Caddy and the large networks use.
 */
const marks =
  /^(?:forwarded|via|true-client-ip|x-(?:forwarded|original|real|client|cluster-client|envoy|proxy)\b.*|(?:cf|fastly|x-azure|x-amzn|x-appengine)-.*)$/

/**
 * A proxy on this machine that passes requests on by HTTP/1.1 and adds nothing to them cannot be told from a program
 * of this machine: who puts one in front names it in the settings (`behindProxy`), or keeps it to the paths of callers.
 */
export function isFromThisMachine({ socket, raw, headers }: FastifyRequest): boolean {
  if (!isLoopback(socket.remoteAddress ?? '')) return false
  // As nginx speaks to servers unless it is set to do otherwise. No browser, curl or Prometheus does.
  if (raw.httpVersion === '1.0') return false
  return !Object.keys(headers).some((name) => marks.test(name))
}
