/** Reads the settings from file, environment and flags, checks them whole, and freezes them. */

import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseDocument } from 'yaml'
import { addressKey, parseAddress } from '../address/address.ts'
import { AppError } from '../errors.ts'
import { defaultPolicy, policyProblems, policyWith } from './app-policy.ts'
import { parseDuration } from './duration.ts'
import { problemsOf } from './problems.ts'
import { providersOf } from './provider-settings.ts'
import type { Endpoint, Settings, TestAddress } from './settings.ts'
import { type Scalar, type SettingsFile, scalars, settingsSchema } from './settings-schema.ts'

export type SettingsSource = 'default' | 'file' | 'environment' | 'flag'

export type LoadedSettings = {
  readonly settings: Settings
  /** Each setting's effective value and where it came from; secrets are masked. */
  readonly sources: readonly {
    readonly path: string
    readonly value: string
    readonly source: SettingsSource
  }[]
}

export type SettingsInput = {
  readonly file: string | null
  readonly env: Readonly<Record<string, string | undefined>>
  /** By path, e.g. `{ data: './x' }`. */
  readonly flags: Readonly<Record<string, string | undefined>>
  readonly isDevelopment: boolean
  /** Commands beside `serve` need no provider and no certificate. Default true. */
  readonly isServing?: boolean
}

/** @throws AppError `config.invalid` with every problem, one a line. */
export function loadSettings({
  file,
  env,
  flags,
  isDevelopment,
  isServing = true,
}: SettingsInput): LoadedSettings {
  const problems: string[] = []
  const raw = file === null ? {} : readFile(file)
  const sources = overlay(raw, env, flags, problems)
  problems.push(...problemsOf(settingsSchema, raw))
  if (problems.length > 0) throw invalid(problems, file)
  const set = raw as SettingsFile

  const dataFolder = resolve(set.data ?? './data')
  const { providers, routes } = providersOf(set, env, isDevelopment, problems)
  if (set.policy) problems.push(...policyProblems(set.policy, 'policy'))
  for (const [id, overrides] of Object.entries(set.apps ?? {}))
    problems.push(...policyProblems(overrides, `apps.${id}`))
  const https = endpointOf('https', set.https ?? '127.0.0.1:8443', problems)
  const http = endpointOf('http', set.http ?? '127.0.0.1:8080', problems)
  const isBehindProxy = set.behindProxy ?? false
  if (http && !isBehindProxy && !isLoopback(http.host))
    problems.push(
      `http: ${http.host} is not a loopback address; serve HTTPS, or set behindProxy if a proxy in front ends TLS`,
    )
  if (!https && !http) problems.push('https, http: at least one must listen')
  const store = /^sqlite:(.+)$/.exec(set.store ?? `sqlite:${join(dataFolder, 'countersign.db')}`)
  if (!store) problems.push('store: must be sqlite:FILE')
  const keyRingFile = resolve(set.keyRing ?? join(dataFolder, 'master.key'))
  const keyRing = env.COUNTERSIGN_KEY_RING_KEYS ?? null
  const tls = set.tls
    ? { certificateFile: resolve(set.tls.certificate), keyFile: resolve(set.tls.key) }
    : isDevelopment
      ? {
          certificateFile: join(dataFolder, 'tls', 'certificate.pem'),
          keyFile: join(dataFolder, 'tls', 'key.pem'),
        }
      : null
  if (isDevelopment) {
    // The key ring and the certificate are made at first start.
  } else {
    if (set.limits === 'none') problems.push('limits: none is for load tests; it works only with --dev')
    if (isServing) {
      if (file === null)
        problems.push('--config: a settings file is needed without --dev; docs/config.md tells what goes in')
      if (keyRing === null && !existsSync(keyRingFile))
        problems.push(
          `keyRing: ${keyRingFile} does not exist; make one with "countersign keys rotate", keep a copy in a safe place`,
        )
      if (Object.keys(providers).length === 0) problems.push('providers: at least one real carrier is needed')
      for (const [name, one] of Object.entries(providers))
        if (one.type === 'sandbox')
          problems.push(`providers.${name}: the sandbox sends nothing; it works only with --dev`)
      if (!set.tls && https && !(isBehindProxy && set.https === undefined))
        problems.push(
          'tls: certificate and key are needed for https; or set behindProxy, and https: off, if a proxy in front ends TLS',
        )
      if (set.policy?.countries === undefined && routes.sms.length > 0)
        problems.push(
          'policy.countries: must be stated; each country you allow is one you can be made to pay for',
        )
    }
  }
  for (const path of isServing && set.tls ? [set.tls.certificate, set.tls.key] : [])
    if (!existsSync(path)) problems.push(`tls: ${path} does not exist`)
  const testAddresses = (set.testAddresses ?? []).flatMap((one, i) =>
    testAddressOf(one, `testAddresses.${i}`, problems),
  )
  if (problems.length > 0) throw invalid(problems, file)

  const settings: Settings = {
    isDevelopment,
    dataFolder,
    https: isBehindProxy && set.https === undefined ? null : https,
    http,
    tls,
    trustedProxies: set.trustedProxies ?? [],
    isBehindProxy,
    keyRingFile,
    keyRing,
    store: { engine: 'sqlite', path: resolve(store![1]!) },
    hasLimits: set.limits !== 'none',
    retentionMs: parseDuration(set.retention ?? '30d')!,
    log: {
      level: (set.log?.level ?? 'info') as Settings['log']['level'],
      requests: (set.log?.requests ?? 'failures') as Settings['log']['requests'],
    },
    providers,
    routes,
    templates: {
      folder: set.templates?.folder ? resolve(set.templates.folder) : null,
      signature: set.templates?.signature ?? '会议服务',
      product: set.templates?.product ?? 'Countersign',
    },
    policy: policyWith(defaultPolicy, set.policy ?? {}),
    apps: set.apps ?? {},
    testAddresses,
  }
  return { settings: deepFreeze(settings), sources }
}

function readFile(path: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw invalid([`--config: ${path} cannot be read (${(error as { code?: string }).code})`], null)
  }
  const document = parseDocument(text)
  if (document.errors.length > 0)
    throw invalid(
      document.errors.map((error) => error.message.split('\n')[0]!),
      path,
    )
  const value: unknown = document.toJS() ?? {}
  if (typeof value !== 'object' || Array.isArray(value))
    throw invalid(['must hold settings as "name: value" lines'], path)
  return value as Record<string, unknown>
}

/** Lays environment and flags over the file's values, in place, and notes where each came from. */
function overlay(
  raw: Record<string, unknown>,
  env: SettingsInput['env'],
  flags: SettingsInput['flags'],
  problems: string[],
): LoadedSettings['sources'] {
  return scalars().map((scalar) => {
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
    return { path, value: typeof value === 'string' ? value : JSON.stringify(value), source }
  })
}

/** A word of the environment as the type its setting has. */
function read({ schema, env }: Scalar, text: string, problems: string[]): unknown {
  const types = [schema.type, ...(schema.anyOf ?? []).map((one) => one.type)]
  if (types.includes('boolean')) {
    if (text === 'true' || text === 'false') return text === 'true'
    problems.push(`${env}: must be true or false`)
    return undefined
  }
  if (types.includes('null') && text === 'null') return null
  if (types.includes('integer') || types.includes('number')) return text.trim() === '' ? text : Number(text)
  if (types.includes('array') && text !== 'all')
    return text === '' ? [] : text.split(',').map((one) => one.trim())
  return text
}

function valueAt(raw: Record<string, unknown>, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], raw)
}

function setAt(raw: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = raw
  for (const name of path.slice(0, -1)) {
    if (typeof at[name] !== 'object' || at[name] === null) at[name] = {}
    at = at[name] as Record<string, unknown>
  }
  if (value !== undefined) at[path.at(-1)!] = value
}

/** `HOST:PORT` with IPv6 in brackets; port 0 is any free one; `off` is none. */
function endpointOf(name: string, text: string, problems: string[]): Endpoint | null {
  if (text === 'off') return null
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match && port <= 65_535) return { host: match[1] ?? match[2]!, port }
  problems.push(`${name}: must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8443, or off`)
  return null
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)
}

function testAddressOf(
  one: { address: string; code: string; until: string },
  where: string,
  problems: string[],
): TestAddress[] {
  const parsed = parseAddress(one.address)
  const until = Date.parse(`${one.until}T00:00:00Z`) + 86_400_000
  if (parsed.kind === 'refused')
    problems.push(`${where}.address: is no valid mobile number or e-mail address`)
  if (Number.isNaN(until)) problems.push(`${where}.until: is no date`)
  return parsed.kind === 'parsed' ? [{ address: addressKey(parsed.address), code: one.code, until }] : []
}

function invalid(problems: readonly string[], file: string | null): AppError {
  return new AppError(
    'config.invalid',
    `The settings${file ? ` in ${file}` : ''} cannot work:\n- ${problems.join('\n- ')}`,
  )
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const one of Object.values(value)) deepFreeze(one)
  }
  return value
}
