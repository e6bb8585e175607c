/** Passwords of those who are logged in: a member changes its own, an administrator resets that of another (contract, section 1). */

import type { FastifyInstance } from 'fastify'
import {
  changePassword,
  type PasswordChangeOutcome,
  type ResetOutcome,
  resetPassword,
} from '../../flows/passwords.ts'
import type { Services } from '../../flows/services.ts'
import { networkOf } from '../../network/network.ts'
import { clientAddressOf } from '../client-address.ts'
import { administratorOf, noRight, noSuchMember } from './administration.ts'
import { sendEmpty, sendRefusal } from './answer.ts'
import { authenticate, authorize } from './authenticate.ts'
import type { Refusal } from './errors.ts'
import { localeOf } from './locale.ts'
import { invalid } from './parameters.ts'
import {
  type AccountOfPassword,
  type ChangedPasswordBody,
  changedPasswordBody,
  resetAccountBody,
} from './password-parameters.ts'

export function passwordRoutes(app: FastifyInstance, services: Services): void {
  app.put<{ Body: ChangedPasswordBody }>(
    '/v1/usg/acs/password',
    { schema: { body: changedPasswordBody }, onRequest: authenticate(services, 'passwords', true) },
    async (request, reply) => {
      const { account, oldPwd, newPwd } = request.body
      const outcome = await changePassword(services, request.session, {
        account,
        oldPassword: oldPwd,
        newPassword: newPwd,
        network: networkOf(clientAddressOf(request)),
        locale: localeOf(request.headers['accept-language']),
      })
      return outcome.kind === 'changed'
        ? sendEmpty(reply)
        : sendRefusal(request, reply, refusedChange(outcome))
    },
  )

  app.put<{ Body: AccountOfPassword }>(
    '/v1/usg/acs/password/admin/reset',
    {
      schema: { body: resetAccountBody },
      onRequest: authorize(services, 'manage-members', 'manage-members'),
    },
    async (request, reply) => {
      const outcome = await resetPassword(services, administratorOf(request), request.body.account, 'account')
      return outcome.kind === 'sent' ? sendEmpty(reply) : sendRefusal(request, reply, refusedReset(outcome))
    },
  )
}

export const busy: Refusal = { code: 'USG.000000001', retryAfterMs: 1000 }
export const weakPassword: Refusal = { code: 'USG.201040016' }

function refusedChange(outcome: Exclude<PasswordChangeOutcome, { kind: 'changed' }>): Refusal {
  switch (outcome.kind) {
    case 'not-own':
      return invalid('account', {
        'zh-CN': '应为当前登录用户的帐号',
        'en-US': 'it must be the account that is logged in',
      })
    case 'weak-password':
      return weakPassword
    case 'same-password':
      return invalid('newPwd', {
        'zh-CN': '不能与旧密码相同',
        'en-US': 'it must be another than the old password',
      })
    case 'wrong':
      // Not its usual 401: a client would take its token for ended, log in again and repeat the call.
      return { code: 'USG.206010000', status: 400 }
    case 'locked':
      return { code: 'USG.206030015', retryAfterMs: outcome.retryAfterMs }
    case 'busy':
      return busy
  }
}

function refusedReset(outcome: Exclude<ResetOutcome, { kind: 'sent' }>): Refusal {
  switch (outcome.kind) {
    case 'unknown':
      return noSuchMember
    case 'not-permitted':
      return noRight
    case 'unreachable':
      return { code: 'USG.206030003' }
    case 'throttled':
      return { code: 'USG.206060008', retryAfterMs: outcome.retryAfterMs }
    case 'busy':
      return busy
    case 'taken':
      return invalid('account', {
        'zh-CN': '其他企业的成员已使用该帐号登录',
        'en-US': 'a member of another enterprise logs in by it',
      })
  }
}
