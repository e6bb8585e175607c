/** The Huawei Cloud Meeting dialect: its calls, its answers to requests that are no call, and its time limit. */

import { answerBy } from '../../deadline.ts'
import type { Services } from '../../flows/services.ts'
import type { Dialect } from '../dialect.ts'
import { readJsonBodies } from '../json-body.ts'
import { contactUndoRoutes } from './contact-undo.ts'
import { corpRoutes } from './corp.ts'
import { corpAdminRoutes } from './corp-admin.ts'
import { corpAppRoutes } from './corp-app.ts'
import { corpMemberRoutes } from './corp-member.ts'
import { departmentRoutes } from './department.ts'
import { answerEdges, answerTo } from './edges.ts'
import { forgottenPasswordRoutes } from './forgotten-password.ts'
import { loginRoutes } from './login.ts'
import { memberRoutes } from './member.ts'
import { directoryRoutes } from './member-directory.ts'
import { passwordRoutes } from './password.ts'
import { recoveryRoutes } from './recovery.ts'
import { verificationCodeRoutes } from './verification-code.ts'

/** The time limit of an answer: a caller must learn within a second that the store is away or slow. */
const maxAnswerMs = 850

/** To be mounted at the root: the reference fixes its whole paths. */
export function huaweiDialect(services: Services): Dialect {
  return {
    register(app, onError) {
      app.decorateRequest('session', null as never)
      app.decorateRequest('waitedMs', 0)
      const notFound = answerEdges(app, onError)
      // The reference's own cURL sample has a trailing comma, and newcomers paste it.
      readJsonBodies(app, { trailingCommas: true })

      // The time begins when the request is whole, because a slow sender is not the store’s fault.
      app.addHook('preHandler', (request, _reply, done) => {
        answerBy(performance.now() + maxAnswerMs - request.waitedMs, done)
      })

      verificationCodeRoutes(app, services)
      memberRoutes(app, services)
      contactUndoRoutes(app, services)
      recoveryRoutes(app, services)
      loginRoutes(app, services)
      passwordRoutes(app, services)
      forgottenPasswordRoutes(app, services)
      corpMemberRoutes(app, services)
      directoryRoutes(app, services)
      corpAdminRoutes(app, services)
      corpRoutes(app, services)
      departmentRoutes(app, services)
      corpAppRoutes(app, services)
      // Below here every path is the reference's, whatever other dialect has paths that begin with /v1.
      for (const prefix of ['/v1/usg', '/v2/usg'])
        app.register(async (scope) => scope.setNotFoundHandler(notFound), { prefix })
    },
    answerTo,
  }
}
