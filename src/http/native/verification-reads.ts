/** The calls that read verifications: one by its id, its timeline, and lists by subject, time and address. */

import { callerOf } from '../../flows/api-caller.ts'
import {
  listVerifications,
  searchVerifications,
  type VerificationList,
} from '../../flows/list-verifications.ts'
import { readTimeline, readVerification } from '../../flows/read-verification.ts'
import type { Static } from '../../json-schema.ts'
import { idOfPublic } from '../../verification/public-id.ts'
import { invalidField, invalidParameter } from './faults.ts'
import { verificationId } from './fields.ts'
import type { Problem } from './problems.ts'
import { type Outcome, route } from './route.ts'
import { addressIn } from './start-request.ts'
import { timeline } from './timeline-schemas.ts'
import { challengeBody, timelineBody, verificationBody } from './verification-answers.ts'
import * as schemas from './verification-schemas.ts'
import { notFound } from './verifications.ts'

const tag = 'Verifications'
const params = { id: verificationId }

const readRoute = route({
  operationId: 'readVerification',
  method: 'GET',
  path: '/verifications/{id}',
  tag,
  summary: 'Read a verification.',
  access: 'verifications:read',
  params,
  answers: { 200: { description: 'As it is now.', schema: schemas.verification } },
  problems: ['not-found'],
  async handle({ services }, { holder, params }): Promise<Outcome> {
    const id = idOfPublic(params.id!)
    const read = id !== undefined && (await readVerification(services, callerOf(holder), id))
    if (!read) return notFound
    const { view, challenge } = read
    return {
      status: 200,
      body: { ...verificationBody(view), ...(challenge && { challenge: challengeBody(challenge) }) },
    }
  },
})

const timelineRoute = route({
  operationId: 'readTimeline',
  method: 'GET',
  path: '/verifications/{id}/timeline',
  tag,
  summary: 'Read what became of a verification and its messages, step by step.',
  access: 'verifications:read',
  params,
  answers: { 200: { description: 'Its steps and dispatches.', schema: timeline } },
  problems: ['not-found'],
  async handle({ services }, { holder, params }): Promise<Outcome> {
    const id = idOfPublic(params.id!)
    const timeline = id !== undefined && (await readTimeline(services, callerOf(holder), id))
    return timeline ? { status: 200, body: timelineBody(timeline) } : notFound
  },
})

const listRoute = route({
  operationId: 'listVerifications',
  method: 'GET',
  path: '/verifications',
  tag,
  summary: 'List verifications by subject, state and time, newest first.',
  description: 'Never by address, which is in no URL: `search` is for that.',
  access: 'verifications:read',
  query: schemas.listQuery,
  answers: { 200: { description: 'A page.', schema: schemas.verificationPage } },
  problems: [],
  async handle({ services }, { holder, query }): Promise<Outcome> {
    const wanted = pageOf(query, services.clock.now(), invalidParameter)
    if ('problem' in wanted) return wanted
    const { subject } = query
    const list = await listVerifications(services, callerOf(holder), {
      ...wanted,
      ...(subject !== undefined && { subject }),
    })
    return list ? pageAnswer(list) : invalidParameter(...strangeCursor('cursor'))
  },
})

const searchRoute = route({
  operationId: 'searchVerifications',
  method: 'POST',
  path: '/verifications/search',
  tag,
  summary: 'Find the verifications of an address, newest first.',
  access: 'verifications:read',
  // It changes nothing, so it may be repeated without a key.
  isIdempotent: false,
  body: schemas.searchBody,
  answers: { 200: { description: 'A page.', schema: schemas.verificationPage } },
  problems: ['address-invalid', 'address-unreachable'],
  async handle({ services }, { holder, body }): Promise<Outcome> {
    const address = addressIn(body.to, services.addressRules)
    if ('problem' in address) return address
    const inBody: Invalid = (name, code, detail) => invalidField(`/${name}`, code, detail)
    const wanted = pageOf(body, services.clock.now(), inBody)
    if ('problem' in wanted) return wanted
    const list = await searchVerifications(services, callerOf(holder), address, wanted)
    return list ? pageAnswer(list) : inBody(...strangeCursor('cursor'))
  },
})

export const verificationReadRoutes = [readRoute, timelineRoute, listRoute, searchRoute]

type Paging = Omit<Static<typeof schemas.listQuery>, 'subject'>
type Invalid = (name: string, code: string, detail: string) => Problem

const strangeCursor = (name: string) => [name, 'cursor', 'It is the `next` of no page of this app.'] as const

const usualLookBackMs = 86_400_000
const usualMax = 20
const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i

function pageOf({ state, since, cursor, limit = usualMax }: Paging, now: number, invalid: Invalid) {
  const sinceMs =
    since === undefined ? now - usualLookBackMs : rfc3339.test(since) ? Date.parse(since) : Number.NaN
  if (!(sinceMs >= 0)) return invalid('since', 'format', 'It takes a time such as 2026-12-01T10:00:00Z.')
  return {
    sinceMs,
    max: limit,
    ...(state !== undefined && { state }),
    ...(cursor !== undefined && { cursor }),
  }
}

function pageAnswer({ views, next }: VerificationList): Outcome {
  return { status: 200, body: { verifications: views.map(verificationBody), next } }
}
