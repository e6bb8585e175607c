/**
 * The key of the inbox: only the person who started the server, and read its output, can see the codes. A proxy on this
 * machine that adds nothing to requests looks like a program here, but its callers do not have the key.
 */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { isSameSecret } from '../../code/constant-time.ts'
import { isBearer } from '../bearer.ts'

/**
 * Checks the key of a request. A URL with the key is answered with a cookie and a redirect to the page without the key, so
 * that no history keeps it. Any other request without the key is refused.
 * @returns Whether it was answered.
 */
export function isAnsweredForKey(request: FastifyRequest, reply: FastifyReply, key: string): boolean {
  const cookie = cookieName(request)
  const { searchParams, pathname } = new URL(request.url, 'http://localhost')
  const given = searchParams.get('key')
  if (given !== null && pathname === '/inbox' && isSameSecret(given, key)) {
    searchParams.delete('key')
    const rest = searchParams.size > 0 ? `?${searchParams}` : ''
    reply
      .header('set-cookie', `${cookie}=${key}; Path=/inbox; HttpOnly; SameSite=Strict`)
      .redirect(`/inbox${rest}`, 303)
    return true
  }
  if (isBearer(request.headers.authorization, key)) return false
  const kept = (request.headers.cookie ?? '')
    .split('; ')
    .find((one) => one.startsWith(`${cookie}=`))
    ?.slice(cookie.length + 1)
  if (kept !== undefined && isSameSecret(kept, key)) return false
  reply
    .code(403)
    .type('text/plain')
    .send(
      'The inbox has a key. Open the address that the server printed, or send "Authorization: Bearer KEY" with the key at its end.\n',
    )
  return true
}

/** Browsers keep cookies by host and not by port, so each server of this machine has a name of its own. */
function cookieName({ socket }: FastifyRequest): string {
  return `countersign-inbox-${socket.localPort}`
}
