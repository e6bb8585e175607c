/** Faults in values, held against TypeBox, which checks by the whole of JSON Schema. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Value } from 'typebox/value'
import { blockSchema } from './config/carriers/block-schema.ts'
import { providerSchemas } from './config/provider-settings.ts'
import { settingsSchema } from './config/settings-schema.ts'
import type { Schema } from './json-schema.ts'
import { faultFinder } from './schema-faults.ts'

const schemas: Readonly<Record<string, Schema>> = { settingsSchema, blockSchema, ...providerSchemas }

/** Keywords that are checked, and those that describe. */
const known = new Set([
  ...[
    'type',
    'const',
    'enum',
    'anyOf',
    'properties',
    'required',
    'additionalProperties',
    'patternProperties',
  ],
  ...['minProperties', 'maxProperties', 'items', 'minItems', 'maxItems', 'minLength', 'maxLength', 'pattern'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'description', 'default', 'secret', 'example'],
])

function* partsOf(schema: Schema): Generator<Schema> {
  yield schema
  const { properties = {}, patternProperties = {}, anyOf = [], items } = schema
  for (const one of [
    ...Object.values(properties as object),
    ...Object.values(patternProperties as object),
    ...(anyOf as Schema[]),
    ...(items === undefined ? [] : [items]),
  ] as Schema[])
    yield* partsOf(one)
}

test('schemas of the settings use no keyword that is not checked', () => {
  for (const schema of Object.values(schemas))
    for (const part of partsOf(schema))
      assert.deepEqual(
        Object.keys(part).filter((keyword) => !known.has(keyword)),
        [],
      )
})

/** Values near those that a schema describes: many are right in most of their parts. */
function near(schema: Schema): fc.Arbitrary<unknown> {
  const { type, const: constant, anyOf, items, properties = {}, patternProperties = {} } = schema
  const odd = fc.constantFrom<unknown>(
    null,
    true,
    0,
    1.5,
    -1,
    1e9,
    Number.NaN,
    '',
    'x',
    '5/1h',
    '60s',
    [],
    {},
    ['x', 1],
  )
  const meant = (): fc.Arbitrary<unknown> => {
    if (constant !== undefined) return fc.constant(constant)
    if (anyOf) return fc.oneof(...(anyOf as Schema[]).map(near))
    if (type === 'array') return fc.array(near((items ?? {}) as Schema), { maxLength: 3 })
    if (type !== 'object') return odd
    const named = Object.entries(properties as Record<string, Schema>).map(([name, one]) => [name, near(one)])
    const [pattern] = Object.values(patternProperties as Record<string, Schema>)
    return fc
      .tuple(
        fc.record(Object.fromEntries(named) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [] }),
        pattern
          ? fc.dictionary(fc.constantFrom('a', 'b-1', 'Z', '200'), near(pattern), { maxKeys: 2 })
          : fc.constant({}),
        fc.oneof(
          { weight: 5, arbitrary: fc.constant({}) },
          { weight: 1, arbitrary: fc.constant({ unheardOf: 1 }) },
        ),
      )
      .map((parts) => Object.assign({}, ...parts) as unknown)
  }
  return fc.oneof({ weight: 6, arbitrary: meant() }, { weight: 1, arbitrary: odd })
}

const brief = (faults: Iterable<{ keyword: string; instancePath: string; schemaPath: string }>) =>
  [...faults]
    .filter(({ keyword }) => keyword !== 'boolean') // said by additionalProperties, too
    .map(({ keyword, instancePath, schemaPath }) => `${keyword} ${instancePath} ${schemaPath}`)

test('a value has the faults that TypeBox finds', () => {
  for (const [name, schema] of Object.entries(schemas)) {
    const find = faultFinder(schema)
    fc.assert(
      fc.property(near(schema), (value) => {
        const ours = find(value)
        const isRight = Value.Check(schema as never, value)
        assert.equal(ours.length === 0, isRight, name)
        // TypeBox stops at eight faults.
        const theirs = brief(Value.Errors(schema as never, value))
        if (ours.length < 6) assert.deepEqual(brief(ours), theirs)
      }),
      { numRuns: 150 },
    )
  }
})
