/** Recoveries, for administrators: a new contact for a member who lost the old one, after a wait. Calls of ours. */

import type { FastifyInstance } from 'fastify'
import { cancelRecovery, type RecoveryOutcome, startRecovery } from '../../flows/recovery.ts'
import type { Services } from '../../flows/services.ts'
import { administratorOf, noRight, noSuchMember } from './administration.ts'
import { sendEmpty, sendJson, sendRefusal } from './answer.ts'
import { authorize } from './authenticate.ts'
import { contactIn } from './contact.ts'
import {
  type AccountTypeQuery,
  type AdministratorBody,
  accountTypeQuery,
  administratorBody,
  namedBy,
  type RecoveryBody,
  recoveryBody,
} from './corp-parameters.ts'
import type { Refusal } from './errors.ts'
import { invalid } from './parameters.ts'

const path = '/v1/usg/dcs/member/contact/recovery'

export function recoveryRoutes(app: FastifyInstance, services: Services): void {
  const manage = { onRequest: authorize(services, 'manage-members', 'manage-members') }

  app.post<{ Body: RecoveryBody; Querystring: AccountTypeQuery }>(
    path,
    { ...manage, schema: { body: recoveryBody, querystring: accountTypeQuery } },
    async (request, reply) => {
      const { body, query } = request
      const contact = contactIn(body, services.addressRules)
      if ('refusal' in contact) return sendRefusal(request, reply, contact.refusal)
      const by = administratorOf(request)
      const outcome = await startRecovery(services, by, body.account, namedBy(query), contact)
      return outcome.kind === 'started'
        ? sendJson(reply, { effectiveTime: outcome.dueAt })
        : sendRefusal(request, reply, refusalOf(outcome.kind, contact.address.kind))
    },
  )

  app.post<{ Body: AdministratorBody; Querystring: AccountTypeQuery }>(
    `${path}/cancel`,
    { ...manage, schema: { body: administratorBody, querystring: accountTypeQuery } },
    async (request, reply) => {
      const { body, query } = request
      const { kind } = await cancelRecovery(services, administratorOf(request), body.account, namedBy(query))
      switch (kind) {
        case 'cancelled':
          return sendEmpty(reply)
        case 'none':
          return sendRefusal(request, reply, { code: 'USG.201040045' })
        default:
          return sendRefusal(request, reply, refusalOf(kind, 'phone'))
      }
    },
  )
}

const hasItAlready = invalid('contact', {
  'zh-CN': '该成员已在使用此联系方式',
  'en-US': 'the member has it already',
})

function refusalOf(kind: Exclude<RecoveryOutcome['kind'], 'started'>, contact: 'phone' | 'email'): Refusal {
  switch (kind) {
    case 'unknown':
      return noSuchMember
    case 'not-permitted':
      return noRight
    case 'pending':
      return { code: 'USG.201040044' }
    case 'unchanged':
      return hasItAlready
    case 'bound':
      return { code: contact === 'phone' ? 'USG.206010065' : 'USG.206010066' }
    case 'stale':
      return { code: 'USG.000000001', retryAfterMs: 1000 }
  }
}
