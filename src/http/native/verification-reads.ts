/** The calls that read verifications: one by its id, and its timeline. */

import { callerOf } from '../../flows/api-caller.ts'
import { readTimeline, readVerification } from '../../flows/read-verification.ts'
import { idOfPublic } from '../../verification/public-id.ts'
import { type Outcome, route } from './route.ts'
import { challengeBody, timelineBody, verificationBody } from './verification-answers.ts'
import * as schemas from './verification-schemas.ts'
import { notFound } from './verifications.ts'

const tag = 'Verifications'
const params = { id: schemas.verificationId }

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
  answers: { 200: { description: 'Its steps and dispatches.', schema: schemas.timeline } },
  problems: ['not-found'],
  async handle({ services }, { holder, params }): Promise<Outcome> {
    const id = idOfPublic(params.id!)
    const timeline = id !== undefined && (await readTimeline(services, callerOf(holder), id))
    return timeline ? { status: 200, body: timelineBody(timeline) } : notFound
  },
})

export const verificationReadRoutes = [readRoute, timelineRoute]
