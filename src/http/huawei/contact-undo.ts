/** Undoing a change of a contact: a code to the old contact, and the undo by it. Calls of ours, without a login. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { inSteps } from '../../flows/equal-steps.ts'
import type { Services } from '../../flows/services.ts'
import { confirmUndo, requestUndo, type UndoRequest } from '../../flows/undo-contact.ts'
import { networkOf } from '../../network/network.ts'
import { clientAddressOf } from '../client-address.ts'
import { sendEmpty, sendRefusal } from './answer.ts'
import { contactIn } from './contact.ts'
import type { Refusal } from './errors.ts'
import { localeOf } from './locale.ts'
import { type UndoBody as Body, undoBody } from './parameters.ts'
import { emptyCode, refusedIssue, refusedSubmission, wrongCode } from './verification-code.ts'

/**
 * Answers come at multiples of this after the request, so that their time shows neither whether anybody had the contact
 * nor whether a message was queued.
 */
const answerStepMs = 50

export function contactUndoRoutes(app: FastifyInstance, services: Services): void {
  const path = '/v1/usg/dcs/member/contact/undo'
  const schema = { body: undoBody }

  app.post<{ Body: Body }>(path, { schema }, async (request, reply) => {
    const refusal = await inSteps(answerStepMs, () =>
      withContact(request, async (undo): Promise<Refusal | undefined> => {
        const outcome = await requestUndo(services, undo)
        return outcome.kind === 'throttled' ? refusedIssue(outcome) : undefined
      }),
    )
    return refusal ? sendRefusal(request, reply, refusal) : sendEmpty(reply)
  })

  app.post<{ Body: Body }>(`${path}/verify`, { schema }, async (request, reply) => {
    const entered = request.body.verificationCode
    if (!entered) return sendRefusal(request, reply, emptyCode)
    const refusal = await inSteps(answerStepMs, () =>
      withContact(request, async (undo): Promise<Refusal | undefined> => {
        const outcome = await confirmUndo(services, undo, entered)
        switch (outcome.kind) {
          case 'undone':
          case 'stopped':
            return undefined
          case 'refused':
            return wrongCode
          case 'bound':
            return { code: undo.address.kind === 'phone' ? 'USG.206010065' : 'USG.206010066' }
          case 'throttled':
            return refusedSubmission(outcome)
        }
      }),
    )
    return refusal ? sendRefusal(request, reply, refusal) : sendEmpty(reply)
  })

  async function withContact(
    request: FastifyRequest<{ Body: Body }>,
    act: (undo: UndoRequest) => Promise<Refusal | undefined>,
  ): Promise<Refusal | undefined> {
    const contact = contactIn(request.body, services.addressRules)
    if ('refusal' in contact) return contact.refusal
    return act({
      address: contact.address,
      reference: request.body.reference ?? undefined,
      network: networkOf(clientAddressOf(request)),
      locale: localeOf(request.headers['accept-language']),
    })
  }
}
