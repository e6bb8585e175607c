/** Finds who has the key of a request, and checks what the key may do and which behaviour it gets. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  type ApiKey,
  type ApiKeyScope,
  type ApiVersion,
  apiVersions,
  liveScopes,
  newestApiVersion,
} from '../../directory/api-key.ts'
import type { KeyHolder } from '../../flows/api-keys.ts'
import { networksOf } from '../../network/networks.ts'
import { onceForEach } from '../../once-for-each.ts'
import { clientAddressOf } from '../client-address.ts'
import { sendProblem } from './answer.ts'
import { invalidParameter } from './faults.ts'
import type { TellLimits } from './limits.ts'
import type { Problem } from './problems.ts'
import type { Access, NativeContext } from './route.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for calls of the native API that need a key. */
    holder: KeyHolder
    apiVersion: ApiVersion
  }
}

/** One for every reason, so that nobody learns from it which keys exist. */
const unauthenticated: Problem = {
  problem: 'unauthenticated',
  detail: 'Send "Authorization: Bearer KEY" with a key of this server that is in force.',
  headers: { 'www-authenticate': 'Bearer' },
}

/** An onRequest hook, so that no body is read before its sender is known. */
export function authenticate(context: NativeContext, access: Access, tellLimits: TellLimits) {
  const { apiKeys } = context.services
  return (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void): void => {
    const refuse = (problem: Problem) => {
      sendProblem(context, request, reply, problem)
    }
    const accept = (holder: KeyHolder | undefined) => {
      const problem = holder ? refusalOf(holder, access, request) : unauthenticated
      if (problem) return refuse(problem)
      const version = versionOf(request, holder!.key.version)
      if (version === undefined) return refuse(unknownVersion)
      reply.header('countersign-version', version)
      tellLimits(reply, holder!)
      request.holder = holder!
      request.apiVersion = version
      done()
    }
    const secret = secretIn(request.headers.authorization)
    if (secret === undefined) {
      refuse(unauthenticated)
      return
    }
    // Most keys are remembered, and then no promise and no turn of the event loop is needed.
    const found = apiKeys.find(secret)
    if (found instanceof Promise) {
      const askedAt = performance.now()
      found.then((holder) => {
        request.waitedMs = performance.now() - askedAt
        accept(holder)
      }, done)
    } else accept(found)
  }
}

/** The hook of calls without a key, which get the newest behaviour unless they name another. */
export function withoutKey(context: NativeContext) {
  return (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const version = versionOf(request, newestApiVersion)
    if (version === undefined) {
      sendProblem(context, request, reply, unknownVersion)
      return
    }
    reply.header('countersign-version', version)
    request.apiVersion = version
    done()
  }
}

function secretIn(authorization: string | undefined): string | undefined {
  return authorization?.startsWith('Bearer ') ? authorization.slice('Bearer '.length).trim() : undefined
}

function refusalOf({ key }: KeyHolder, access: Access, request: FastifyRequest): Problem | undefined {
  if (key.networks.length > 0 && !compiled(key.networks).has(clientAddressOf(request))) return unauthenticated
  if (key.kind === 'publishable') {
    if (access !== 'publishable')
      return forbidden(access, 'A publishable key may only begin sessions. Use a server key.')
    // A page cannot say that it is another: browsers set this header.
    return key.origins.includes(request.headers.origin ?? '')
      ? undefined
      : forbidden('verifications:write', 'The key may not be used by pages of this origin.')
  }
  return lackOf(key, access === 'publishable' || access === 'public' ? 'verifications:write' : access)
}

/** The problem of a call that the key lacks the scope for, if it does. */
export function lackOf(key: ApiKey, scope: ApiKeyScope): Problem | undefined {
  // Keys of before may have such a scope.
  if (key.isTest && liveScopes.includes(scope))
    return forbidden(scope, `A test key may not use the scope ${scope}. Use a live key.`)
  return key.scopes.includes(scope) ? undefined : forbidden(scope, `The key lacks the scope ${scope}.`)
}

const forbidden = (scope: string, detail: string): Problem => ({
  problem: 'forbidden',
  detail,
  members: { scope },
})

/** Lists live as long as their keys are remembered. */
const compiled = onceForEach(networksOf)

const unknownVersion = invalidParameter(
  'Countersign-Version',
  'enum',
  `It takes one of ${apiVersions.join(', ')}.`,
)

function versionOf(request: FastifyRequest, byDefault: ApiVersion): ApiVersion | undefined {
  const given = request.headers['countersign-version']
  return given === undefined ? byDefault : apiVersions.find((version) => version === given)
}
