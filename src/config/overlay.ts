/** Lays environment and flags over the values of a settings file, and notes where each setting came from. */

import { nearest } from './problems.ts'
import { type Scalar, scalars } from './settings-schema.ts'

export type SettingsSource = 'default' | 'file' | 'environment' | 'flag'

/** An effective setting; secrets are masked. */
export type SourcedSetting = {
  readonly path: string
  readonly value: string
  readonly source: SettingsSource
}

export type Words = Readonly<Record<string, string | undefined>>

/** Names in the environment that belong to no single setting. */
export const otherNames = {
  keyRing: 'COUNTERSIGN_KEY_RING_KEYS',
  config: 'COUNTERSIGN_CONFIG',
} as const

/**
 * @param raw  The values of the file; changed in place.
 * @param schemaOf  The schema of a provider's settings, which depends on the section.
 * @param problems  Gets a sentence for each word that its setting cannot have.
 */
export function overlay(
  raw: Record<string, unknown>,
  { env, flags }: { readonly env: Words; readonly flags: Words },
  schemaOf: (section: Readonly<Record<string, unknown>>) => object | undefined,
  problems: string[],
): SourcedSetting[] {
  const providers = isSection(raw.providers) ? Object.entries(raw.providers) : []
  const settable = [
    ...scalars(),
    ...providers.flatMap(([name, one]) => {
      const schema = isSection(one) ? schemaOf(one) : undefined
      return schema ? scalars(schema, ['providers', name]) : []
    }),
  ]
  const sourced = settable.map((scalar) => lay(raw, scalar, env, flags, problems))
  refuseSlips(env, settable, problems)
  const keys = env[otherNames.keyRing]
  if (keys !== undefined) {
    const at = sourced.findIndex(({ path }) => path === 'keyRing')
    sourced[at] = { path: 'keyRing', value: `(keys in ${otherNames.keyRing})`, source: 'environment' }
  }
  for (const [id, overrides] of Object.entries(isSection(raw.apps) ? raw.apps : {}))
    sourced.push({ path: `apps.${id}`, value: JSON.stringify(overrides), source: 'file' })
  if (Array.isArray(raw.testAddresses))
    sourced.push({ path: 'testAddresses', value: `(${raw.testAddresses.length})`, source: 'file' })
  return sourced
}

function lay(
  raw: Record<string, unknown>,
  scalar: Scalar,
  env: Words,
  flags: Words,
  problems: string[],
): SourcedSetting {
  const path = scalar.path.join('.')
  let source: SettingsSource = valueAt(raw, scalar.path) === undefined ? 'default' : 'file'
  for (const [given, from] of [
    [env[scalar.env], 'environment'],
    [flags[path], 'flag'],
  ] as const)
    if (given !== undefined) {
      setAt(raw, scalar.path, read(scalar, given, problems))
      source = from
    }
  const value = valueAt(raw, scalar.path) ?? scalar.schema.default ?? null
  const isSecret = scalar.schema.secret ?? scalar.path.at(-1) === 'password'
  const isMasked = isSecret && value !== null
  return {
    path,
    value: isMasked ? '(secret)' : typeof value === 'string' ? value : JSON.stringify(value),
    source,
  }
}

/**
 * Refuses misspelt names, because they would silently leave a default in force. A name that resembles no setting is
 * ignored: orchestrators add names of their own, such as COUNTERSIGN_SERVICE_HOST.
 */
function refuseSlips(env: Words, settable: readonly Scalar[], problems: string[]): void {
  const known = [...settable.map((one) => one.env), ...Object.values(otherNames)]
  for (const name of Object.keys(env)) {
    if (!name.startsWith('COUNTERSIGN_') || known.includes(name)) continue
    // A short name may differ in fewer letters: COUNTERSIGN_PORT comes from an orchestrator and is not HOT misspelt.
    const near = nearest(name, known, Math.min(2, Math.floor(name.slice('COUNTERSIGN_'.length).length / 3)))
    if (near) problems.push(`${name}: is not a setting; did you mean ${near}?`)
  }
}

/** A word of the environment, converted to the type of its setting. */
function read({ schema, env }: Scalar, text: string, problems: string[]): unknown {
  const types = [schema.type, ...(schema.anyOf ?? []).map((one) => one.type)]
  if (types.includes('boolean')) {
    if (text === 'true' || text === 'false') return text === 'true'
    if (!types.includes('array')) {
      problems.push(`${env}: must be true or false`)
      return undefined
    }
  }
  if (types.includes('null') && text === 'null') return null
  if (types.includes('integer') || types.includes('number'))
    return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
  if (types.includes('array') && text !== 'all')
    return text === '' ? [] : text.split(',').map((one) => one.trim())
  return text
}

function isSection(value: unknown): value is Record<string, Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function valueAt(raw: Record<string, unknown>, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown> | null | undefined)?.[name], raw)
}

function setAt(raw: Record<string, unknown>, path: readonly string[], value: unknown): void {
  if (value === undefined) return
  let at = raw
  for (const name of path.slice(0, -1)) {
    if (typeof at[name] !== 'object' || at[name] === null) at[name] = {}
    at = at[name] as Record<string, unknown>
  }
  at[path.at(-1)!] = value
}
