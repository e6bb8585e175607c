/** The Huawei Cloud Meeting dialect as one plugin: its routes, and the time in which they answer. */

import type { FastifyInstance } from 'fastify'
import { answerBy } from '../../deadline.ts'
import type { Services } from '../../flows/services.ts'
import { loginRoutes } from './login.ts'
import { memberRoutes } from './member.ts'
import { verificationCodeRoutes } from './verification-code.ts'

/** Callers are told within a second that the store is away or slow. */
const longestAnswerMs = 850

/** Registers the dialect on a listener, which answers errors and unknown paths in its shape (see `createServer`). */
export function huaweiDialect(app: FastifyInstance, services: Services): void {
  app.decorateRequest('session', null as never)
  app.decorateRequest('waitedMs', 0)

  // Not before it is whole: how slowly it was sent is not the store’s fault.
  app.addHook('preHandler', (request, _reply, done) => {
    answerBy(performance.now() + longestAnswerMs - request.waitedMs, done)
  })

  verificationCodeRoutes(app, services)
  memberRoutes(app, services)
  loginRoutes(app, services)
}
