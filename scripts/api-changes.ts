/** Compares two OpenAPI documents of ours: what would break a caller that was written by the older one. */

type Json = Readonly<Record<string, unknown>>

/** Whether values go to the server, which must go on taking them, or come from it, so that callers must go on reading them. */
type Side = 'request' | 'answer'

const methods = ['get', 'post', 'put', 'patch', 'delete', 'head', 'options'] as const

/**
 * Allowed are new calls, new optional fields of requests, new fields of answers, new problems and new words in answers:
 * clients ignore or pass on what they do not know.
 * @returns A sentence for each breaking change; empty: there is none.
 */
export function breakingChanges(before: Json, after: Json): string[] {
  const problems: string[] = []
  const schemas = schemaComparison(before, after)
  for (const [path, old] of entries(before.paths))
    for (const method of methods) {
      const was = old[method] as Json | undefined
      if (!was) continue
      const is = at(after, 'paths', path, method)
      const name = `${method.toUpperCase()} ${path}`
      if (is) problems.push(...operationChanges(was, is).map((problem) => `${name}: ${problem}`))
      else problems.push(`${name}: was removed`)
    }
  return problems

  function operationChanges(was: Json, is: Json): string[] {
    return [
      ...(was.operationId === is.operationId
        ? []
        : [`operationId: was ${was.operationId}, is ${is.operationId}`]),
      ...securityChanges(was, is),
      ...parameterChanges(was, is),
      ...bodyChanges(was.requestBody as Json | undefined, is.requestBody as Json | undefined),
      ...entries(was.responses).flatMap(([status, old]) => {
        const now = at(is, 'responses', status)
        return now
          ? contentChanges(old, now, 'answer').map((problem) => `${status}: ${problem}`)
          : [`${status}: was removed`]
      }),
    ]
  }

  function securityChanges(was: Json, is: Json): string[] {
    const namesOf = ({ security = [] }: Json) =>
      (security as readonly Json[]).map((one) => Object.keys(one).join('+') || 'nobody')
    const now = namesOf(is)
    return namesOf(was)
      .filter((name) => !now.includes(name) && !now.includes('nobody'))
      .map((name) => `security: ${name} does not suffice any more`)
  }

  function parameterChanges(was: Json, is: Json): string[] {
    const of = ({ parameters = [] }: Json) =>
      new Map((parameters as readonly Json[]).map((one) => [`${one.in} parameter ${one.name}`, one]))
    const [old, now] = [of(was), of(is)]
    return [
      ...[...old].flatMap(([name, one]) => {
        const other = now.get(name)
        if (!other) return [`${name}: was removed`]
        return [
          ...(other.required === true && one.required !== true ? [`${name}: is mandatory now`] : []),
          ...schemas.changes(one.schema, other.schema, 'request', name),
        ]
      }),
      ...[...now].flatMap(([name, one]) =>
        one.required === true && !old.has(name) ? [`${name}: is new and mandatory`] : [],
      ),
    ]
  }

  function bodyChanges(was: Json | undefined, is: Json | undefined): string[] {
    if (!was) return is?.required === true ? ['body: is mandatory now'] : []
    if (!is) return ['body: was removed']
    return [
      ...(is.required === true && was.required !== true ? ['body: is mandatory now'] : []),
      ...contentChanges(was, is, 'request'),
    ]
  }

  function contentChanges(was: Json, is: Json, side: Side): string[] {
    return entries(was.content).flatMap(([type, old]) => {
      const now = at(is, 'content', type)
      if (!now) return [`${type}: was removed`]
      const isProblem = type === 'application/problem+json'
      const later = isProblem ? withoutNew(old.schema, now.schema) : now.schema
      return schemas.changes(old.schema, later, side, 'body')
    })
  }
}

function schemaComparison(before: Json, after: Json) {
  /** Pairs that are being compared, for schemas that hold themselves. */
  const underWay = new Set<string>()

  function changes(was: unknown, is: unknown, side: Side, where: string): string[] {
    const pair = `${side} ${refOf(was)} ${refOf(is)}`
    const isNamed = refOf(was) !== '' && refOf(is) !== ''
    if (isNamed && underWay.has(pair)) return []
    if (isNamed) underWay.add(pair)
    const found = compared(resolved(before, was), resolved(after, is), side, where)
    underWay.delete(pair)
    return found
  }

  function compared(was: Json, is: Json, side: Side, where: string): string[] {
    const [old, now] = [alternatives(was), alternatives(is)]
    if (old.length === 1 && now.length === 1) return sameKind(was, is, side, where)
    // Each value that was taken must still fit one; each that comes must be one that could come before.
    const [from, to] = side === 'request' ? [old, now] : [now, old]
    return from.flatMap((one) =>
      to.some((other) => {
        const [a, b] = side === 'request' ? [one, other] : [other, one]
        return changes(a, b, side, where).length === 0
      })
        ? []
        : [
            `${where}: ${side === 'request' ? 'one of its forms is not taken any more' : 'has a form that it had not'}`,
          ],
    )
  }

  function sameKind(was: Json, is: Json, side: Side, where: string): string[] {
    return [
      ...typeChanges(was, is, side, where),
      ...wordChanges(was, is, side, where),
      ...(side === 'request' ? boundChanges(was, is, where) : []),
      ...memberChanges(was, is, side, where),
      ...(was.items === undefined || is.items === undefined
        ? []
        : changes(was.items, is.items, side, `${where}/*`)),
    ]
  }

  function memberChanges(was: Json, is: Json, side: Side, where: string): string[] {
    const [old, now] = [entries(was.properties), entries(is.properties)]
    const required = (schema: Json) => new Set(schema.required as readonly string[] | undefined)
    const [needed, needs] = [required(was), required(is)]
    return [
      ...old.flatMap(([name, schema]) => {
        const at = `${where}/${name}`
        const other = now.find(([one]) => one === name)?.[1]
        if (other === undefined) return [`${at}: was removed`]
        return [
          ...(side === 'request' && needs.has(name) && !needed.has(name) ? [`${at}: is mandatory now`] : []),
          ...(side === 'answer' && needed.has(name) && !needs.has(name) ? [`${at}: may be absent now`] : []),
          ...changes(schema, other, side, at),
        ]
      }),
      ...now.flatMap(([name]) =>
        side === 'request' && needs.has(name) && !old.some(([one]) => one === name)
          ? [`${where}/${name}: is new and mandatory`]
          : [],
      ),
    ]
  }

  return { changes }
}

function typeChanges(was: Json, is: Json, side: Side, where: string): string[] {
  const typesOf = ({ type }: Json) => (type === undefined ? undefined : [type].flat().map(String))
  const [old, now] = [typesOf(was), typesOf(is)]
  const [from, to] = side === 'request' ? [old, now] : [now, old]
  // Without a type it is anything.
  if (to === undefined) return []
  const fits = (type: string) => to.includes(type) || (type === 'integer' && to.includes('number'))
  return from?.every(fits)
    ? []
    : [`${where}: was ${old?.join(' or ') ?? 'anything'}, is ${now?.join(' or ') ?? 'anything'}`]
}

function wordChanges(was: Json, is: Json, side: Side, where: string): string[] {
  const wordsOf = (schema: Json) =>
    'const' in schema ? [schema.const] : (schema.enum as readonly unknown[] | undefined)
  const [old, now] = [wordsOf(was), wordsOf(is)]
  if (side === 'answer' || now === undefined) return []
  if (old === undefined) return [`${where}: takes only ${now.join(', ')} now`]
  const left = old.filter((word) => !now.includes(word))
  return left.length === 0 ? [] : [`${where}: does not take ${left.join(', ')} any more`]
}

/** Bounds of requests: the keyword, and whether a greater value takes less. */
const bounds = {
  minimum: true,
  exclusiveMinimum: true,
  minLength: true,
  minItems: true,
  minProperties: true,
  maximum: false,
  exclusiveMaximum: false,
  maxLength: false,
  maxItems: false,
  maxProperties: false,
} as const

function boundChanges(was: Json, is: Json, where: string): string[] {
  const narrower = Object.entries(bounds).filter(([keyword, isLower]) => {
    const [old, now] = [was[keyword], is[keyword]] as [number | undefined, number | undefined]
    return now !== undefined && (old === undefined || (isLower ? now > old : now < old))
  })
  const closed = is.additionalProperties === false && was.additionalProperties !== false
  return [
    ...narrower.map(([keyword]) => `${where}: ${keyword} was ${was[keyword] ?? 'none'}, is ${is[keyword]}`),
    // Whether one expression takes all that another takes cannot be told, so every change of one counts.
    ...(['pattern', 'format'] as const).flatMap((keyword) =>
      is[keyword] !== undefined && is[keyword] !== was[keyword]
        ? [`${where}: ${keyword} was ${was[keyword] ?? 'none'}, is ${is[keyword]}`]
        : [],
    ),
    ...(closed ? [`${where}: takes no other fields any more`] : []),
  ]
}

/** The problems of a status without those, by the names of their schemas, that it was not answered with before. */
function withoutNew(was: unknown, is: unknown): unknown {
  const known = new Set(alternatives(was as Json).map(refOf))
  const kept = alternatives(is as Json).filter((one) => refOf(one) === '' || known.has(refOf(one)))
  return kept.length === 1 ? kept[0] : { anyOf: kept }
}

function alternatives(schema: Json): readonly unknown[] {
  return (schema.anyOf ?? schema.oneOf ?? [schema]) as readonly unknown[]
}

function refOf(schema: unknown): string {
  return String((schema as Json | undefined)?.$ref ?? '')
}

function resolved(document: Json, schema: unknown): Json {
  const ref = refOf(schema)
  if (ref === '') return (schema ?? {}) as Json
  const found = at(document, ...ref.slice('#/'.length).split('/'))
  if (!found) throw new Error(`${ref}: there is no such schema`)
  return resolved(document, found)
}

function at(value: Json, ...names: readonly string[]): Json | undefined {
  let here: unknown = value
  for (const name of names) here = (here as Json | undefined)?.[name]
  return here as Json | undefined
}

function entries(value: unknown): [string, Json][] {
  return Object.entries((value ?? {}) as Record<string, Json>)
}
