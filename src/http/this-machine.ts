/** Whether a request comes from a program on this machine, and not through a proxy here. */

import type { FastifyRequest } from 'fastify'
import { isLoopback } from '../network/loopback.ts'

/**
 * Headers that proxies add to requests they pass on: RFC 7239, RFC 9110 7.6.3, and the names that nginx, HAProxy, Apache,
 * Envoy, Traefik, Caddy and the large networks use.
 */
const marks =
  /^(?:forwarded|via|true-client-ip|x-(?:forwarded|original|real|client|cluster-client|envoy|proxy)\b.*|(?:cf|fastly|x-azure|x-amzn|x-appengine)-.*)$/

/**
 * A proxy on this machine that uses HTTP/1.1 and adds no header looks like a program of this machine. An operator with such
 * a proxy must name it in the settings (`behindProxy`), or restrict it to the paths of callers.
 */
export function isFromThisMachine({ socket, raw, headers }: FastifyRequest): boolean {
  if (!isLoopback(socket.remoteAddress ?? '')) return false
  // nginx uses HTTP/1.0 to servers by default. No browser, curl or Prometheus does.
  if (raw.httpVersion === '1.0') return false
  return !Object.keys(headers).some((name) => marks.test(name))
}
