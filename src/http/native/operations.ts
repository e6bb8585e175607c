/** The calls of the native API as operations of the document. */

import { apiVersions } from '../../directory/api-key.ts'
import { type Schema, Type } from '../../json-schema.ts'
import type { Operation, Parameter, Response } from '../openapi.ts'
import { type ProblemKind, type ProblemType, problemSchema, problems } from './problems.ts'
import { type Access, isIdempotent, problemsOf, type Route } from './route.ts'

const everyAnswer = ['X-Request-Id', 'Countersign-Version']

/** Headers of answers. Those of limits are by draft-ietf-httpapi-ratelimit-headers-10. */
export const answerHeaders = {
  'X-Request-Id': Type.String({ description: 'The id of the request; a caller may choose it.' }),
  'Countersign-Version': Type.String({ description: 'The behaviour that the call got.', enum: apiVersions }),
  'Retry-After': Type.Integer({ description: 'Seconds to wait, never too few.', minimum: 1 }),
  'Idempotency-Replayed': Type.Literal('true', {
    description: 'There, if this is the answer of an earlier call with the same Idempotency-Key.',
  }),
  'RateLimit-Policy': Type.String({ description: 'The limits of the app, e.g. `"app";q=100;w=1`.' }),
  RateLimit: Type.String({ description: 'What is left of them, e.g. `"app-day";r=900;t=3600`.' }),
  'Cache-Control': Type.String({ description: 'How long the answer may be kept.' }),
  Allow: Type.String({ description: 'The methods that the path takes.' }),
} as const

export const securitySchemes = {
  serverKey: { type: 'http', scheme: 'bearer', description: 'A server key, `ck_live_…` or `ck_test_…`.' },
  publishableKey: {
    type: 'http',
    scheme: 'bearer',
    description: 'A publishable key, `pk_…`, from one of its origins.',
  },
} as const

const commonParameters: readonly Parameter[] = [
  {
    in: 'header',
    name: 'Countersign-Version',
    schema: Type.String({ enum: apiVersions }),
    description: 'Pins the behaviour; else it is the one of the day the key was made.',
  },
  {
    in: 'header',
    name: 'X-Request-Id',
    schema: Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' }),
    description: 'Names the request in its answer and in the log.',
  },
]

const idempotencyKey: Parameter = {
  in: 'header',
  name: 'Idempotency-Key',
  schema: Type.String({ minLength: 1, maxLength: 257 }),
  description:
    'Makes calls with the same key one act for 24 hours: the first answer comes again. Bare or in quotes, 1 to 255 characters.',
}

/** @param prefix  Where the calls are mounted, such as `/v1`. */
export function nativeOperations(routes: readonly Route[], prefix: string): Operation[] {
  return routes.map((route) => {
    const { operationId, method, path, tag, summary, description, access, body } = route
    return {
      operationId,
      method,
      path: `${prefix}${path}`,
      tag,
      summary,
      ...(description !== undefined && { description }),
      security: securityOf(access),
      parameters: [
        ...pathParameters(route),
        ...queryParameters(route),
        ...(isIdempotent(route) ? [idempotencyKey] : []),
        ...commonParameters,
      ],
      ...(body && { body: { schema: body, isRequired: Array.isArray(body.required) } }),
      responses: { ...successes(route), ...refusals(route) },
    }
  })
}

function securityOf(access: Access): readonly string[] {
  if (access === 'public') return []
  return access === 'publishable' ? ['serverKey', 'publishableKey'] : ['serverKey']
}

function pathParameters({ path, params = {} }: Route): Parameter[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    in: 'path',
    name: name!,
    schema: params[name!] ?? Type.String(),
  }))
}

function queryParameters({ query }: Route): Parameter[] {
  const required = (query?.required ?? []) as readonly string[]
  return Object.entries(query?.properties ?? {}).map(([name, { description, ...schema }]) => ({
    in: 'query',
    name,
    schema: schema as Schema,
    ...(typeof description === 'string' && { description }),
    isRequired: required.includes(name),
  }))
}

function successes(route: Route): Record<string, Response> {
  const headers = [
    ...everyAnswer,
    ...limitHeaders(route),
    ...(isIdempotent(route) ? ['Idempotency-Replayed'] : []),
  ]
  return Object.fromEntries(
    Object.entries(route.answers).map(
      ([status, { description, schema, contentType = 'application/json' }]) => [
        status,
        { description, content: schema ? { [contentType]: [schema] } : {}, headers },
      ],
    ),
  )
}

function refusals(route: Route): Record<string, Response> {
  const byStatus = Map.groupBy(problemsOf(route), (type) => problems[type].status)
  return Object.fromEntries(
    [...byStatus]
      .toSorted(([a], [b]) => a - b)
      .map(([status, types]) => [String(status), refusal(route, types)]),
  )
}

function refusal(route: Route, types: readonly ProblemType[]): Response {
  const kinds = types.map((type): ProblemKind => problems[type])
  return {
    description: kinds.map(({ title }) => title).join(' · '),
    content: { 'application/problem+json': types.map(problemSchema) },
    headers: [
      ...everyAnswer,
      ...limitHeaders(route),
      ...(kinds.some(({ retry }) => retry === 'after-retry-after' || retry === 'same-key')
        ? ['Retry-After']
        : []),
    ],
    extensions: { 'x-problem-types': types },
  }
}

/** Limits are those of an app, which only a key names. */
function limitHeaders({ access }: Route): readonly string[] {
  return access === 'public' ? [] : ['RateLimit-Policy', 'RateLimit']
}
