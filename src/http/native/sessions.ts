/** The calls of servers about sessions of the hosted page: make one, and redeem what it came to. */

import { makeSession, type NewHostedSession, redeemResult } from '../../flows/make-hosted-session.ts'
import { doOnce } from '../../flows/same-call.ts'
import type { Static } from '../../json-schema.ts'
import { addressProblem } from './address-problems.ts'
import { originOf } from './answer.ts'
import { invalidField } from './faults.ts'
import type { Problem } from './problems.ts'
import { type Outcome, route } from './route.ts'
import * as schemas from './session-schemas.ts'
import { stepsOf } from './start-request.ts'
import { timeOf, verificationBody } from './verification-answers.ts'
import { invalidStart, mismatch, replayOf } from './verifications.ts'

const tag = 'Hosted page'

const makeRoute = route({
  operationId: 'makeSession',
  method: 'POST',
  path: '/sessions',
  tag,
  summary: 'Make a page on which a person verifies an address.',
  description:
    'The person opens `url`, enters an address if you gave none, then the code, and comes back to `return_url` with a one-use `result`. A page may make sessions with a publishable key, for the person before it: then only `to`, `asks`, `locale` and `theme` are taken beside it, and `return_url` is of the origin of the page.',
  access: 'publishable',
  body: schemas.sessionBody,
  answers: { 201: { description: 'A new session.', schema: schemas.madeSession } },
  problems: ['address-invalid', 'address-unreachable'],
  async handle(context, { request, holder, body, once }): Promise<Outcome> {
    const isForPages = holder.key.kind === 'publishable'
    if (isForPages) for (const name of serverOnly) if (body[name] !== undefined) return onlyServers(name)
    const { to, asks = 'either', return_url, locale, theme = 'auto', ...rest } = body
    const {
      purpose,
      subject,
      holder: isHolder,
      channel,
      plan,
      code,
      template,
      values,
      metadata,
      audience,
      nonce,
      proof,
      test,
    } = rest
    if (isHolder && (to === undefined || subject === undefined))
      return invalidField('/holder', 'needs', 'It takes `to` and `subject`: the person who holds it.')
    if (test && !holder.key.isTest) return invalidField('/test', 'test-only', 'Only a test key may state it.')
    const wish: NewHostedSession = {
      to: to ?? null,
      asks: to === undefined ? asks : 'none',
      returnUrl: return_url,
      locale: locale ?? null,
      theme,
      wishes: {
        ...(purpose !== undefined && { purpose }),
        ...(subject !== undefined && { subject }),
        ...(isHolder !== undefined && { isHolder }),
        ...(channel !== undefined && { channel }),
        ...(plan && { plan: stepsOf(plan) }),
        ...(code && { code: codeOf(code) }),
        ...(template !== undefined && { template }),
        ...(values && { values }),
        ...(metadata && { metadata }),
        ...(audience !== undefined && { audience }),
        ...(nonce !== undefined && { nonce }),
        ...(proof !== undefined && { proof }),
        ...(test && { testRisk: test.risk }),
      },
    }
    const origins = isForPages ? [request.headers.origin ?? ''] : null
    const kept = await doOnce(
      context.services,
      once,
      () => makeSession(context.services, holder, wish, origins),
      ({ kind }) => kind === 'made',
    )
    if (kept.kind === 'mismatch') return mismatch
    const made = kept.result
    switch (made.kind) {
      case 'made': {
        const url = `${originOf(context, request)}/verify/${made.token}`
        return {
          status: 201,
          body: { id: made.id, url, expires_at: timeOf(made.expiresAt) },
          ...replayOf(kept),
        }
      }
      case 'return-url-not-listed':
        return invalidField('/return_url', 'listed', 'It is not among the app’s policy.pages.returnUrls.')
      case 'address-invalid':
        return addressProblem(made.reason, to, context.services.addressRules)
      case 'invalid':
        return invalidStart(made)
    }
  },
})

const serverOnly = [
  ...([
    'subject',
    'holder',
    'channel',
    'plan',
    'purpose',
    'code',
    'template',
    'values',
    'metadata',
    'audience',
    'nonce',
  ] as const),
  ...(['proof', 'test'] as const),
]

function codeOf({ length, life_s, alphabet }: NonNullable<Static<typeof schemas.sessionBody>['code']>) {
  return {
    ...(length !== undefined && { length }),
    ...(life_s !== undefined && { lifetimeMs: life_s * 1000 }),
    ...(alphabet !== undefined && { alphabet }),
  }
}

/** Whoever reads the page's source has its key, and could speak for another person. */
function onlyServers(name: string): Problem {
  return invalidField(`/${name}`, 'server-only', 'Only a server key may state it.')
}

const redeemRoute = route({
  operationId: 'redeemResult',
  method: 'POST',
  path: '/sessions/redeem',
  tag,
  summary: 'Redeem the result with which a person came back.',
  description:
    'It works once: of any number of callers one gets the answer, and a repetition with the same Idempotency-Key gets it again. Let the person in only if `session` is the one that you made for them, because a link with somebody else’s result can be sent to anyone.',
  access: 'verifications:write',
  body: schemas.redeemBody,
  answers: { 200: { description: 'What was verified.', schema: schemas.redeemedResult } },
  problems: ['not-found', 'state-conflict'],
  async handle({ services }, { holder, body, once }): Promise<Outcome> {
    const outcome = await redeemResult(services, holder, body.result, once)
    switch (outcome.kind) {
      case 'redeemed': {
        const { session, view, proof } = outcome
        return {
          status: 200,
          body: {
            session,
            verification: verificationBody(view),
            ...(proof && { proof: proof.proof, proof_expires_at: timeOf(proof.expiresAt) }),
          },
          ...replayOf(outcome),
        }
      }
      case 'mismatch':
        return mismatch
      case 'redeemed-before':
        return {
          problem: 'state-conflict',
          detail: 'The result was redeemed before.',
          members: { state: 'redeemed' },
        }
      case 'not-found':
        return { problem: 'not-found', detail: 'There is no such result, or it is too old.' }
    }
  },
})

export const sessionRoutes = [makeRoute, redeemRoute]
