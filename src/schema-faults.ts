/** Where a value is not as its schema demands: the keywords of JSON Schema that our schemas use, no others. */

import type { Schema } from './json-schema.ts'

export type Fault = {
  readonly keyword: string
  /** JSON pointer into the schema, after a #. */
  readonly schemaPath: string
  /** JSON pointer into the value. */
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message: string
}

/** Adds the faults of a value that stands at a JSON pointer. */
type Check = (value: unknown, at: string, faults: Fault[]) => void
type Keywords = Readonly<Record<string, unknown>>
type Report = (faults: Fault[], at: string, keyword: string, params: Fault['params'], message: string) => void
type Section = Readonly<Record<string, unknown>>

/**
 * Prepares a schema, so that a right value of a few properties takes under a microsecond.
 * @returns Finds every fault; those of a union that nothing fits come with the faults of each of its parts.
 */
export function faultFinder(schema: Schema): (value: unknown) => Fault[] {
  const check = checkOf(schema, '#')
  return (value) => {
    const faults: Fault[] = []
    check(value, '', faults)
    return faults
  }
}

function checkOf(schema: Schema, schemaPath: string): Check {
  const report: Report = (faults, instancePath, keyword, params, message) =>
    faults.push({ keyword, schemaPath, instancePath, params, message })
  const checks = [
    ...typeCheck(schema, report),
    ...objectChecks(schema, report),
    ...nestedChecks(schema, schemaPath),
    ...arrayChecks(schema, report),
    ...textChecks(schema, report),
    ...numberChecks(schema, report),
    ...constantChecks(schema, report),
    ...unionCheck(schema, report, schemaPath),
  ]
  return (value, at, faults) => {
    for (const check of checks) check(value, at, faults)
  }
}

function typeCheck({ type }: Keywords, report: Report): Check[] {
  if (typeof type !== 'string') return []
  const isRight = typeTests[type]!
  return [
    (value, at, faults) => {
      if (!isRight(value)) report(faults, at, 'type', { type }, `must be ${type}`)
    },
  ]
}

const typeTests: Readonly<Record<string, (value: unknown) => boolean>> = {
  null: (value) => value === null,
  array: Array.isArray,
  object: isSection,
  integer: Number.isInteger,
  // A number that JSON could not carry, such as NaN, is none.
  number: Number.isFinite,
  string: (value) => typeof value === 'string',
  boolean: (value) => typeof value === 'boolean',
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function objectChecks(
  { required, properties = {}, patternProperties = {}, ...bounds }: Keywords,
  report: Report,
): Check[] {
  const checks: ((value: Section, names: readonly string[], at: string, faults: Fault[]) => void)[] = []
  if (required !== undefined)
    checks.push((value, _, at, faults) => {
      const requiredProperties = (required as string[]).filter((name) => !Object.hasOwn(value, name))
      if (requiredProperties.length === 0) return
      const message = `must have required properties ${requiredProperties.join(', ')}`
      report(faults, at, 'required', { requiredProperties }, message)
    })
  if (bounds.additionalProperties === false) {
    const patterns = Object.keys(patternProperties as object).map((pattern) => new RegExp(pattern, 'u'))
    const isKnown = (name: string) =>
      Object.hasOwn(properties as object, name) || patterns.some((pattern) => pattern.test(name))
    checks.push((_, names, at, faults) => {
      const additionalProperties = names.filter((name) => !isKnown(name))
      if (additionalProperties.length === 0) return
      const message = 'must not have additional properties'
      report(faults, at, 'additionalProperties', { additionalProperties }, message)
    })
  }
  const { minProperties, maxProperties } = bounds
  if (minProperties !== undefined || maxProperties !== undefined)
    checks.push((_, { length }, at, faults) => {
      if (length < Number(minProperties ?? 0))
        report(faults, at, 'minProperties', { limit: minProperties }, `must have at least ${minProperties}`)
      if (length > Number(maxProperties ?? Number.POSITIVE_INFINITY))
        report(faults, at, 'maxProperties', { limit: maxProperties }, `must have at most ${maxProperties}`)
    })
  if (checks.length === 0) return []
  return [
    (value, at, faults) => {
      if (!isSection(value)) return
      const names = Object.keys(value)
      for (const check of checks) check(value, names, at, faults)
    },
  ]
}

/** The faults of the parts that a value consists of. */
function nestedChecks({ patternProperties, properties, items }: Keywords, schemaPath: string): Check[] {
  const below = (keyword: string, of: unknown) =>
    Object.entries((of ?? {}) as Readonly<Record<string, Schema>>).map(
      ([name, schema]) => [name, checkOf(schema, `${schemaPath}/${keyword}/${name}`)] as const,
    )
  const patterns = below('patternProperties', patternProperties).map(
    ([pattern, check]) => [new RegExp(pattern, 'u'), check] as const,
  )
  const named = below('properties', properties)
  const ofItem = items === undefined ? undefined : checkOf(items as Schema, `${schemaPath}/items`)
  const ofObject: Check = (value, at, faults) => {
    if (!isSection(value)) return
    for (const [pattern, check] of patterns)
      for (const name of Object.keys(value))
        if (pattern.test(name)) check(value[name], `${at}/${name}`, faults)
    for (const [name, check] of named)
      if (value[name] !== undefined && Object.hasOwn(value, name)) check(value[name], `${at}/${name}`, faults)
  }
  const ofArray: Check = (value, at, faults) => {
    if (Array.isArray(value)) for (const [i, one] of value.entries()) ofItem?.(one, `${at}/${i}`, faults)
  }
  return [...(patterns.length + named.length > 0 ? [ofObject] : []), ...(ofItem ? [ofArray] : [])]
}

function arrayChecks({ minItems, maxItems }: Keywords, report: Report): Check[] {
  if (minItems === undefined && maxItems === undefined) return []
  return [
    (value, at, faults) => {
      if (!Array.isArray(value)) return
      if (value.length < Number(minItems ?? 0))
        report(faults, at, 'minItems', { limit: minItems }, `must not have fewer than ${minItems} items`)
      if (value.length > Number(maxItems ?? Number.POSITIVE_INFINITY))
        report(faults, at, 'maxItems', { limit: maxItems }, `must not have more than ${maxItems} items`)
    },
  ]
}

function textChecks({ minLength, maxLength, pattern }: Keywords, report: Report): Check[] {
  const checks: Check[] = []
  const min = Number(minLength ?? 0)
  const max = Number(maxLength ?? Number.POSITIVE_INFINITY)
  if (minLength !== undefined || maxLength !== undefined)
    checks.push((value, at, faults) => {
      if (typeof value !== 'string') return
      // JSON Schema counts characters, of which a text has between half as many as UTF-16 units and as many.
      if (value.length >= min * 2 && value.length <= max) return
      const { length } = [...value]
      if (length < min)
        report(faults, at, 'minLength', { limit: min }, `must not have fewer than ${min} characters`)
      if (length > max)
        report(faults, at, 'maxLength', { limit: max }, `must not have more than ${max} characters`)
    })
  if (typeof pattern === 'string') {
    const form = new RegExp(pattern, 'u')
    checks.push((value, at, faults) => {
      if (typeof value === 'string' && !form.test(value))
        report(faults, at, 'pattern', { pattern }, `must match pattern ${pattern}`)
    })
  }
  return checks
}

function numberChecks({ minimum, exclusiveMinimum, maximum }: Keywords, report: Report): Check[] {
  const check =
    (keyword: string, limit: number, isRight: (value: number) => boolean, sign: string): Check =>
    (value, at, faults) => {
      if (Number.isFinite(value) && !isRight(value as number))
        report(faults, at, keyword, { limit }, `must be ${sign} ${limit}`)
    }
  return [
    ...bound(exclusiveMinimum, (limit) => check('exclusiveMinimum', limit, (value) => value > limit, '>')),
    ...bound(minimum, (limit) => check('minimum', limit, (value) => value >= limit, '>=')),
    ...bound(maximum, (limit) => check('maximum', limit, (value) => value <= limit, '<=')),
  ]
}

function bound(limit: unknown, check: (limit: number) => Check): Check[] {
  return typeof limit === 'number' ? [check(limit)] : []
}

function constantChecks(schema: Keywords, report: Report): Check[] {
  const checks: Check[] = []
  if ('const' in schema)
    checks.push((value, at, faults) => {
      if (value !== schema.const)
        report(faults, at, 'const', { allowedValue: schema.const }, 'must be equal to constant')
    })
  const { enum: values } = schema
  if (Array.isArray(values))
    checks.push((value, at, faults) => {
      const message = 'must be equal to one of the allowed values'
      if (!values.includes(value)) report(faults, at, 'enum', { allowedValues: values }, message)
    })
  return checks
}

function unionCheck({ anyOf }: Keywords, report: Report, schemaPath: string): Check[] {
  if (!Array.isArray(anyOf)) return []
  const parts = anyOf.map((one, i) => checkOf(one as Schema, `${schemaPath}/anyOf/${i}`))
  return [
    (value, at, faults) => {
      const before = faults.length
      let isFit = false
      for (const part of parts) {
        const begun = faults.length
        part(value, at, faults)
        isFit = faults.length === begun
        if (isFit) break
      }
      if (isFit) faults.length = before
      else report(faults, at, 'anyOf', {}, 'must match a schema in anyOf')
    },
  ]
}
