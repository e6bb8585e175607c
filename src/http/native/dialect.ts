/** The native API: its calls, and its answers to requests that are no call. */

import type { Dialect } from '../dialect.ts'
import { readJsonBodies } from '../json-body.ts'
import { answerEdges, answerTo } from './edges.ts'
import { registerRoutes } from './register.ts'
import type { NativeContext, Route } from './route.ts'
import { nativeRoutes } from './routes.ts'

/** To be mounted at `/v1`. @param routes  Others than the usual ones, for tests. */
export function nativeDialect(context: NativeContext, routes: readonly Route[] = nativeRoutes): Dialect {
  return {
    register(app, onError) {
      app.decorateRequest('holder', null as never)
      app.decorateRequest('apiVersion', null as never)
      if (!app.hasRequestDecorator('waitedMs')) app.decorateRequest('waitedMs', 0)
      answerEdges(app, context, routes, onError)
      readJsonBodies(app, { trailingCommas: false })
      registerRoutes(app, context, routes)
    },
    answerTo,
  }
}
