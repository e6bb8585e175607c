/** The three calls around a code: send (0077), verify (0078) and update contact (0079). */

import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { changeContact } from '../../flows/change-contact.ts'
import { checkCode } from '../../flows/check-code.ts'
import { type RequestOutcome, requestCode } from '../../flows/request-code.ts'
import type { Services } from '../../flows/services.ts'
import { isNamedByCaller } from '../request-id.ts'
import { sendEmpty, sendRefusal } from './answer.ts'
import { authenticate, tokenIn } from './authenticate.ts'
import { actOf, type Contact, contactIn } from './contact.ts'
import type { Refusal } from './errors.ts'
import { localeOf } from './locale.ts'
import { type VerificationCodeBody, verificationCodeBody } from './parameters.ts'

type Call = FastifyRequest<{ Body: VerificationCodeBody }>

export const wrongCode: Refusal = { code: 'USG.206030001' }
export const emptyCode: Refusal = { code: 'USG.206010011' }

export function verificationCodeRoutes(app: FastifyInstance, services: Services): void {
  const schema = { body: verificationCodeBody }
  const path = '/v1/usg/dcs/member/verification-code'

  app.post<{ Body: VerificationCodeBody }>(
    path,
    { schema, onRequest: authenticate(services, 'send') },
    (request, reply) => {
      // The reference: the code "must be carried in the verification scenario".
      if (request.body.verificationCode) {
        const { calls } = services.policyOf(request.session.app)
        if (!calls.includes('verify')) return sendRefusal(request, reply, { code: 'USG.000000005' })
        return verify(request, reply, request.body.verificationCode)
      }
      return withContact(services, request, reply, async ({ address }) => {
        const locale = localeOf(request.headers['accept-language'])
        const outcome = await requestCode(services, actOf(services, request, address), locale)
        switch (outcome.kind) {
          case 'sent':
            return undefined
          case 'unreachable':
            return { code: 'USG.206030003' }
          case 'throttled':
            return refusedIssue(outcome)
        }
      })
    },
  )

  app.post<{ Body: VerificationCodeBody }>(
    `${path}/verify`,
    { schema, onRequest: authenticate(services, 'verify') },
    (request, reply) => {
      const entered = request.body.verificationCode
      return entered ? verify(request, reply, entered) : sendRefusal(request, reply, emptyCode)
    },
  )

  app.put<{ Body: VerificationCodeBody }>(
    '/v1/usg/dcs/member/contact',
    { schema, onRequest: authenticate(services, 'update-contact') },
    (request, reply) => {
      const entered = request.body.verificationCode
      if (!entered) return sendRefusal(request, reply, emptyCode)
      return withContact(services, request, reply, async ({ address, country }) => {
        const act = actOf(services, request, address)
        const locale = localeOf(request.headers['accept-language'])
        const outcome = await changeContact(services, act, entered, country, locale, fingerprintOf(request))
        switch (outcome.kind) {
          case 'changed':
            return undefined
          case 'refused':
            return wrongCode
          case 'unproven':
            return { code: 'USG.201040042' }
          case 'barred':
            return { code: 'USG.201040043', retryAfterMs: outcome.retryAfterMs }
          case 'bound':
            return { code: address.kind === 'phone' ? 'USG.206010065' : 'USG.206010066' }
          case 'throttled':
            return refusedSubmission(outcome)
        }
      })
    },
  )

  function verify(request: Call, reply: FastifyReply, entered: string): Promise<FastifyReply> {
    return withContact(services, request, reply, async ({ address }) => {
      const outcome = await checkCode(
        services,
        actOf(services, request, address),
        entered,
        fingerprintOf(request),
      )
      switch (outcome.kind) {
        case 'verified':
          return undefined
        case 'refused':
          return wrongCode
        case 'throttled':
          return refusedSubmission(outcome)
      }
    })
  }
}

/** Parses the contact, acts on it, and answers: success is empty, anything else a refusal. */
async function withContact(
  services: Services,
  request: Call,
  reply: FastifyReply,
  act: (contact: Contact) => Promise<Refusal | undefined>,
): Promise<FastifyReply> {
  const contact = contactIn(request.body, services.addressRules)
  const refusal = 'refusal' in contact ? contact.refusal : await act(contact)
  return refusal ? sendRefusal(request, reply, refusal) : sendEmpty(reply)
}

/**
 * The fingerprint of a call: equal only for the same token, request id, path and parameters. A call can be repeated only if
 * its caller names the request, because an id that the server makes is new every time.
 */
function fingerprintOf(request: Call): string | undefined {
  if (!isNamedByCaller(request)) return undefined
  const { contact, country, verificationCode } = request.body
  const parts = [tokenIn(request), request.id, request.url, contact, country, verificationCode]
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

type Throttled = Extract<RequestOutcome, { kind: 'throttled' }>

export function refusedIssue({ rule, retryAfterMs }: Throttled): Refusal {
  return { code: rule === 'gaps' ? 'USG.206030004' : 'USG.206060008', retryAfterMs }
}

export function refusedSubmission({ retryAfterMs }: Throttled): Refusal {
  return { code: 'USG.206030019', retryAfterMs }
}
