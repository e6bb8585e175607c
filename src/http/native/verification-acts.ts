/** The calls that act on a verification: send again, hand in a solution, cancel. */

import { callerOf } from '../../flows/api-caller.ts'
import {
  cancelVerification,
  type SendAgainOutcome,
  type SendNextOutcome,
  type SolveOutcome,
  sendAgain,
  sendNext,
  solveChallenge,
} from '../../flows/verification-acts.ts'
import type { VerificationView } from '../../flows/verification-view.ts'
import { idOfPublic } from '../../verification/public-id.ts'
import { invalidField } from './faults.ts'
import { verificationId } from './fields.ts'
import { throttledProblem } from './limits.ts'
import type { Problem } from './problems.ts'
import { type Outcome, route } from './route.ts'
import { verificationBody } from './verification-answers.ts'
import * as schemas from './verification-schemas.ts'
import { mismatch, notFound, replayOf } from './verifications.ts'

const tag = 'Verifications'
const params = { id: verificationId }

const sendRoute = route({
  operationId: 'sendAgain',
  method: 'POST',
  path: '/verifications/{id}/send',
  tag,
  summary: 'Send the code of a live verification again, by the same channel or another one.',
  description:
    'The code and its end stay the same. It counts in all limits of a start, but for the next step of a plan.',
  access: 'verifications:write',
  params,
  body: schemas.sendBody,
  answers: { 202: { description: 'The message is on its way.', schema: schemas.sentVerification } },
  problems: ['not-found', 'state-conflict', 'address-unreachable', 'rate-limited'],
  async handle({ services }, { holder, params, body, once }): Promise<Outcome> {
    const id = idOfPublic(params.id!)
    if (id === undefined) return notFound
    if (body.next) {
      if (body.channel !== undefined)
        return invalidField('/next', 'exclusive', 'It stands without a channel.')
      const outcome = await sendNext(services, callerOf(holder), id, once)
      return outcome.kind === 'no-next' ? noNext : sent(outcome)
    }
    return sent(await sendAgain(services, callerOf(holder), id, body.channel, once))
  },
})

const challengeRoute = route({
  operationId: 'solveChallenge',
  method: 'POST',
  path: '/verifications/{id}/challenge',
  tag,
  summary: 'Hand in the solution of a held verification’s challenge; then its code is sent.',
  description: 'Ten minutes are given for it. The life of the code begins with the solution.',
  access: 'verifications:write',
  params,
  body: schemas.challengeSolution,
  answers: { 202: { description: 'The message is on its way.', schema: schemas.sentVerification } },
  problems: ['not-found', 'state-conflict', 'address-unreachable'],
  async handle({ services }, { holder, params, body, once }): Promise<Outcome> {
    const id = idOfPublic(params.id!)
    if (id === undefined) return notFound
    const outcome = await solveChallenge(services, callerOf(holder), id, body.solution, once)
    return outcome.kind === 'unsolved'
      ? invalidField('/solution', 'unsolved', 'It is no solution of this challenge.')
      : sent(outcome)
  },
})

const cancelRoute = route({
  operationId: 'cancelVerification',
  method: 'POST',
  path: '/verifications/{id}/cancel',
  tag,
  summary: 'End a verification unused.',
  description: 'Its code is refused from now on, and messages that were not handed over yet are not sent.',
  access: 'verifications:write',
  params,
  body: schemas.noFields,
  answers: { 200: { description: 'It is cancelled.', schema: schemas.verification } },
  problems: ['not-found', 'state-conflict'],
  async handle({ services }, { holder, params, once }): Promise<Outcome> {
    const id = idOfPublic(params.id!)
    if (id === undefined) return notFound
    const outcome = await cancelVerification(services, callerOf(holder), id, once)
    switch (outcome.kind) {
      case 'cancelled':
        return { status: 200, body: verificationBody(outcome.view), ...replayOf(outcome) }
      case 'conflict':
        return conflict(outcome.view)
      case 'not-found':
        return notFound
      case 'mismatch':
        return mismatch
    }
  },
})

export const verificationActRoutes = [sendRoute, challengeRoute, cancelRoute]

type SentOutcome =
  | SendAgainOutcome
  | Exclude<SendNextOutcome, { kind: 'no-next' }>
  | Exclude<SolveOutcome, { kind: 'unsolved' }>

function sent(outcome: SentOutcome): Outcome {
  switch (outcome.kind) {
    case 'sent':
      return {
        status: 202,
        body: { ...verificationBody(outcome.view), sent_by: outcome.channel },
        ...replayOf(outcome),
      }
    case 'unreachable':
      return unreachableNow
    case 'conflict':
      return conflict(outcome.view)
    case 'not-found':
      return notFound
    case 'mismatch':
      return mismatch
    case 'throttled':
      return throttledProblem(outcome)
  }
}

const noNext: Problem = {
  problem: 'state-conflict',
  detail: 'No step of a plan waits.',
  members: { state: 'live' },
}

const unreachableNow: Problem = {
  problem: 'address-unreachable',
  detail: 'No carrier serves the address by this channel.',
  members: { reason: 'no-route' },
}

function conflict({ state }: VerificationView): Problem {
  return { problem: 'state-conflict', detail: `The verification is ${state}.`, members: { state } }
}
