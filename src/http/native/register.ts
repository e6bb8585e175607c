/** Makes routes from the declarations of calls: who may call, what is checked, and by when it is answered. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerBy } from '../../deadline.ts'
import type { KeyHolder } from '../../flows/api-keys.ts'
import type { ObjectSchema } from '../../json-schema.ts'
import { sendOutcome, sendProblem } from './answer.ts'
import { authenticate, withoutKey } from './authenticate.ts'
import { allowAnyPage, answerPreflight } from './cross-origin.ts'
import { createUnderWay, onceOf, type UnderWay } from './idempotency.ts'
import { createTellLimits, type TellLimits } from './limits.ts'
import { type Call, isIdempotent, type NativeContext, type Route } from './route.ts'

/** The time limit of an answer: a caller must learn within a second that the store is away or slow. */
const usualAnswerMs = 850

export function registerRoutes(app: FastifyInstance, context: NativeContext, routes: readonly Route[]): void {
  const underWay = createUnderWay()
  const tellLimits = createTellLimits(context.services)
  for (const route of routes) registerRoute(app, context, { underWay, tellLimits }, route)
  for (const [path, ofPages] of Map.groupBy(routes.filter(isForPages), ({ path }) => path))
    answerPreflight(
      app,
      urlOf(path),
      ofPages.map(({ method }) => method),
    )
}

function isForPages({ access }: Route): boolean {
  return access === 'public' || access === 'publishable'
}

function urlOf(path: string): string {
  return path.replace(/\{(\w+)\}/g, ':$1')
}

/** What all calls have in common. */
type Shared = { readonly underWay: UnderWay; readonly tellLimits: TellLimits }

function registerRoute(
  app: FastifyInstance,
  context: NativeContext,
  { underWay, tellLimits }: Shared,
  route: Route,
): void {
  const { method, access, query, body, maxAnswerMs = usualAnswerMs } = route
  const mayRepeat = isIdempotent(route)
  app.route({
    method,
    url: urlOf(route.path),
    schema: { ...(body && { body }), ...(query && { querystring: query }) },
    onRequest: [
      ...(isForPages(route) ? [allowAnyPage] : []),
      access === 'public' ? withoutKey(context) : authenticate(context, access, tellLimits),
    ],
    preValidation(request, _reply, done) {
      // A call without a body, or with an empty one, has no fields.
      if (body && request.body === undefined) request.body = {}
      if (query) readNumbers(query, request.query as Record<string, unknown>)
      done()
    },
    // The time begins when the request is whole, because a slow sender is not the store’s fault.
    preHandler(request, _reply, done) {
      answerBy(performance.now() + maxAnswerMs - request.waitedMs, done)
    },
    handler: (request, reply) => answer(request, reply),
  })

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const { holder, apiVersion: version } = request
    const once = mayRepeat ? onceOf(request, access === 'public' ? '' : scopeOf(holder)) : undefined
    if (once && 'problem' in once) return sendProblem(context, request, reply, once)
    const call: Call = {
      request,
      reply,
      holder,
      version,
      params: request.params as Readonly<Record<string, string>>,
      query: request.query,
      body: request.body,
      once,
    }
    const outcome = once
      ? await underWay.run(once, () => route.handle(context, call))
      : await route.handle(context, call)
    return sendOutcome(context, request, reply, outcome)
  }
}

/** What live and test keys of an app do is apart, so that neither gets an answer that the other was given. */
function scopeOf({ app, key }: KeyHolder): string {
  return key.isTest ? `test:${app.id}` : app.id
}

/** Numbers and booleans of a query, which come as text. What is none stays a text, for the schema to refuse. */
function readNumbers({ properties }: ObjectSchema, query: Record<string, unknown>): void {
  for (const [name, { type }] of Object.entries(properties)) {
    const given = query[name]
    if (type === 'integer' && typeof given === 'string' && /^-?\d{1,15}$/.test(given))
      query[name] = Number(given)
    if (type === 'boolean' && (given === 'true' || given === 'false')) query[name] = given === 'true'
  }
}
