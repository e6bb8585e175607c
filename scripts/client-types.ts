/** client/src/openapi.ts: the types of the client, from the OpenAPI document of the server. */

import { apiDocument } from '../src/http/api-document.ts'
import { problems } from '../src/http/native/problems.ts'

type JsonSchema = Readonly<Record<string, unknown>>
type Operation = {
  readonly operationId: string
  readonly summary: string
  readonly parameters?: readonly {
    in: string
    name: string
    required: boolean
    description?: string
    schema: JsonSchema
  }[]
  readonly requestBody?: Content & { readonly required: boolean }
  readonly responses: Readonly<Record<string, Content>>
}
type Content = { readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>> }
export type OpenApi = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> }
}

const introduction = `// Made by "npm run docs" from the server's OpenAPI document; do not edit.

/** The errors of the API, by the last part of their \`type\`. */
export type ProblemType =
${Object.keys(problems)
  .map((name) => `  | '${name}'`)
  .join('\n')}
`

/**
 * The bodies, queries and answers of the native calls by their `operationId`, and the components that these use.
 * @param prefix  Of the paths that the client calls: the wires of others are in the document too.
 */
export function clientTypes(
  document = apiDocument() as OpenApi,
  prefix = '/v1/',
  except = '/v1/usg/',
): string {
  const used = new Set<string>()
  const typeOf = (schema: JsonSchema) => typeText(schema, used)
  const operations = Object.entries(document.paths)
    .filter(([path]) => path.startsWith(prefix) && !path.startsWith(except))
    .flatMap(([, methods]) => Object.values(methods))
    .map((operation) => operationText(operation, typeOf))
  const components: Record<string, string> = {}
  // A component may name others that nothing named before; a set is walked with what is added meanwhile.
  for (const name of used) {
    const schema = document.components.schemas[name]!
    components[name] = `${comment(schema.description, '')}export type ${name} = ${typeOf(schema)}\n`
  }
  const declared = Object.keys(components)
    .toSorted()
    .map((name) => components[name])
  return [introduction, ...declared, `export type Operations = {\n${operations.join('')}}\n`].join('\n')
}

function operationText(operation: Operation, typeOf: (schema: JsonSchema) => string): string {
  const { operationId, summary, parameters = [], requestBody, responses } = operation
  const query = parameters.filter((one) => one.in === 'query')
  const queryType = objectText(
    query.map(({ name, required, schema, description }) => ({
      name,
      isRequired: required,
      schema: { description, ...schema },
    })),
    typeOf,
  )
  const answers = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([, { content }]) => content?.['application/json']?.schema)
    .map((schema) => (schema ? typeOf(schema) : 'undefined'))
  const body = requestBody?.content?.['application/json']?.schema
  const members = [
    ...(body ? [`    body: ${indented(typeOf(body))}\n`] : []),
    ...(query.length > 0 ? [`    query: ${indented(queryType)}\n`] : []),
    `    answer: ${indented([...new Set(answers)].join(' | '))}\n`,
  ]
  return `${comment(summary, '  ')}  ${operationId}: {\n${members.join('')}  }\n`
}

function typeText(schema: JsonSchema, used: Set<string>): string {
  const typeOf = (inner: JsonSchema) => typeText(inner, used)
  const {
    $ref,
    type,
    enum: values,
    anyOf,
    oneOf,
    properties,
    patternProperties,
    items,
    required = [],
  } = schema
  if (typeof $ref === 'string') {
    const name = $ref.split('/').at(-1)!
    used.add(name)
    return name
  }
  if ('const' in schema) return literal(schema.const)
  if (Array.isArray(values)) return values.map(literal).join(' | ')
  const parts = (anyOf ?? oneOf) as readonly JsonSchema[] | undefined
  if (parts) return [...new Set(parts.map(typeOf))].join(' | ')
  if (Array.isArray(type)) return type.map((one) => typeOf({ ...schema, type: one })).join(' | ')
  if (properties) {
    const members = Object.entries(properties as Record<string, JsonSchema>)
    const isRequired = (name: string) => (required as readonly string[]).includes(name)
    const text = objectText(
      members.map(([name, inner]) => ({ name, isRequired: isRequired(name), schema: inner })),
      typeOf,
    )
    // One that is declared open has facts that are not listed.
    return schema.additionalProperties === true ? text.replace(/}$/, '  [name: string]: unknown\n}') : text
  }
  if (patternProperties) {
    const inner = Object.values(patternProperties as Record<string, JsonSchema>).map(typeOf)
    return `Record<string, ${inner.join(' | ')}>`
  }
  if (type === 'array') {
    const inner = items ? typeOf(items as JsonSchema) : 'unknown'
    return /[|{]/.test(inner) ? `(${inner})[]` : `${inner}[]`
  }
  if (type === 'integer' || type === 'number') return 'number'
  if (type === 'string' || type === 'boolean' || type === 'null') return type
  return type === 'object' ? 'Record<string, unknown>' : 'unknown'
}

function objectText(
  members: readonly { readonly name: string; readonly isRequired: boolean; readonly schema: JsonSchema }[],
  typeOf: (schema: JsonSchema) => string,
): string {
  if (members.length === 0) return 'Record<string, never>'
  const lines = members.map(({ name, isRequired, schema }) => {
    const key = /^\w+$/.test(name) ? name : `'${name}'`
    // A caller may state undefined, because JSON leaves it out.
    const [mark, more] = isRequired ? ['', ''] : ['?', ' | undefined']
    return `${comment(schema.description, '  ')}  ${key}${mark}: ${indented(typeOf(schema), '  ')}${more}\n`
  })
  return `{\n${lines.join('')}}`
}

function comment(text: unknown, indent: string): string {
  return typeof text === 'string' && text !== '' ? `${indent}/** ${text.replaceAll('*/', '* /')} */\n` : ''
}

function indented(text: string, by = '    '): string {
  return text.replaceAll('\n', `\n${by}`)
}

function literal(value: unknown): string {
  return typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : `${value}`
}
