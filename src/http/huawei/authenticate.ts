/** Finds the session of a request's access token, and checks whether its app may make this call. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import { isBarredByPassword } from '../../flows/log-in.ts'
import type { ApiCall } from '../../flows/policy.ts'
import { type Act, hasRight } from '../../flows/rights.ts'
import type { Services } from '../../flows/services.ts'
import type { Session } from '../../flows/sessions.ts'
import { sendRefusal } from './answer.ts'
import type { WireCode } from './errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by `authenticate`; only handlers after it may read it. */
    session: Session
    /** The deadline for the store, set by `authenticate`: a part of the time in which an answer is due. */
    waitedMs: number
  }
}

/** The token of a request. Old SDKs put it into `X-Auth-Token`. */
export function tokenIn(request: FastifyRequest): string | undefined {
  const token = request.headers['x-access-token'] ?? request.headers['x-auth-token']
  return typeof token === 'string' && token !== '' ? token : undefined
}

/**
 * An onRequest hook, so that no body is read before its sender is known.
 * @param isForTemporary  Whether a login by a temporary password may make the call.
 */
export function authenticate(services: Services, call: ApiCall, isForTemporary = false) {
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const refuse = (code: WireCode) => {
      sendRefusal(request, reply, { code })
    }
    const accept = (session: Session | undefined) => {
      if (!session) return refuse('USG.206020000')
      if (session.member.isDisabled) return refuse('USG.206010007')
      if (session.app.isDisabled || !services.policyOf(session.app).calls.includes(call))
        return refuse('USG.000000005')
      if (!isForTemporary && isBarredByPassword(session)) return refuse('USG.000000009')
      request.session = session
      done()
    }
    const token = tokenIn(request)
    if (token === undefined) {
      refuse('USG.206020000')
      return
    }
    // Most sessions are remembered, and then no promise and no turn of the event loop is needed.
    const found = services.sessions.find(token)
    if (found instanceof Promise) {
      const askedAt = performance.now()
      found.then((session) => {
        request.waitedMs = performance.now() - askedAt
        accept(session)
      }, done)
    } else accept(found)
  }
}

/** Hooks for a call that only some roles may make. */
export function authorize(services: Services, call: ApiCall, act: Act) {
  const permit = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    if (hasRight(request.session.member, act)) done()
    else sendRefusal(request, reply, { code: 'USG.000000008' })
  }
  return [authenticate(services, call), permit]
}
