/**
 * The calls that the hosted page makes for the person before it. The token of the session in the path is all the right that
 * they have: no cookie and no key goes with them, so that no other page can make them in the person's name.
 */

import { maskAddress, parseAddress } from '../../address/address.ts'
import type { PowChallenge } from '../../flows/challenge.ts'
import {
  checkOnPage,
  findHosted,
  type Hosted,
  readOnPage,
  sendOnPage,
  solveOnPage,
  startOnPage,
} from '../../flows/hosted-page.ts'
import { regionsServed } from '../../flows/regions-served.ts'
import { returnUrlWith } from '../../flows/return-url.ts'
import type { Services } from '../../flows/services.ts'
import type { SendAgainOutcome, SolveOutcome } from '../../flows/verification-acts.ts'
import type { VerificationView } from '../../flows/verification-view.ts'
import type { Static } from '../../json-schema.ts'
import { addressProblem } from './address-problems.ts'
import { clientNetwork } from './client-network.ts'
import { invalidField } from './faults.ts'
import type { Problem } from './problems.ts'
import { type Call, type Outcome, route } from './route.ts'
import * as schemas from './session-schemas.ts'
import { challengeBody } from './verification-answers.ts'
import { mismatch, replayOf } from './verifications.ts'

const tag = 'Hosted page'
const path = '/public/sessions/{token}'

/** One for every reason: no session, one that is over, or nothing was started in it. */
const gone: Problem = { problem: 'not-found', detail: 'There is no such session, or it is over.' }

const stateRoute = route({
  operationId: 'readSession',
  method: 'GET',
  path,
  tag,
  summary: 'Read what the page of a session shows.',
  access: 'public',
  answers: { 200: { description: 'The session.', schema: schemas.pageSession } },
  problems: ['not-found'],
  async handle({ services }, call): Promise<Outcome> {
    const hosted = await hostedOf(services, call)
    if (!hosted) return gone
    return { status: 200, body: sessionBody(services, hosted, await readOnPage(services, hosted)) }
  },
})

const startRoute = route({
  operationId: 'startOnPage',
  method: 'POST',
  path: `${path}/start`,
  tag,
  summary: 'Send a code to the address that the person entered.',
  description:
    'Again for an address of before, it sends the same code again, or a new one if that has ended.',
  access: 'public',
  body: schemas.pageStartBody,
  answers: { 200: { description: 'A code is on its way.', schema: schemas.pageStarted } },
  problems: [
    'not-found',
    'state-conflict',
    'address-invalid',
    'address-unreachable',
    'rate-limited',
    'refused-by-guard',
  ],
  async handle({ services }, call): Promise<Outcome> {
    const hosted = await hostedOf(services, call)
    if (!hosted) return gone
    const wishes = { ...call.body, network: clientNetwork(services, hosted.holder.app, call.request) }
    const outcome = await startOnPage(services, hosted, wishes, call.once)
    switch (outcome.kind) {
      case 'started':
        return {
          status: 200,
          body: { token: outcome.token, verification: pageView(services, outcome) },
          ...replayOf(outcome),
        }
      case 'refused-by-guard':
        return {
          problem: 'refused-by-guard',
          detail: 'The guard refused it.',
          members: { explanation_id: outcome.explanation, alternatives: [] },
        }
      case 'outdated':
        return {
          problem: 'state-conflict',
          detail: 'The settings of the app have changed since the page was made. Make another one.',
          members: { state: 'outdated' },
        }
      case 'address-invalid':
        return outcome.reason === 'kind'
          ? addressProblem('not-valid')
          : addressProblem(outcome.reason, call.body.to, services.addressRules)
      case 'unreachable':
        return unreachable
      case 'throttled':
        return limited(outcome.retryAfterMs)
      case 'mismatch':
        return mismatch
    }
  },
})

const sendRoute = route({
  operationId: 'sendOnPage',
  method: 'POST',
  path: `${path}/send`,
  tag,
  summary: 'Send the code again, by the same channel or another.',
  access: 'public',
  body: schemas.pageSendBody,
  answers: { 202: { description: 'It is on its way.', schema: schemas.pageVerification } },
  problems: ['not-found', 'state-conflict', 'address-unreachable', 'rate-limited'],
  async handle({ services }, call): Promise<Outcome> {
    const hosted = await hostedOf(services, call)
    if (!hosted) return gone
    const { channel, next } = call.body
    const network = clientNetwork(services, hosted.holder.app, call.request)
    return sent(services, await sendOnPage(services, hosted, next ? 'next' : channel, network, call.once))
  },
})

const solveRoute = route({
  operationId: 'solveOnPage',
  method: 'POST',
  path: `${path}/challenge`,
  tag,
  summary: 'Hand in the solution of a challenge; then the code is sent.',
  access: 'public',
  body: schemas.pageSolutionBody,
  answers: { 202: { description: 'It is on its way.', schema: schemas.pageVerification } },
  problems: ['not-found', 'state-conflict', 'address-unreachable'],
  async handle({ services }, call): Promise<Outcome> {
    const hosted = await hostedOf(services, call)
    if (!hosted) return gone
    const outcome = await solveOnPage(services, hosted, call.body.solution, call.once)
    if (outcome.kind === 'unsolved')
      return invalidField('/solution', 'unsolved', 'It is no solution of this challenge.')
    return sent(services, outcome)
  },
})

const checkRoute = route({
  operationId: 'checkOnPage',
  method: 'POST',
  path: `${path}/check`,
  tag,
  summary: 'Check the code that the person entered.',
  access: 'public',
  body: schemas.pageCheckBody,
  answers: { 200: { description: 'Whether the code was right.', schema: schemas.pageCheckAnswer } },
  problems: ['not-found'],
  async handle({ services }, call): Promise<Outcome> {
    const hosted = await hostedOf(services, call)
    if (!hosted) return gone
    const network = clientNetwork(services, hosted.holder.app, call.request)
    const checked = await checkOnPage(services, hosted, call.body.code, network, call.once)
    if (!checked) return gone
    if (checked.kind === 'mismatch') return mismatch
    if (checked.kind === 'refused') return { status: 200, body: { result: 'refused' }, ...replayOf(checked) }
    const return_url = returnUrlWith(hosted.session.returnUrl, checked.result)
    return { status: 200, body: { result: 'verified', return_url }, ...replayOf(checked) }
  },
})

export const pageRoutes = [stateRoute, startRoute, sendRoute, solveRoute, checkRoute]

function hostedOf(services: Services, { params }: Pick<Call, 'params'>): Promise<Hosted | undefined> {
  return findHosted(services, params.token!)
}

function sent(
  services: Services,
  outcome: Exclude<SendAgainOutcome | SolveOutcome, { kind: 'unsolved' }>,
): Outcome {
  switch (outcome.kind) {
    case 'sent': {
      const { view, channel } = outcome
      return { status: 202, body: pageView(services, { view: { ...view, channel } }), ...replayOf(outcome) }
    }
    case 'conflict':
      return {
        problem: 'state-conflict',
        detail: 'No code can be sent in this state.',
        members: { state: pageState(outcome.view) },
      }
    case 'not-found':
      return gone
    case 'unreachable':
      return unreachable
    case 'throttled':
      return limited(outcome.retryAfterMs)
    case 'mismatch':
      return mismatch
  }
}

const unreachable: Problem = {
  problem: 'address-unreachable',
  detail: 'Nothing can be sent there.',
  members: { reason: 'no-route' },
}

/** Not by which limit: whether others asked for codes to the address is not this person's to know. */
function limited(retryAfterMs: number): Problem {
  return {
    problem: 'rate-limited',
    detail: 'Too many codes were asked for.',
    members: { limit: 'page' },
    retryAfterMs,
  }
}

type Read = { readonly view: VerificationView; readonly challenge?: PowChallenge }

function sessionBody(
  services: Services,
  { session, holder }: Hosted,
  read: Read | undefined,
): Static<typeof schemas.pageSession> {
  const { app } = holder
  const asksForNumber = session.asks === 'phone' || session.asks === 'either'
  return {
    app: app.name,
    asks: session.asks,
    to_masked: session.asks === 'none' ? maskOf(services, session.to!) : null,
    cancel_url: returnUrlWith(session.returnUrl, null),
    regions: asksForNumber
      ? regionsServed(services, app).map(({ region, callingCode }) => [region, callingCode])
      : [],
    expires_in_s: secondsUntil(services.clock.now(), session.expiresAt),
    verification: read ? pageView(services, read) : null,
  }
}

function maskOf({ addressRules }: Services, text: string): string | null {
  const parsed = parseAddress(text, addressRules)
  return parsed.kind === 'parsed' ? maskAddress(parsed.address) : null
}

/** Less than who made the session knows: why a verification ended is not told. */
function pageView(
  { clock }: Pick<Services, 'clock'>,
  { view, challenge }: Read,
): Static<typeof schemas.pageVerification> {
  const { toMasked, channel, codeLength, alphabet, expiresAt, next } = view
  return {
    state: pageState(view),
    to_masked: toMasked,
    channel,
    code_length: codeLength,
    alphabet,
    expires_in_s: secondsUntil(clock.now(), expiresAt),
    next: next && { send_after_s: Math.ceil(next.sendAfterMs / 1000), channels: [...next.channels] },
    ...(challenge && { challenge: challengeBody(challenge) }),
  }
}

function pageState({ state }: VerificationView) {
  switch (state) {
    case 'live':
    case 'held':
    case 'used':
    case 'expired':
      return state
    default:
      return 'ended'
  }
}

function secondsUntil(now: number, at: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000))
}
