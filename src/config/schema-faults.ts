/** Finds where a value breaks its schema. Knows only the keywords of JSON Schema that the settings use. */

import type { Schema } from '../json-schema.ts'

export type Fault = {
  readonly keyword: string
  /** JSON pointer into the schema, after a #. */
  readonly schemaPath: string
  /** JSON pointer into the value. */
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message: string
}

type Place = { readonly schemaPath: string; readonly instancePath: string }

/** @returns Every fault. If no part of a union fits, the faults of each part come with it. */
export function faultsOf(schema: Schema, value: unknown): Fault[] {
  return within(schema, value, { schemaPath: '#', instancePath: '' })
}

function within(schema: Schema, value: unknown, place: Place): Fault[] {
  const faults: Fault[] = []
  const fault = (keyword: string, params: Fault['params'], message: string) =>
    faults.push({ keyword, ...place, params, message })
  const { type, const: constant, enum: values, anyOf, ...keywords } = schema
  if (typeof type === 'string' && !isOfType(type, value)) fault('type', { type }, `must be ${type}`)
  if (Array.isArray(value)) faults.push(...faultsOfArray(keywords, value, place, fault))
  else if (typeof value === 'object' && value !== null)
    faults.push(...faultsOfObject(keywords, value as Readonly<Record<string, unknown>>, place, fault))
  else if (typeof value === 'string') checkText(keywords, value, fault)
  else if (typeof value === 'number') checkNumber(keywords, value, fault)
  if ('const' in schema && value !== constant)
    fault('const', { allowedValue: constant }, 'must be equal to constant')
  if (Array.isArray(values) && !values.includes(value))
    fault('enum', { allowedValues: values }, 'must be equal to one of the allowed values')
  if (Array.isArray(anyOf)) {
    const parts = anyOf.map((one, i) =>
      within(one as Schema, value, { ...place, schemaPath: `${place.schemaPath}/anyOf/${i}` }),
    )
    if (parts.every((part) => part.length > 0)) {
      faults.push(...parts.flat())
      fault('anyOf', {}, 'must match a schema in anyOf')
    }
  }
  return faults
}

type Keywords = Readonly<Record<string, unknown>>
type Report = (keyword: string, params: Fault['params'], message: string) => void

function faultsOfObject(
  {
    required = [],
    properties = {},
    patternProperties = {},
    additionalProperties,
    minProperties,
    maxProperties,
  }: Keywords,
  value: Readonly<Record<string, unknown>>,
  place: Place,
  fault: Report,
): Fault[] {
  const known = properties as Readonly<Record<string, Schema>>
  const patterns = Object.entries(patternProperties as Readonly<Record<string, Schema>>).map(
    ([pattern, schema]) => ({ pattern, schema, matches: new RegExp(pattern, 'u') }),
  )
  const missing = (required as readonly string[]).filter((name) => !Object.hasOwn(value, name))
  if (missing.length > 0)
    fault('required', { requiredProperties: missing }, `must have required properties ${missing.join(', ')}`)
  if (additionalProperties === false) {
    const additional = Object.keys(value).filter(
      (name) => !Object.hasOwn(known, name) && !patterns.some(({ matches }) => matches.test(name)),
    )
    if (additional.length > 0)
      fault(
        'additionalProperties',
        { additionalProperties: additional },
        'must not have additional properties',
      )
  }
  const { length } = Object.keys(value)
  if (typeof minProperties === 'number' && length < minProperties)
    fault('minProperties', { limit: minProperties }, `must not have fewer than ${minProperties} properties`)
  if (typeof maxProperties === 'number' && length > maxProperties)
    fault('maxProperties', { limit: maxProperties }, `must not have more than ${maxProperties} properties`)
  const below = (schema: Schema, keyword: string, by: string, name: string) =>
    within(schema, value[name], {
      schemaPath: `${place.schemaPath}/${keyword}/${by}`,
      instancePath: `${place.instancePath}/${name}`,
    })
  return [
    ...patterns.flatMap(({ pattern, schema, matches }) =>
      Object.keys(value)
        .filter((name) => matches.test(name))
        .flatMap((name) => below(schema, 'patternProperties', pattern, name)),
    ),
    ...Object.entries(known).flatMap(([name, schema]) =>
      value[name] === undefined ? [] : below(schema, 'properties', name, name),
    ),
  ]
}

function faultsOfArray(
  { items, minItems, maxItems }: Keywords,
  value: readonly unknown[],
  { schemaPath, instancePath }: Place,
  fault: Report,
): Fault[] {
  if (typeof minItems === 'number' && value.length < minItems)
    fault('minItems', { limit: minItems }, `must not have fewer than ${minItems} items`)
  if (typeof maxItems === 'number' && value.length > maxItems)
    fault('maxItems', { limit: maxItems }, `must not have more than ${maxItems} items`)
  if (items === undefined) return []
  return value.flatMap((one, i) =>
    within(items as Schema, one, {
      schemaPath: `${schemaPath}/items`,
      instancePath: `${instancePath}/${i}`,
    }),
  )
}

function checkText({ minLength, maxLength, pattern }: Keywords, value: string, fault: Report): void {
  // JSON Schema counts characters, not UTF-16 units.
  const { length } = [...value]
  if (typeof minLength === 'number' && length < minLength)
    fault('minLength', { limit: minLength }, `must not have fewer than ${minLength} characters`)
  if (typeof maxLength === 'number' && length > maxLength)
    fault('maxLength', { limit: maxLength }, `must not have more than ${maxLength} characters`)
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value))
    fault('pattern', { pattern }, `must match pattern ${pattern}`)
}

function checkNumber({ minimum, exclusiveMinimum, maximum }: Keywords, value: number, fault: Report): void {
  if (typeof exclusiveMinimum === 'number' && !(value > exclusiveMinimum))
    fault('exclusiveMinimum', { limit: exclusiveMinimum }, `must be > ${exclusiveMinimum}`)
  if (typeof minimum === 'number' && !(value >= minimum))
    fault('minimum', { limit: minimum }, `must be >= ${minimum}`)
  if (typeof maximum === 'number' && !(value <= maximum))
    fault('maximum', { limit: maximum }, `must be <= ${maximum}`)
}

function isOfType(type: string, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null
    case 'array':
      return Array.isArray(value)
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'integer':
      return Number.isInteger(value)
    default: // string, number, boolean
      return typeof value === type
  }
}
