/** A forgotten password in five calls without a login: puzzle, solution, code, check, new password (reference 0099 to 0104). */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  checkResetCode,
  type ForgottenBy,
  sendResetCode,
  setForgottenPassword,
} from '../../flows/forgotten-password.ts'
import type { Services } from '../../flows/services.ts'
import { newPuzzle, solvePuzzle, stepMs } from '../../flows/slide-puzzle.ts'
import { networkOf } from '../../network/network.ts'
import { clientAddressOf } from '../client-address.ts'
import { sendEmpty, sendJson, sendRefusal } from './answer.ts'
import { tokenIn } from './authenticate.ts'
import { localeOf } from './locale.ts'
import type { AnswerOf } from './member-fields.ts'
import { busy, weakPassword } from './password.ts'
import type { passwordAnswerFields } from './password-answer-fields.ts'
import {
  type EnteredCodeBody,
  enteredCodeBody,
  type NewPasswordBody,
  newPasswordBody,
  type PuzzleBody,
  puzzleBody,
  type ResetCodeBody,
  resetCodeBody,
  type SolutionBody,
  solutionBody,
} from './password-parameters.ts'
import { refusedIssue, refusedSubmission, wrongCode } from './verification-code.ts'

type Answers = {
  readonly [Name in keyof typeof passwordAnswerFields]: AnswerOf<(typeof passwordAnswerFields)[Name]>
}

const stepSeconds = stepMs / 1000
const puzzle = '/v1/usg/acs/auth/slideverifycode'
const code = '/v1/usg/acs/verifycode'

export function forgottenPasswordRoutes(app: FastifyInstance, services: Services): void {
  app.post<{ Body: PuzzleBody }>(
    `${puzzle}/send`,
    { schema: { body: puzzleBody } },
    async (request, reply) => {
      const made = await newPuzzle(services, puzzledIn(request.body), clientNetwork(request))
      if (made.kind === 'busy') return sendRefusal(request, reply, busy)
      if (made.kind === 'throttled') return sendRefusal(request, reply, refusedIssue(made))
      const answer: Answers['POST /v1/usg/acs/auth/slideverifycode/send'] = {
        shadowImage: dataUrl(made.shadow),
        cutImage: dataUrl(made.piece),
        pointY: made.y,
        token: made.token,
        expire: stepSeconds,
      }
      return sendJson(reply, answer)
    },
  )

  app.put<{ Body: SolutionBody }>(
    `${puzzle}/check`,
    { schema: { body: solutionBody } },
    async (request, reply) => {
      const { token, pointX, slideTime } = request.body
      if (!token) return sendRefusal(request, reply, { code: 'USG.206010010' })
      const solution = { token, x: pointX, slideMs: slideTime }
      const solved = await solvePuzzle(services, puzzledIn(request.body), solution)
      switch (solved.kind) {
        case 'no-puzzle':
          return sendRefusal(request, reply, { code: 'USG.206060010' })
        case 'wrong':
          return sendRefusal(request, reply, { code: 'USG.206010012' })
        case 'solved': {
          const answer: Answers['PUT /v1/usg/acs/auth/slideverifycode/check'] = {
            token: solved.token,
            expire: stepSeconds,
          }
          return sendJson(reply, answer)
        }
      }
    },
  )

  app.post<{ Body: ResetCodeBody }>(
    `${code}/send`,
    { schema: { body: resetCodeBody } },
    async (request, reply) => {
      const { token, sendMethod } = request.body
      if (!token) return sendRefusal(request, reply, { code: 'USG.206060009' })
      const wanted = sendMethod === 'sms' ? 'phone' : sendMethod === 'email' ? 'email' : undefined
      const sent = await sendResetCode(services, forgottenBy(request, request.body.user), token, wanted)
      switch (sent.kind) {
        case 'no-puzzle':
          return sendRefusal(request, reply, { code: 'USG.206060010' })
        case 'unreachable':
          return sendRefusal(request, reply, { code: 'USG.206030003' })
        case 'throttled':
          return sendRefusal(request, reply, refusedIssue(sent))
        case 'sent': {
          const answer: Answers['POST /v1/usg/acs/verifycode/send'] = {
            expire: Math.floor(sent.lifetimeMs / 1000),
            bindPhone: sent.by === 'phone' ? sent.to : null,
            bindEmail: sent.by === 'email' ? sent.to : null,
          }
          return sendJson(reply, answer)
        }
      }
    },
  )

  app.put<{ Body: EnteredCodeBody }>(
    `${code}/check`,
    { schema: { body: enteredCodeBody } },
    async (request, reply) => {
      const checked = await checkResetCode(
        services,
        forgottenBy(request, request.body.user),
        request.body.code,
      )
      switch (checked.kind) {
        case 'refused':
          return sendRefusal(request, reply, wrongCode)
        case 'throttled':
          return sendRefusal(request, reply, refusedSubmission(checked))
        case 'right': {
          const answer: Answers['PUT /v1/usg/acs/verifycode/check'] = {
            token: checked.token,
            expire: stepSeconds,
          }
          return sendJson(reply, answer)
        }
      }
    },
  )

  app.put<{ Body: NewPasswordBody }>(
    '/v1/usg/acs/password/reset',
    { schema: { body: newPasswordBody } },
    async (request, reply) => {
      const { user, newPwd, passWordType } = request.body
      const by = forgottenBy(request, user)
      const set = await setForgottenPassword(services, by, tokenIn(request) ?? '', newPwd, passWordType === 1)
      switch (set.kind) {
        case 'done':
          return sendEmpty(reply)
        case 'no-code':
          return sendRefusal(request, reply, { code: 'USG.206020000' })
        case 'weak-password':
          return sendRefusal(request, reply, weakPassword)
        case 'busy':
          return sendRefusal(request, reply, busy)
      }
    },
  )
}

function puzzledIn({ user, checkType }: PuzzleBody) {
  return { user, use: checkType === 1 ? 'forgotten-password' : 'login' } as const
}

function clientNetwork(request: FastifyRequest): string {
  return networkOf(clientAddressOf(request))
}

function forgottenBy(request: FastifyRequest, user: string): ForgottenBy {
  return { user, network: clientNetwork(request), locale: localeOf(request.headers['accept-language']) }
}

function dataUrl(png: Buffer): string {
  return `data:image/png;base64,${png.toString('base64')}`
}
