/** The OpenAPI document as tests need it: its calls, and whether an answer is one of those that it promises. */

import { Value } from 'typebox/value'
import { apiDocument } from '../src/http/api-document.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export type ApiCall = {
  readonly id: string
  readonly method: string
  /** With `{name}` for parameters. */
  readonly path: string
  /** Names of schemes, any of which serves; empty: none is needed. */
  readonly security: readonly string[]
  readonly parameters: readonly ApiParameter[]
  readonly body: JsonSchema | undefined
  readonly answers: ReadonlyMap<number, ApiAnswer>
}

export type ApiParameter = {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly required: boolean
  readonly schema: JsonSchema
}

type ApiAnswer = {
  readonly schemas: ReadonlyMap<string, JsonSchema>
  /** The last parts of `type`; empty: it is no problem. */
  readonly problems: readonly string[]
}

type Loose = Readonly<Record<string, unknown>>

const document = apiDocument()

/** Every call of the document; those of the wire of Huawei Cloud Meeting have names that begin with `wire`. */
export const apiCalls: readonly ApiCall[] = Object.entries(document.paths as Record<string, Loose>).flatMap(
  ([path, item]) =>
    Object.entries(item as Record<string, Loose>).map(([method, one]) => ({
      id: String(one.operationId),
      method: method.toUpperCase(),
      path,
      security: (one.security as Loose[]).flatMap((scheme) => Object.keys(scheme)),
      parameters: ((one.parameters ?? []) as ApiParameter[]).map((parameter) => ({
        ...parameter,
        schema: withoutReferences(parameter.schema),
      })),
      body: schemasOf(one.requestBody as Loose | undefined).get('application/json'),
      answers: new Map(
        Object.entries(one.responses as Record<string, Loose>).map(([status, response]) => [
          Number(status),
          {
            schemas: schemasOf(response),
            problems: (response['x-problem-types'] ?? []) as readonly string[],
          },
        ]),
      ),
    })),
)

export const nativeCalls = apiCalls.filter(({ id }) => !id.startsWith('wire'))

const patterns = apiCalls
  .map((call) => ({ call, pattern: new RegExp(`^${call.path.replace(/\{\w+\}/g, '[^/]+')}$`) }))
  // A path without parameters comes before one that would take it for an id.
  .toSorted((a, b) => Number(a.call.path.includes('{')) - Number(b.call.path.includes('{')))

/** @param path  As it was asked for, without a query. */
export function callOf(method: string, path: string): ApiCall | undefined {
  return patterns.find(({ call, pattern }) => call.method === method && pattern.test(path))?.call
}

export type SeenAnswer = { readonly status: number; readonly contentType: string; readonly text: string }

/** @returns What is wrong with an answer by the document; empty: it is as promised. */
export function faultsOf(call: ApiCall, { status, contentType, text }: SeenAnswer): string[] {
  const answer = call.answers.get(status)
  if (!answer) return [`${call.id}: ${status} is not documented: ${text.slice(0, 300)}`]
  const type = contentType.split(';')[0]!
  const schema = answer.schemas.get(type)
  if (answer.schemas.size === 0 && text === '') return []
  if (!schema) return [`${call.id} ${status}: ${type || 'no type'} is not documented`]
  const value: unknown = type.endsWith('json') ? JSON.parse(text) : text
  const problem = problemOf(value)
  return [
    ...(answer.problems.length > 0 && !answer.problems.includes(problem)
      ? [`${call.id} ${status}: the problem ${problem} is not documented`]
      : []),
    ...(Value.Check(schema, value)
      ? []
      : [
          `${call.id} ${status}: ${[...Value.Errors(schema, value)]
            .map(({ instancePath, message }) => `${instancePath} ${message}`)
            .join(', ')} in ${text.slice(0, 500)}`,
        ]),
  ]
}

/** The last part of the type of a problem; empty: it is none. */
export function problemOf(value: unknown): string {
  const type = (value as { type?: unknown } | null)?.type
  return typeof type === 'string' ? (/\/v1\/problems\/([a-z-]+)$/.exec(type)?.[1] ?? '') : ''
}

function schemasOf(part: Loose | undefined): Map<string, JsonSchema> {
  return new Map(
    Object.entries((part?.content ?? {}) as Record<string, { schema: JsonSchema }>).map(
      ([type, { schema }]) => [type, withoutReferences(schema)],
    ),
  )
}

/** The schema with the schemas that it refers to in their places. None of ours holds itself. */
function withoutReferences(schema: JsonSchema): JsonSchema {
  return replaced(schema) as JsonSchema
}

function replaced(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(replaced)
  if (typeof value !== 'object' || value === null) return value
  const { $ref } = value as { $ref?: string }
  if (typeof $ref === 'string') {
    let target: unknown = document
    for (const name of $ref.slice('#/'.length).split('/')) target = (target as Loose)[name]
    return replaced(target)
  }
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner)]))
}
