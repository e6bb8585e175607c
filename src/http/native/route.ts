/** A call of the native API, declared once: its route, its checks and its part of the document are made from it. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { ApiKeyScope, ApiVersion, KeyHolder } from '../../directory/api-key.ts'
import type { Services } from '../../flows/services.ts'
import type { ObjectSchema, Properties, Schema, Static } from '../../json-schema.ts'
import type { Problem, ProblemType } from './problems.ts'

/**
 * Who may call: a server key with the scope · a publishable key from one of its origins, or a server key with
 * `verifications:write` · anyone, from any page.
 */
export type Access = ApiKeyScope | 'publishable' | 'public'

export type NativeContext = {
  readonly services: Services
  /** The OpenAPI document as JSON. */
  readonly document: () => string
}

/** One call under way. */
export type Call<B = unknown, Q = unknown> = {
  readonly request: FastifyRequest
  /** For calls that write a stream by themselves; others return their answer. */
  readonly reply: FastifyReply
  /** Whoever has the key. Calls with access `public` have none and must not read it. */
  readonly holder: KeyHolder
  readonly version: ApiVersion
  readonly params: Readonly<Record<string, string>>
  readonly query: Q
  readonly body: B
  /** Names this call's act, if its caller gave it an `Idempotency-Key`. */
  readonly once: OnceOfCall | undefined
}

export type OnceOfCall = { readonly key: string; readonly fingerprint: string }

export type Answer = {
  readonly status: number
  /** undefined: none. A string goes as it is, with `headers` naming its type. */
  readonly body?: object | string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** Whether this is the answer of an earlier call with the same `Idempotency-Key`. */
  readonly isReplay?: boolean
}

export type Outcome = Answer | Problem

export type AnswerDeclaration = {
  readonly description: string
  /** null: no body. */
  readonly schema: Schema | null
  /** Default: application/json. */
  readonly contentType?: string
}

export type RouteDeclaration<B extends ObjectSchema, Q extends ObjectSchema> = {
  readonly operationId: string
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** Below `/v1`, with `{name}` for parameters. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  readonly access: Access
  /** By the name of a parameter of the path: its schema, for the document alone. An id of no known form is `not-found`. */
  readonly params?: Properties
  readonly query?: Q
  readonly body?: B
  /** Whether the same `Idempotency-Key` makes it one act. Default: for every POST. */
  readonly isIdempotent?: boolean
  /** The longest that an answer may take, ms. Default: that of the dialect. */
  readonly maxAnswerMs?: number
  readonly answers: Readonly<Record<number, AnswerDeclaration>>
  /** Besides those that every call of its kind may get, see `problemsOf`. */
  readonly problems: readonly ProblemType[]
  handle(context: NativeContext, call: Call<Static<B>, Static<Q>>): Outcome | Promise<Outcome>
}

export type Route = Omit<RouteDeclaration<ObjectSchema, ObjectSchema>, 'handle'> & {
  handle(context: NativeContext, call: Call): Outcome | Promise<Outcome>
}

/** Declares a call; its handler gets bodies and queries of the types that its schemas describe. */
export function route<B extends ObjectSchema, Q extends ObjectSchema>(
  declaration: RouteDeclaration<B, Q>,
): Route {
  // Its schemas have checked what it is called with.
  return declaration as unknown as Route
}

export function isIdempotent({ method, isIdempotent = method === 'POST' }: Route): boolean {
  return isIdempotent
}

/** Every problem that a call may be answered with. */
export function problemsOf(route: Route): readonly ProblemType[] {
  const { access, body, query, problems } = route
  return [
    ...new Set<ProblemType>([
      'invalid-request',
      ...(access === 'public' ? [] : (['unauthenticated', 'forbidden'] as const)),
      ...(body || query ? (['unknown-field'] as const) : []),
      ...(body ? (['payload-too-large'] as const) : []),
      ...(isIdempotent(route) ? (['idempotency-in-progress'] as const) : []),
      // A body without fields is always the same.
      ...(isIdempotent(route) && body && Object.keys(body.properties).length > 0
        ? (['idempotency-mismatch'] as const)
        : []),
      ...problems,
      'store-unavailable',
      'internal',
    ]),
  ]
}
