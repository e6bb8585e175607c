/** Checks bodies by the schemas of their routes, in the place of Fastify's own compilers, which take long to load. */

import type { FastifyServerOptions } from 'fastify'
import type { Schema } from '../json-schema.ts'
import { type Fault, faultFinder } from '../schema-faults.ts'

/** Strict in types: "1" is no number, and a missing field is not filled in. */
// Fastify's types want builders that take Ajv's options; ours has none to take.
export const bodyCheck = {
  compilersFactory: { buildValidator: () => validatorOf, buildSerializer: () => noSerializer },
} as unknown as NonNullable<FastifyServerOptions['schemaController']>

/** In the form that Fastify calls: returns false for a wrong value and leaves its faults in a property. */
function validatorOf({ schema }: { readonly schema: Schema }) {
  const find = faultFinder(schema)
  const validate = Object.assign(
    (value: unknown): boolean => {
      validate.errors = find(value)
      return validate.errors.length === 0
    },
    { errors: [] as Fault[] },
  )
  return validate
}

/** No route has a schema of its answer. */
function noSerializer(): never {
  throw new Error('answers are written as they are')
}
