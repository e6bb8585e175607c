/** Logging in and what follows: App ID (0311) and account (0306) logins, refresh, validate, logout. */

import { isUtf8 } from 'node:buffer'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { accountLogIn } from '../../flows/account-login.ts'
import { appLogIn } from '../../flows/app-login.ts'
import { isBarredByPassword, type LoginOutcome } from '../../flows/log-in.ts'
import type { Services } from '../../flows/services.ts'
import type { Session } from '../../flows/sessions.ts'
import { logOut, refreshLogin, validateToken } from '../../flows/tokens.ts'
import { networkOf } from '../../network/network.ts'
import { clientAddressOf } from '../client-address.ts'
import { sendEmpty, sendJson, sendRefusal } from './answer.ts'
import type { tokenFields, userFields } from './answer-fields.ts'
import { tokenIn } from './authenticate.ts'
import type { Refusal, WireCode } from './errors.ts'
import type { AnswerOf } from './member-fields.ts'
import { adminType, thirdAccount } from './member-object.ts'
import {
  type AccountBody,
  type AppAuthBody,
  accountBody,
  appAuthBody,
  invalid,
  type ValidateBody,
  validateBody,
} from './parameters.ts'

const signatureHeader = /^HMAC-SHA256 signature=([0-9A-Fa-f]{64})(?:,\s*access=([A-Za-z0-9+/=]+))?$/
const basicHeader = /^Basic ([A-Za-z0-9+/=]+)$/i

export function loginRoutes(app: FastifyInstance, services: Services): void {
  app.post<{ Body: AppAuthBody }>(
    '/v2/usg/acs/auth/appauth',
    { schema: { body: appAuthBody } },
    async (request, reply) => {
      const { body } = request
      const header = signatureHeader.exec(request.headers.authorization ?? '')
      if (!header) return sendRefusal(request, reply, { code: 'USG.206010025' })
      const [, signature = '', access] = header
      // The SDKs omit it. If it is there, it must agree with the body.
      if (access !== undefined && Buffer.from(access, 'base64').toString('utf8') !== body.appId)
        return sendRefusal(request, reply, { code: 'USG.206010025' })
      const outcome = await appLogIn(services, {
        appId: body.appId,
        signature,
        expireTime: body.expireTime,
        nonce: body.nonce,
        userId: body.userId ?? undefined,
        corpId: body.corpId ?? undefined,
        clientType: body.clientType,
        name: body.userName ?? '',
        deptCode: body.deptCode ?? '',
      })
      return answer(services, request, reply, outcome, { refused: 'USG.206010025', disabledStatus: 412 })
    },
  )

  app.post<{ Body: AccountBody }>(
    '/v1/usg/acs/auth/account',
    { schema: { body: accountBody } },
    async (request, reply) => {
      const { account, clientType } = request.body
      const password = passwordIn(request.headers.authorization, account)
      if (password === undefined) return sendRefusal(request, reply, { code: 'USG.206010000' })
      const network = networkOf(clientAddressOf(request))
      const outcome = await accountLogIn(services, { account, password, clientType, network })
      return answer(services, request, reply, outcome, { refused: 'USG.206010000', disabledStatus: 412 })
    },
  )

  app.put('/v1/usg/acs/token', async (request, reply) => {
    const token = tokenIn(request)
    if (token === undefined) return sendRefusal(request, reply, { code: 'USG.206020000' })
    return answer(services, request, reply, await refreshLogin(services, token), { refused: 'USG.206020000' })
  })

  app.delete('/v1/usg/acs/token', async (request, reply) => {
    const token = tokenIn(request)
    const isEnded = token !== undefined && (await logOut(services, token))
    return isEnded ? sendEmpty(reply) : sendRefusal(request, reply, { code: 'USG.206020000' })
  })

  for (const version of ['v1', 'v2'])
    app.post<{ Body: ValidateBody }>(
      `/${version}/usg/acs/token/validate`,
      { schema: { body: validateBody } },
      async (request, reply) => {
        const { token, needGenNewToken } = request.body
        const outcome = await validateToken(services, token, needGenNewToken === true)
        if (outcome.kind === 'valid')
          return sendJson(
            reply,
            tokenObject(outcome.session, token, null, clientAddressOf(request), services.clock.now()),
          )
        return answer(services, request, reply, outcome, { refused: 'USG.000000004' })
      },
    )
}

/**
 * The password of an account, from a Basic header. Its bytes are UTF-8. The official SDK for Node writes Latin-1 instead
 * (`charCodeAt` in its MeetingCredentials.ts); a header is read so if it then names the same account.
 */
function passwordIn(header: string | undefined, account: string): string | undefined {
  const bytes = Buffer.from(basicHeader.exec(header ?? '')?.[1] ?? '', 'base64')
  const readings = [...(isUtf8(bytes) ? [bytes.toString('utf8')] : []), bytes.toString('latin1')]
  const start = `${account}:`
  if (account.includes(':')) return undefined // RFC 7617: the first colon ends it
  return readings.find((credentials) => credentials.startsWith(start))?.slice(start.length)
}

type Answering = {
  /** The code of a plain refusal at this call. */
  readonly refused: WireCode
  /** The status for a disabled member, if it is not the usual one. */
  readonly disabledStatus?: number
}

function answer(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: LoginOutcome,
  answering: Answering,
): FastifyReply {
  if (outcome.kind === 'logged-in') {
    const refresh = { token: outcome.refreshToken, expiresAt: outcome.refreshExpiresAt }
    const { session, accessToken } = outcome
    const told = tokenObject(session, accessToken, refresh, clientAddressOf(request), services.clock.now())
    return sendJson(reply, { ...told, firstLogin: outcome.isFirst || told.pwdExpired })
  }
  return sendRefusal(request, reply, refusalOf(outcome, answering))
}

function refusalOf(
  outcome: Exclude<LoginOutcome, { kind: 'logged-in' }>,
  { refused, disabledStatus }: Answering,
): Refusal {
  switch (outcome.kind) {
    case 'refused':
      return { code: refused }
    case 'signature-expired':
      return { code: 'USG.206010057' }
    case 'signature-long':
      return longSignature
    case 'member-disabled':
      return { code: 'USG.206010007', ...(disabledStatus && { status: disabledStatus }) }
    case 'locked':
      return { code: 'USG.206030015', retryAfterMs: outcome.retryAfterMs }
    case 'busy':
      return { code: 'USG.000000001', retryAfterMs: 1000 }
    case 'not-permitted':
      return { code: 'USG.000000005' }
  }
}

/** Not the code of an expired signature: a client would sign again for the same time, and be refused again. */
const longSignature = invalid('expireTime', {
  'zh-CN': '不能晚于七天之后，也不能为 0，除非该应用允许',
  'en-US': 'it may be at most 7 days ahead, and not 0, unless the app allows it',
})

/** The answer of every login. Times are in seconds, apart from `createTime`: the reference has it in milliseconds. */
function tokenObject(
  session: Session,
  accessToken: string,
  refresh: { readonly token: string; readonly expiresAt: number } | null,
  ip: string,
  now: number,
): AnswerOf<typeof tokenFields> & { readonly pwdExpired: boolean } {
  const { token, tenant, app, member } = session
  return {
    accessToken,
    tokenIp: ip,
    validPeriod: Math.max(0, Math.floor((token.expiresAt - now) / 1000)),
    expireTime: Math.floor(token.expiresAt / 1000),
    createTime: token.createdAt,
    user: userObject(member, tenant, app.id),
    clientType: token.clientType,
    forceLoginInd: 0,
    firstLogin: false,
    pwdExpired: isBarredByPassword(session),
    daysPwdAvailable: -1,
    proxyToken: null,
    delayDelete: false,
    tokenType: 0,
    refreshToken: refresh?.token ?? null,
    refreshValidPeriod: refresh ? Math.floor((refresh.expiresAt - now) / 1000) : 0,
    refreshExpireTime: refresh ? Math.floor(refresh.expiresAt / 1000) : 0,
    refreshCreateTime: refresh ? token.createdAt : 0,
  }
}

function userObject(
  member: Session['member'],
  tenant: Session['tenant'],
  appId: string,
): AnswerOf<typeof userFields> {
  return {
    userId: member.id,
    ucloginAccount: member.account,
    serviceAccount: member.account,
    numberHA1: null,
    alias1: null,
    companyId: tenant.id,
    spId: '',
    companyDomain: tenant.name,
    realm: tenant.id,
    userType: 2,
    adminType: adminType[member.role],
    name: member.profile.name,
    nameEn: member.profile.englishName,
    isBindPhone: member.phone !== null,
    freeUser: false,
    thirdAccount: thirdAccount(member),
    visionAccount: null,
    headPictureUrl: null,
    password: null,
    status: member.isDisabled ? 1 : 0,
    paidAccount: null,
    paidPassword: null,
    weLinkUser: false,
    appId,
    tr069Account: null,
    corpType: null,
    cloudUserId: null,
    grayUser: false,
  }
}
