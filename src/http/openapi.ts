/** Writes an OpenAPI 3.1 document from operations; schemas that have a title become components that many share. */

import type { Properties, Schema } from '../json-schema.ts'

export type Parameter = {
  readonly in: 'path' | 'query' | 'header'
  readonly name: string
  readonly schema: Schema
  readonly description?: string
  readonly isRequired?: boolean
}

export type Response = {
  readonly description: string
  /** By media type; several schemas: any of them. */
  readonly content: Readonly<Record<string, readonly Schema[]>>
  /** Names of headers that it has, see `Document.headers`. */
  readonly headers: readonly string[]
  /** Our own members, which begin with `x-`. */
  readonly extensions?: Readonly<Record<string, unknown>>
}

export type Operation = {
  readonly operationId: string
  readonly method: string
  /** Whole, with `{name}` for parameters. */
  readonly path: string
  readonly tag: string
  readonly summary: string
  readonly description?: string
  /** Names of schemes, any of which serves; empty: none is needed. */
  readonly security: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly body?: { readonly schema: Schema; readonly isRequired: boolean }
  readonly responses: Readonly<Record<string, Response>>
}

export type Document = {
  readonly info: Readonly<Record<string, unknown>>
  readonly tags: readonly { readonly name: string; readonly description: string }[]
  readonly securitySchemes: Readonly<Record<string, unknown>>
  readonly headers: Properties
  readonly operations: readonly Operation[]
}

/** @throws Error if two different schemas have one title. */
export function writeDocument({
  info,
  tags,
  securitySchemes,
  headers,
  operations,
}: Document): Readonly<Record<string, unknown>> {
  const components = createComponents()
  const paths = Object.fromEntries(
    [...Map.groupBy(operations, ({ path }) => path)].map(([path, ofPath]) => [
      path,
      Object.fromEntries(ofPath.map((one) => [one.method.toLowerCase(), written(one, components)])),
    ]),
  )
  return {
    openapi: '3.1.0',
    info,
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    servers: [{ url: '/' }],
    tags,
    paths,
    components: {
      securitySchemes,
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, { description, ...schema }]) => [name, { description, schema }]),
      ),
      schemas: Object.fromEntries(
        Object.entries(components.schemas).toSorted(([a], [b]) => (a < b ? -1 : 1)),
      ),
    },
  }
}

function written(operation: Operation, components: Components): object {
  const { operationId, tag, summary, description, security, parameters, body, responses } = operation
  const content = (schema: Schema) => ({ 'application/json': { schema: components.of(schema) } })
  return {
    operationId,
    tags: [tag],
    summary,
    ...(description !== undefined && { description }),
    security: security.length === 0 ? [{}] : security.map((name) => ({ [name]: [] })),
    ...(parameters.length > 0 && {
      parameters: parameters.map(({ in: place, name, schema, isRequired = place === 'path', ...rest }) => ({
        in: place,
        name,
        required: isRequired,
        ...rest,
        schema: components.of(schema),
      })),
    }),
    ...(body && { requestBody: { required: body.isRequired, content: content(body.schema) } }),
    responses: Object.fromEntries(
      Object.entries(responses).map(([status, response]) => [status, writtenResponse(response, components)]),
    ),
  }
}

function writtenResponse({ description, content, headers, extensions }: Response, components: Components) {
  const entries = Object.entries(content)
  return {
    description,
    ...(headers.length > 0 && {
      headers: Object.fromEntries(headers.map((name) => [name, { $ref: `#/components/headers/${name}` }])),
    }),
    ...(entries.length > 0 && {
      content: Object.fromEntries(
        entries.map(([type, schemas]) => {
          const parts = schemas.map((schema) => components.of(schema))
          return [type, { schema: parts.length === 1 ? parts[0] : { anyOf: parts } }]
        }),
      ),
    }),
    ...extensions,
  }
}

type Components = ReturnType<typeof createComponents>

function createComponents() {
  const schemas: Record<string, unknown> = {}
  /** The texts of schemas by their names, to find two of one name. */
  const known = new Map<string, string>()

  function of(schema: Schema): unknown {
    const { title } = schema
    if (typeof title !== 'string') return inner(schema)
    const text = JSON.stringify(schema)
    const before = known.get(title)
    if (before === undefined) {
      known.set(title, text)
      schemas[title] = inner(schema)
    } else if (before !== text) throw new Error(`two schemas have the title ${title}`)
    return { $ref: `#/components/schemas/${title}` }
  }

  function inner(schema: Schema): Record<string, unknown> {
    return Object.fromEntries(
      Object.entries(schema).flatMap(([keyword, value]) => {
        if (keyword === 'title') return []
        if (keyword === 'properties' || keyword === 'patternProperties')
          return [[keyword, mapped(value as Properties)]]
        if (keyword === 'items') return [[keyword, of(value as Schema)]]
        if (keyword === 'anyOf') return [[keyword, (value as Schema[]).map(of)]]
        return [[keyword, value]]
      }),
    )
  }

  function mapped(properties: Properties): Record<string, unknown> {
    return Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, of(schema)]))
  }

  return { schemas, of }
}
