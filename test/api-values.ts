/** Values by the schemas of the API's document: right ones, and ones with something wrong. */

import fc from 'fast-check'
import type { JsonSchema } from './api-document.ts'

/** Gives better values for some properties than their schemas do, such as ids that exist. */
export type Known = (name: string) => fc.Arbitrary<unknown> | undefined

const nothingKnown: Known = () => undefined

/** Right values. @param name  Of the property that the value is for. */
export function rightValue(schema: JsonSchema, known = nothingKnown, name = ''): fc.Arbitrary<unknown> {
  const better = known(name)
  const bySchema = () => ofSchema(schema, known, name)
  return better
    ? fc.oneof({ weight: 3, arbitrary: better }, { weight: 1, arbitrary: bySchema() })
    : bySchema()
}

function ofSchema(schema: JsonSchema, known: Known, name: string): fc.Arbitrary<unknown> {
  const { anyOf, enum: words, type } = schema
  if ('const' in schema) return fc.constant(schema.const)
  if (words) return fc.constantFrom(...(words as unknown[]))
  if (anyOf) return fc.oneof(...(anyOf as JsonSchema[]).map((one) => rightValue(one, known, name)))
  switch (type) {
    case 'string':
      return textOf(schema)
    case 'integer':
      return fc.integer({ min: boundOf(schema.minimum, -5), max: boundOf(schema.maximum, 2 ** 31 - 1) })
    case 'number':
      return fc.double({ min: boundOf(schema.minimum, -5), max: boundOf(schema.maximum, 1e6), noNaN: true })
    case 'boolean':
      return fc.boolean()
    case 'null':
      return fc.constant(null)
    case 'array':
      return fc.array(rightValue((schema.items ?? {}) as JsonSchema, known, name), {
        minLength: boundOf(schema.minItems, 0),
        maxLength: Math.min(boundOf(schema.maxItems, 3), 4),
      })
    case 'object':
      return objectOf(schema, known)
    default:
      return fc.jsonValue({ maxDepth: 1 })
  }
}

function objectOf(schema: JsonSchema, known: Known): fc.Arbitrary<unknown> {
  const { properties = {}, patternProperties = {}, required = [] } = schema
  const named = Object.entries(properties as Record<string, JsonSchema>).map(
    ([name, one]) => [name, rightValue(one, known, name)] as const,
  )
  const all = fc.record(Object.fromEntries(named), { requiredKeys: required as string[] })
  // Each field may be one that a rule beyond the schema refuses, so most values have few that may be left out.
  const record = fc.tuple(all, fc.nat({ max: 3 }), fc.nat()).map(([value, most, from]) => {
    const names = Object.keys(value).filter((name) => !(required as string[]).includes(name))
    const left = most === 3 ? [] : names.filter((_, nth) => (nth + from) % names.length >= most)
    return Object.fromEntries(Object.entries(value).filter(([name]) => !left.includes(name)))
  })
  const [pairs] = Object.entries(patternProperties as Record<string, JsonSchema>)
  if (!pairs) return record
  const [pattern, values] = pairs
  const more = fc.dictionary(textOf({ pattern, maxLength: 8 }), rightValue(values), {
    minKeys: boundOf(schema.minProperties, 0),
    maxKeys: Math.min(boundOf(schema.maxProperties, 3), 4),
  })
  return fc.tuple(record, more).map(([one, other]) => ({ ...other, ...(one as object) }))
}

function textOf({ pattern, format, minLength, maxLength }: JsonSchema): fc.Arbitrary<string> {
  if (format === 'date-time')
    return fc
      .date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true })
      .map((date) => date.toISOString())
  const length = { minLength: boundOf(minLength, 0), maxLength: Math.min(boundOf(maxLength, 40), 300) }
  const plain = fc.string(length)
  if (typeof pattern !== 'string') return fc.oneof(plain, fc.string({ ...length, unit: 'grapheme' }))
  const rule = new RegExp(pattern, 'u')
  const fits = (text: string) =>
    rule.test(text) && text.length >= length.minLength && text.length <= boundOf(maxLength, 4000)
  // Classes of characters are beyond what fast-check makes by an expression.
  return (pattern.includes('\\p') ? plain : fc.stringMatching(rule)).filter(fits)
}

function boundOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

const odd = fc.oneof(
  fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e21, '', ' ', '\0', '\ud800', '__proto__', [], {}, [
    [[]],
  ]),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.jsonValue({ maxDepth: 2 }),
)

/** Right values with one part replaced by something else, left out, or added. */
export function wrongValue(schema: JsonSchema, known = nothingKnown): fc.Arbitrary<unknown> {
  return fc.oneof(
    odd,
    fc
      .tuple(rightValue(schema, known), fc.nat(), odd, fc.constantFrom('replace', 'remove', 'add'))
      .map(([value, at, other, act]) => changed(value, at, other, act)),
  )
}

function changed(value: unknown, at: number, other: unknown, act: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return other
  const names = Object.keys(value)
  const name = names[at % Math.max(1, names.length)]
  if (act === 'add' || name === undefined) return { ...value, unheard_of: other }
  const { [name]: inner, ...rest } = value as Record<string, unknown>
  if (act === 'remove') return rest
  return { ...value, [name]: typeof inner === 'object' ? changed(inner, at, other, 'replace') : other }
}
