/**
 * The calls that the hosted page makes for the person before it. The token of the session in the path is all the right that
 * they have: no cookie and no key goes with them, so that no other page can make them in the person's name.
 */

import { maskAddress, parseAddress } from '../../address/address.ts'
import { checkOnPage, findHosted, type Hosted, startOnPage, viewOnPage } from '../../flows/hosted-page.ts'
import { regionsServed } from '../../flows/regions-served.ts'
import { returnUrlWith } from '../../flows/return-url.ts'
import type { Services } from '../../flows/services.ts'
import type { VerificationView } from '../../flows/verification-view.ts'
import type { Static } from '../../json-schema.ts'
import { networkOfClient } from '../client-address.ts'
import { addressProblem } from './address-problems.ts'
import type { Problem } from './problems.ts'
import { type Call, type Outcome, route } from './route.ts'
import * as schemas from './session-schemas.ts'

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
    const view = await viewOnPage(services, hosted)
    return { status: 200, body: sessionBody(services, hosted, view) }
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
  problems: ['not-found', 'address-invalid', 'address-unreachable', 'rate-limited'],
  async handle({ services }, call): Promise<Outcome> {
    const hosted = await hostedOf(services, call)
    if (!hosted) return gone
    const { request, body } = call
    const { app } = hosted.holder
    const { tellsClientIp } = services.policyOf(app)
    const outcome = await startOnPage(services, hosted, {
      ...body,
      network: networkOfClient(request, { id: app.id, tellsClientIp }),
    })
    switch (outcome.kind) {
      case 'started': {
        const { token, view } = outcome
        return { status: 200, body: { token, verification: pageView(services, app, view) } }
      }
      case 'address-invalid':
        return addressProblem(outcome.reason === 'kind' ? 'not-valid' : outcome.reason)
      case 'unreachable':
        return {
          problem: 'address-unreachable',
          detail: 'Nothing can be sent there.',
          members: { reason: 'no-route' },
        }
      case 'throttled':
        // Not by which limit: whether others asked for codes to the address is not this person's to know.
        return {
          problem: 'rate-limited',
          detail: 'Too many codes were asked for.',
          members: { limit: 'page' },
          retryAfterMs: outcome.retryAfterMs,
        }
    }
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
    const checked = hosted && (await checkOnPage(services, hosted, call.body.code))
    if (!checked) return gone
    if (checked.kind === 'refused') return { status: 200, body: { result: 'refused' } }
    const return_url = returnUrlWith(hosted.session.returnUrl, checked.result)
    return { status: 200, body: { result: 'verified', return_url } }
  },
})

export const pageRoutes = [stateRoute, startRoute, checkRoute]

function hostedOf(services: Services, { params }: Pick<Call, 'params'>): Promise<Hosted | undefined> {
  return findHosted(services, params.token!)
}

function sessionBody(
  services: Services,
  { session, holder }: Hosted,
  view: VerificationView | undefined,
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
    expires_in_s: secondsUntil(services, session.expiresAt),
    verification: view ? pageView(services, app, view) : null,
  }
}

function maskOf({ addressRules }: Services, text: string): string | null {
  const parsed = parseAddress(text, addressRules)
  return parsed.kind === 'parsed' ? maskAddress(parsed.address) : null
}

/** Less than who made the session knows: why a verification ended is not told. */
function pageView(
  services: Services,
  app: Hosted['holder']['app'],
  view: VerificationView,
): Static<typeof schemas.pageVerification> {
  const { toMasked, channel, codeLength, createdAt, expiresAt } = view
  // The first gap; where a longer one holds by now, the call answers with what is left of it.
  const [gapMs = 0] = services.hasLimits ? services.policyOf(app).limits.issues.address.gapsMs : []
  return {
    state: pageState(view),
    to_masked: toMasked,
    channel,
    code_length: codeLength,
    alphabet: 'digits',
    expires_in_s: secondsUntil(services, expiresAt),
    next: { send_after_s: secondsUntil(services, createdAt + gapMs) },
  }
}

function pageState({ state, submissionsLeft }: VerificationView) {
  switch (state) {
    case 'live':
      // The submission after the last one is refused, whatever it is.
      return submissionsLeft > 0 ? 'live' : 'ended'
    case 'held':
    case 'used':
    case 'expired':
      return state
    default:
      return 'ended'
  }
}

function secondsUntil({ clock }: Services, at: number): number {
  return Math.max(0, Math.ceil((at - clock.now()) / 1000))
}
