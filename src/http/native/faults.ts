/** Turns the faults that schemas find into problems, which name each place and rule. */

import type { Static } from '../../json-schema.ts'
import type { Fault } from '../../schema-faults.ts'
import type { Problem, problemFault } from './problems.ts'

type ProblemFault = Static<typeof problemFault>

/** @param part  The part of the request that was checked, in Fastify's words. */
export function problemOfFaults(faults: readonly Fault[], part: string | undefined): Problem {
  const errors = faults.flatMap((fault) => errorsOf(fault, part === 'querystring'))
  const unknown = errors.find(({ code }) => code === unknownCode)
  if (unknown)
    return {
      problem: 'unknown-field',
      detail: unknown.detail,
      members: { pointer: unknown.pointer ?? `?${unknown.parameter}`, errors },
    }
  const [first] = errors
  const where = first?.pointer ?? first?.parameter
  return {
    problem: 'invalid-request',
    detail: where ? `${where}: ${first!.detail}` : (first?.detail ?? 'The body is malformed.'),
    members: { errors },
  }
}

/** The problem of one query parameter or header. */
export function invalidParameter(parameter: string, code: string, detail: string): Problem {
  return {
    problem: 'invalid-request',
    detail: `${parameter}: ${detail}`,
    members: { errors: [{ parameter, code, detail }] },
  }
}

/** The problem of one place in the body that no schema finds. */
export function invalidField(pointer: string, code: string, detail: string): Problem {
  return {
    problem: 'invalid-request',
    detail: `${pointer}: ${detail}`,
    members: { errors: [{ pointer, code, detail }] },
  }
}

const unknownCode = 'unknown'

function errorsOf({ keyword, instancePath, params, message }: Fault, isQuery: boolean): ProblemFault[] {
  const at = (path: string) =>
    isQuery ? { parameter: path.replace(/^\//, '').replace(/\/.*/, '') } : { pointer: path }
  const below = (name: string) => `${instancePath}/${pointerPart(name)}`
  switch (keyword) {
    case 'required':
      return (params.requiredProperties as string[]).map((name) => ({
        ...at(below(name)),
        code: 'required',
        detail: 'It is mandatory.',
      }))
    case 'additionalProperties':
      return (params.additionalProperties as string[]).map((name) => ({
        ...at(below(name)),
        code: unknownCode,
        detail: 'There is no such field in this call.',
      }))
    // The faults of its parts stand beside it.
    case 'anyOf':
      return []
    default:
      return [{ ...at(instancePath), code: keyword, detail: `It ${message}.` }]
  }
}

function pointerPart(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
