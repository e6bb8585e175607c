/** The calls about verifications: start one, check a code. */

import type { Address } from '../../address/address.ts'
import { callerOf } from '../../flows/api-caller.ts'
import type { KeyHolder } from '../../flows/api-keys.ts'
import {
  type CheckVerificationOutcome,
  checkVerification,
  checkWithSecret,
} from '../../flows/check-verification.ts'
import { type DryRunOutcome, dryRun } from '../../flows/dry-run.ts'
import { proofOf } from '../../flows/proof-of.ts'
import type { ProofToken } from '../../flows/proof-token.ts'
import type { StartFault } from '../../flows/start-request.ts'
import { startVerification } from '../../flows/start-verification.ts'
import { idOfPublic } from '../../verification/public-id.ts'
import { unreachable } from './address-problems.ts'
import { clientNetwork } from './client-network.ts'
import { invalidField } from './faults.ts'
import { verificationId } from './fields.ts'
import { throttledProblem } from './limits.ts'
import { type Problem, secondsOf } from './problems.ts'
import { type NativeContext, type Outcome, route } from './route.ts'
import { startRequestOf } from './start-request.ts'
import { startBody } from './start-schemas.ts'
import {
  type Checked,
  challengeBody,
  checkBodyOf,
  dryRunBody,
  publicCheckBodyOf,
  verificationBody,
} from './verification-answers.ts'
import * as schemas from './verification-schemas.ts'

const tag = 'Verifications'
const params = { id: verificationId }

const startRoute = route({
  operationId: 'startVerification',
  method: 'POST',
  path: '/verifications',
  tag,
  summary: 'Start a verification: send a code to an address.',
  description:
    'While one is live for the same app, address, purpose and subject, its code is sent again; no second one begins. If the guard wants a challenge, the verification is `held`: nothing is sent until it is solved.',
  access: 'verifications:write',
  body: startBody,
  answers: {
    201: { description: 'A new verification.', schema: schemas.startedVerification },
    200: {
      description: 'The live one; or, with `dry_run`, what would be done.',
      schema: schemas.liveOrDryRun,
    },
  },
  problems: ['address-invalid', 'address-unreachable', 'rate-limited', 'refused-by-guard'],
  async handle({ services }, { holder, body, once }): Promise<Outcome> {
    const request = startRequestOf(body, holder, services.addressRules)
    if ('problem' in request) return request
    if (body.dry_run) return dryRunAnswer(await dryRun(services, callerOf(holder), request), request.to)
    const outcome = await startVerification(services, callerOf(holder), request, once)
    switch (outcome.kind) {
      case 'started': {
        const { view, secret } = outcome
        const body = { ...verificationBody(view), secret, sent: true }
        return { status: 201, body, ...replayOf(outcome) }
      }
      case 'live':
        return {
          status: 200,
          body: { ...verificationBody(outcome.view), sent: true },
          ...replayOf(outcome),
        }
      case 'kept': {
        const { view, retryAfterMs, secret } = outcome
        const retry = retryAfterMs === null ? {} : { retry_after_s: secondsOf(retryAfterMs) }
        const body = {
          ...verificationBody(view),
          ...(secret !== undefined && { secret }),
          sent: false,
          ...retry,
        }
        return { status: 200, body, ...replayOf(outcome) }
      }
      case 'held': {
        const { view, secret, challenge } = outcome
        const body = { ...verificationBody(view), secret, sent: false, challenge: challengeBody(challenge) }
        return { status: 201, body, ...replayOf(outcome) }
      }
      case 'refused-by-guard':
        return {
          problem: 'refused-by-guard',
          detail: 'The guard refused it.',
          members: {
            explanation_id: outcome.explanation,
            alternatives: [request.to.kind === 'phone' ? 'email' : 'sms'],
          },
        }
      case 'mismatch':
        return mismatch
      case 'unreachable':
        return unreachable(request.to)
      case 'invalid':
        return invalidStart(outcome)
      case 'throttled':
        return throttledProblem(outcome)
    }
  },
})

function dryRunAnswer(outcome: DryRunOutcome, to: Address): Outcome {
  switch (outcome.kind) {
    case 'dry-run':
      return { status: 200, body: dryRunBody(outcome) }
    case 'unreachable':
      return unreachable(to)
    case 'invalid':
      return invalidStart(outcome)
  }
}

const checkRoute = route({
  operationId: 'checkVerification',
  method: 'POST',
  path: '/verifications/{id}/check',
  tag,
  summary: 'Check a code that a person entered.',
  description:
    'A wrong code is no error: the answer is 200 with `"result": "refused"`. Repeated with the same Idempotency-Key after a lost answer, the answer is the same and no guess is spent.',
  access: 'verifications:write',
  params,
  body: schemas.checkBody,
  answers: { 200: { description: 'Whether the code was right.', schema: schemas.checkAnswer } },
  problems: ['not-found', 'state-conflict'],
  async handle(context, { holder, params, body, once }): Promise<Outcome> {
    const id = idOfPublic(params.id!)
    if (id === undefined) return notFound
    const outcome = await checkVerification(context.services, callerOf(holder), id, body.code, once)
    return checked(context, outcome, checkBodyOf)
  },
})

const publicCheckRoute = route({
  operationId: 'checkPublicly',
  method: 'POST',
  path: '/public/verifications/{id}/check',
  tag,
  summary: 'Check a code from a browser, without a key.',
  description:
    'For pages that were given the id and the `secret` of a verification, so that the code need not pass through your backend: it gets the proof instead.',
  access: 'public',
  params,
  body: schemas.publicCheckBody,
  answers: { 200: { description: 'Whether the code was right.', schema: schemas.publicCheckAnswer } },
  problems: ['not-found', 'state-conflict'],
  async handle(context, { request, params, body, once }): Promise<Outcome> {
    const id = idOfPublic(params.id!)
    if (id === undefined) return notFound
    const networkIn = (app: KeyHolder['app']) => clientNetwork(context.services, app, request)
    const outcome = await checkWithSecret(context.services, id, body.secret, body.code, once, networkIn)
    return checked(context, outcome, publicCheckBodyOf)
  },
})

function checked(
  { services }: NativeContext,
  outcome: CheckVerificationOutcome,
  bodyOf: (outcome: Checked, proof: ProofToken | null) => object,
): Outcome {
  switch (outcome.kind) {
    case 'verified': {
      const proof = proofOf(services, outcome.app, outcome.record, outcome.channel)
      return { status: 200, body: bodyOf(outcome, proof), ...replayOf(outcome) }
    }
    case 'refused':
      return { status: 200, body: bodyOf(outcome, null), ...replayOf(outcome) }
    case 'held':
      return {
        problem: 'state-conflict',
        detail: 'It waits for the solution of its challenge; no code was sent.',
        members: { state: 'held' },
      }
    case 'not-found':
      return notFound
    case 'mismatch':
      return mismatch
  }
}

export function invalidStart({ pointer, detail }: StartFault): Problem {
  return invalidField(pointer, 'range', `${detail}.`)
}

/** Whether the act was that of an earlier call. */
export function replayOf({ replayed }: { readonly replayed?: true }) {
  return replayed === undefined ? undefined : { isReplay: replayed }
}

export const verificationRoutes = [startRoute, checkRoute, publicCheckRoute]

export const notFound: Problem = {
  problem: 'not-found',
  detail: 'There is no such verification, or it is past its retention.',
}

export const mismatch: Problem = {
  problem: 'idempotency-mismatch',
  detail: 'This Idempotency-Key came before with another body.',
}
