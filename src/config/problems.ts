/** What a schema finds wrong with a value, in words an operator can mend it by. Never shows values: some are secrets. */

import type { TSchema } from 'typebox'
import { Settings } from 'typebox/system'
import { Value } from 'typebox/value'

/** @param where  The path of the value itself; empty for the whole settings. */
export function problemsOf(schema: TSchema, value: unknown, where = ''): string[] {
  Settings.Set({ maxErrors: 1000 }) // the default of eight would hide the rest
  const problems = new Set<string>()
  for (const error of Value.Errors(schema, value)) {
    const path = [where, ...error.instancePath.split('/').slice(1)].filter(Boolean).join('.')
    const params = error.params as Record<string, unknown>
    switch (error.keyword) {
      case 'additionalProperties':
        for (const name of params.additionalProperties as string[]) {
          const known = Object.keys(propertiesAt(schema, error.instancePath))
          const near = nearest(name, known)
          problems.add(
            `${join(path, name)}: is not a setting${near ? `; did you mean ${near}?` : `; known here: ${known.join(', ')}`}`,
          )
        }
        break
      case 'required':
        for (const name of params.requiredProperties as string[])
          problems.add(`${join(path, name)}: must be stated`)
        break
      case 'type':
        problems.add(`${path}: must be of type ${params.type}`)
        break
      case 'pattern':
        problems.add(`${path}: is not of the form ${formOf(String(params.pattern))}`)
        break
      case 'minimum':
      case 'exclusiveMinimum':
        problems.add(
          `${path}: must be ${error.keyword === 'minimum' ? 'at least' : 'more than'} ${params.limit}`,
        )
        break
      case 'maximum':
        problems.add(`${path}: must be at most ${params.limit}`)
        break
      case 'boolean':
      case 'const':
      case 'enum':
        break // what surrounds it says it whole
      case 'anyOf':
        problems.add(`${path}: must be one of the values docs/config.md lists for it`)
        break
      default:
        problems.add(`${path}: ${error.message}`)
    }
  }
  return [...problems]
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function formOf(pattern: string): string {
  if (pattern.includes('/')) return 'COUNT/TIME, such as 5/1h'
  if (pattern.includes('(ms|s|m|h|d)')) return 'a number with its unit, such as 60s, 10m, 24h or 30d'
  return pattern
}

function propertiesAt(schema: TSchema, path: string): Record<string, TSchema> {
  let at = schema as { properties?: Record<string, TSchema> }
  for (const name of path.split('/').slice(1)) at = (at.properties?.[name] ?? {}) as typeof at
  return at.properties ?? {}
}

/** The known name within two edits, if there is one. */
function nearest(name: string, known: readonly string[]): string | undefined {
  const scored = known.map((one) => ({ one, distance: distance(name.toLowerCase(), one.toLowerCase()) }))
  scored.sort((a, b) => a.distance - b.distance)
  return scored[0] && scored[0].distance <= 2 ? scored[0].one : undefined
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
