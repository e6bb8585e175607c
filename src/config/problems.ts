/** The faults of a value against its schema, in words by which an operator can mend it. Shows no secret. */

import type { Schema } from '../json-schema.ts'
import { type Fault, faultFinder } from '../schema-faults.ts'
import type { ScalarSchema } from './settings-schema.ts'

/**
 * @param where  The path of the value itself; empty for the whole settings.
 * @returns Sentences, each beginning with the path of the setting and a colon.
 */
export function problemsOf(schema: Schema, value: unknown, where = ''): string[] {
  const problems = new Set<string>()
  for (const error of ofMeantAlternatives(faultFinder(schema)(value))) {
    if (saidAround.has(error.keyword)) continue
    const path = [where, ...error.instancePath.split('/').slice(1)].filter(Boolean).join('.')
    const params = error.params as Record<string, unknown>
    const found = shown(path, valueAt(value, error.instancePath), schemaAt(schema, error.instancePath))
    switch (error.keyword) {
      case 'additionalProperties':
        for (const name of params.additionalProperties as string[]) {
          const known = Object.keys(schemaOf(schema, error.schemaPath).properties ?? {})
          const near = nearest(name, known)
          const hint = near ? `; did you mean ${near}?` : `; known here: ${known.join(', ')}`
          problems.add(
            known.length > 0
              ? `${join(path, name)}: is not a setting${hint}`
              : `${join(path, name)}: a name takes a-z, 0-9 and -, and begins with a letter`,
          )
        }
        break
      case 'required':
        for (const name of params.requiredProperties as string[])
          problems.add(`${join(path, name)}: must be stated`)
        break
      case 'type':
        problems.add(`${path}: must be of type ${params.type}${found}${unquoted(params.type, found)}`)
        break
      case 'pattern':
        problems.add(`${path}: is not of the form ${formOf(String(params.pattern))}${found}`)
        break
      case 'minimum':
      case 'exclusiveMinimum':
        problems.add(
          `${path}: must be ${error.keyword === 'minimum' ? 'at least' : 'more than'} ${params.limit}${found}`,
        )
        break
      case 'maximum':
        problems.add(`${path}: must be at most ${params.limit}${found}`)
        break
      case 'anyOf':
        problems.add(`${path}: must be one of the values docs/config.md lists for it${found}`)
        break
      default:
        problems.add(`${path}: ${error.message}${found}`)
    }
  }
  return [...problems]
}

/**
 * For a value that may be of several kinds, only the faults of the kind that was meant. Otherwise the first fault of a
 * misspelt route would be that it is not a name either, and would hide the error.
 */
function ofMeantAlternatives(errors: readonly Fault[]): readonly Fault[] {
  const beside = new Set<Fault>()
  for (const union of errors.filter((one) => one.keyword === 'anyOf')) {
    const { schemaPath, instancePath } = union
    const within = errors.filter(
      (one) =>
        one.schemaPath.startsWith(`${schemaPath}/anyOf/`) &&
        `${one.instancePath}/`.startsWith(`${instancePath}/`),
    )
    const otherKinds = within.filter((one) => one.keyword === 'type' && one.instancePath === instancePath)
    const isTold = within.some((one) => !otherKinds.includes(one) && !saidAround.has(one.keyword))
    if (isTold) for (const one of [union, ...otherKinds]) beside.add(one)
  }
  return errors.filter((one) => !beside.has(one))
}

/** Keywords whose faults are left out, because the fault of the union around them names all permitted values. */
const saidAround: ReadonlySet<string> = new Set(['const', 'enum'])

/** @param path  A JSON pointer into the schema, after a #. */
function schemaOf(schema: Schema, path: string): { properties?: Record<string, Schema> } {
  return valueAt(schema, path.slice(1)) as { properties?: Record<string, Schema> }
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

const secret = /password|code|key|token|secret|address/i
const maxShown = 40

/** The value at fault, unless it is a secret. */
function shown(path: string, value: unknown, { secret: isSecret }: ScalarSchema): string {
  if (isSecret === true || secret.test(path) || value === undefined) return ''
  const text = JSON.stringify(value)
  return `; found ${text.length > maxShown ? `${text.slice(0, maxShown)}…` : text}`
}

function valueAt(value: unknown, path: string): unknown {
  return path
    .split('/')
    .slice(1)
    .reduce<unknown>((at, name) => (at as Record<string, unknown> | null | undefined)?.[name], value)
}

/** A hint for a text without quotes: YAML reads 60 as a number. */
function unquoted(type: unknown, found: string): string {
  return type === 'string' && /[0-9]$/.test(found)
    ? '; a time has its unit, such as 60s; other text, quotes'
    : ''
}

const forms: readonly (readonly [part: string, form: string])[] = [
  ['}/[1-9]', 'COUNT/TIME, such as 5/1h'],
  ['(/delivered)', 'CHANNEL/TIME or CHANNEL/TIME/delivered, such as voice/30s'],
  ['(ms|s|m|h|d)', 'a number with its unit, such as 60s, 10m, 24h or 30d'],
  ['{4}-', 'YYYY-MM-DD'],
  ['[0-9]{6,10}', '6 to 10 digits'],
  ['\\+[1-9]', 'a plus and digits, such as +86170'],
  ['[A-Z]{2}', 'two capital letters, such as CN'],
]

function formOf(pattern: string): string {
  return forms.find(([part]) => pattern.includes(part))?.[1] ?? pattern
}

function schemaAt(schema: Schema, path: string): ScalarSchema & { properties?: Record<string, Schema> } {
  let at = schema as ReturnType<typeof schemaAt>
  for (const name of path.split('/').slice(1)) at = (at.properties?.[name] ?? {}) as typeof at
  return at
}

/** The known name within two edits, if there is one. */
export function nearest(name: string, known: readonly string[], most = 2): string | undefined {
  const scored = known.map((one) => ({ one, distance: distance(name.toLowerCase(), one.toLowerCase()) }))
  scored.sort((a, b) => a.distance - b.distance)
  return scored[0] && scored[0].distance <= most ? scored[0].one : undefined
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}
