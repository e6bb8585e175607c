/**
 * The key of the inbox: only whoever started the server, and read what it printed, sees the codes. A proxy on this
 * machine that adds nothing to what it passes on cannot be told from a program here, but its callers lack the key.
 */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { isSameSecret } from '../../code/constant-time.ts'
import { isBearer } from '../bearer.ts'

/**
 * Checks a request, and answers it if it may not go on: the address with the key puts the key into a cookie and leads to
 * the page without it, so that it stays in no history; everything else without the key is refused.
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

/** Browsers keep cookies by host and not by port: each server of this machine has one of its own. */
function cookieName({ socket }: FastifyRequest): string {
  return `countersign-inbox-${socket.localPort}`
}
