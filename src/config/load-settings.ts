/** Reads the settings from file, environment and flags, checks them all together, and freezes them. */

import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type AddressRules, addressKey, parseAddress } from '../address/address.ts'
import { AppError } from '../errors.ts'
import { channels } from '../message/channel.ts'
import { isNetwork } from '../network/networks.ts'
import { storeSetting } from '../store/engines.ts'
import { defaultAddressCap } from '../throttle/policy.ts'
import { addressRulesOf } from './address-rules.ts'
import { defaultPolicy, developmentPolicy, policyProblems, policyWith } from './app-policy.ts'
import { examineCertificate } from './certificate.ts'
import { parseDuration, parseWindow } from './duration.ts'
import { listenersOf, publicUrlOf } from './listener-settings.ts'
import { otherNames, overlay, type SourcedSetting, type Words } from './overlay.ts'
import { parseYaml } from './parse-yaml.ts'
import { passwordLimitsOf } from './password-settings.ts'
import { problemsOf } from './problems.ts'
import { carrierProblems, keyRingProblems, tlsProblems } from './production.ts'
import { channelsOf, givesReceipts, providerSchema, providersOf } from './provider-settings.ts'
import { type Endpoint, isHostOrNetwork, noHostOrNetwork } from './providers/parts.ts'
import { type RoutesFile, routesOf } from './routes.ts'
import type { Settings, TestAddress } from './settings.ts'
import { type SettingsFile, settingsSchema } from './settings-schema.ts'
import { storeOf } from './store-settings.ts'
import { undoTimesOf } from './undo-settings.ts'
import { workerProblems } from './worker-shares.ts'

const maxDrainMs = 60_000

export type LoadedSettings = {
  readonly settings: Settings
  /** Each setting's effective value and where it came from; secrets are masked. */
  readonly sources: readonly SourcedSetting[]
}

export type SettingsInput = {
  readonly file: string | null
  readonly env: Words
  /** By path, e.g. `{ data: './x' }`. */
  readonly flags: Words
  readonly isDevelopment: boolean
  /** Commands beside `serve` need no provider and no certificate. Default true. */
  readonly isServing?: boolean
}

/** @throws AppError `config.invalid` with every problem, one on each line. */
export function loadSettings({
  file,
  env,
  flags,
  isDevelopment,
  isServing = true,
}: SettingsInput): LoadedSettings {
  const problems: string[] = []
  const raw = file === null ? {} : readFile(file)
  // In development the sandbox takes all messages if no provider is stated.
  const hasProviders = raw.providers !== undefined
  if (isDevelopment) raw.providers ??= { sandbox: { type: 'sandbox' } }
  const stated = overlay(raw, { env, flags }, providerSchema, problems)
  problems.push(...problemsOf(settingsSchema, raw))
  // A section with a fault in its form is checked no further, but all others are: one start shows as much as possible.
  const misshapen = problems.length
  const wrong = new Set(problems.map(sectionOf))
  const set = Object.fromEntries(Object.entries(raw).filter(([name]) => !wrong.has(name))) as SettingsFile

  const dataFolder = resolve(set.data ?? './data')
  const publicUrl = publicUrlOf(set, problems)
  const providers = providersOf(set, { publicUrl, dataFolder }, problems)
  const routes = routesFor(set, providers, problems)
  const { sms } = defaultPolicy.lifetimeMs
  if (set.policy) problems.push(...policyProblems(set.policy, 'policy', sms))
  const smsLifeMs = parseDuration(set.policy?.lifetime?.sms ?? '') ?? sms
  for (const [id, overrides] of Object.entries(set.apps ?? {}))
    problems.push(...policyProblems(overrides, `apps.${id}`, smsLifeMs))
  const undo = undoTimesOf(set.undo, problems)
  const passwordLimits = passwordLimitsOf(set.passwords, problems)
  const listeners = listenersOf(set, problems)
  const store = storeOf(set, dataFolder, problems)
  const workers = set.workers ?? 1
  problems.push(...workerProblems(workers, store, providers))
  const drainMs = parseDuration(set.drain ?? (isDevelopment ? '100ms' : '1500ms')) ?? 0
  if (drainMs > maxDrainMs) problems.push('drain: must be at most 60s; requests wait for nothing then')
  const keyRingFile = resolve(set.keyRing ?? join(dataFolder, 'master.key'))
  const keyRing = env[otherNames.keyRing] ?? null
  const tls = set.tls
    ? { certificateFile: resolve(set.tls.certificate), keyFile: resolve(set.tls.key) }
    : isDevelopment
      ? {
          certificateFile: join(dataFolder, 'tls', 'certificate.pem'),
          keyFile: join(dataFolder, 'tls', 'key.pem'),
        }
      : null
  for (const one of set.webhooks?.allowPrivate ?? [])
    if (!isHostOrNetwork(one)) problems.push(noHostOrNetwork('webhooks', one))
  for (const proxy of set.trustedProxies ?? [])
    if (!isNetwork(proxy))
      problems.push(`trustedProxies: ${proxy} is no IP address or CIDR block, such as 10.0.0.0/8`)
  if ((parseDuration(set.retention ?? '30d') ?? 0) < 3_600_000)
    problems.push('retention: must be at least 1h; limits and receipts look back that far')
  const addressCap = parseWindow(set.addressCap ?? '') ?? defaultAddressCap
  if (addressCap.max < 2)
    problems.push('addressCap: must be at least 2: half of it is kept for whoever holds the address')
  if (!isDevelopment && set.limits === 'none')
    problems.push('limits: none is for load tests; it works only with --dev')
  // In development the first start makes the key ring and the certificate.
  if (!isDevelopment && isServing) {
    if (file === null)
      problems.push('--config: a settings file is needed without --dev; docs/config.md tells what goes in')
    if (keyRing === null) problems.push(...keyRingProblems(keyRingFile))
    problems.push(...tlsProblems(set, listeners), ...carrierProblems(set, providers, routes))
  }
  const addressRules = addressRulesOf(set, problems)
  if (isServing && set.tls && tls)
    problems.push(...examineCertificate(tls, new Date()).problems.map((one) => `tls: ${one}`))
  const testAddresses = (set.testAddresses ?? []).flatMap((one, i) =>
    testAddressOf(one, addressRules, `testAddresses.${i}`, problems),
  )
  const told = problems.filter((one, i) => i < misshapen || !wrong.has(sectionOf(one)))
  if (told.length > 0) throw invalid(told, file)

  const settings: Settings = {
    isDevelopment,
    dataFolder,
    https: listeners.https,
    http: listeners.http,
    publicUrl,
    tls,
    trustedProxies: set.trustedProxies ?? [],
    isBehindProxy: listeners.isBehindProxy,
    admin: {
      listen: listeners.admin,
      tokenFile: resolve(set.admin?.tokenFile ?? join(dataFolder, 'admin.token')),
    },
    metrics: {
      listen: listeners.metrics,
      tokenFile: set.metrics?.tokenFile ? resolve(set.metrics.tokenFile) : null,
    },
    keyRingFile,
    keyRing,
    store,
    workers,
    drainMs,
    hasLimits: set.limits !== 'none',
    addressCap,
    undo,
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
      smsParts: set.templates?.smsParts ?? 1,
    },
    addressRules,
    proofAlgorithm: (set.proofAlgorithm ?? 'EdDSA') as Settings['proofAlgorithm'],
    webhooks: { allowPrivate: set.webhooks?.allowPrivate ?? [] },
    policy: policyWith(isDevelopment ? developmentPolicy : defaultPolicy, set.policy ?? {}),
    passwordLimits,
    apps: set.apps ?? {},
    testAddresses,
  }
  // The values of defaults that depend on other settings.
  const derived: Record<string, string> = {
    https: settings.https ? addressOf(settings.https) : 'off',
    'tls.certificate': tls?.certificateFile ?? 'none',
    'tls.key': tls?.keyFile ?? 'none',
    keyRing: keyRingFile,
    'admin.tokenFile': settings.admin.tokenFile,
    ...(isDevelopment && { drain: '100ms' }),
    store: storeSetting(store),
    ...Object.fromEntries(
      channels.map((channel) => [
        `routes.${channel}`,
        JSON.stringify(stepsOf(routes.filter((route) => route.channel === channel))),
      ]),
    ),
    'policy.digits': String(settings.policy.digits),
  }
  const sources = stated.map((one): SourcedSetting => {
    if (one.path === 'providers.sandbox.type' && !hasProviders) return { ...one, source: 'default' }
    return one.source === 'default' ? { ...one, value: derived[one.path] ?? one.value } : one
  })
  return { settings: deepFreeze(settings), sources: deepFreeze(sources) }
}

function addressOf({ host, port }: Endpoint): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

function readFile(path: string): Record<string, unknown> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw invalid([`--config: ${path} cannot be read (${(error as { code?: string }).code})`], null)
  }
  const document = parseYaml(text)
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

function routesFor(
  set: SettingsFile,
  providers: Settings['providers'],
  problems: string[],
): Settings['routes'] {
  const { regions = defaultPolicy.regions, lifetimeMs = defaultPolicy.lifetimeMs.sms } = routedBy(set.policy)
  return routesOf(
    (set.routes ?? {}) as RoutesFile,
    {
      providers: new Map(
        Object.entries(providers).map(([name, one]) => [
          name,
          { channels: channelsOf(one), givesReceipts: givesReceipts(one), cost: one.cost },
        ]),
      ),
      stated: new Set(Object.keys(set.providers ?? {})),
      policy: { regions, lifetimeMs },
      apps: new Map(Object.entries(set.apps ?? {}).map(([app, own]) => [app, routedBy(own)])),
    },
    problems,
  )
}

/** The parts of the policy that routes depend on; other parts of it may be wrong. */
function routedBy(stated: SettingsFile['policy'] = {}) {
  const { countries, lifetime } = stated
  return {
    regions: countries === 'all' ? null : countries,
    lifetimeMs: lifetime?.sms === undefined ? undefined : parseDuration(lifetime.sms),
  }
}

/** Routes as the output of the settings shows them: a single route for all messages as the list of its carriers. */
function stepsOf(routes: Settings['routes']): unknown {
  const [route] = routes
  if (!route) return []
  const isPlain = routes.length === 1 && !route.countries && !route.tenants && !route.apps
  return isPlain ? route.steps.map((step) => step.provider) : routes
}

/** `policy` of `policy.lifetime.sms: is …`. */
function sectionOf(problem: string): string {
  return problem.slice(0, problem.search(/[.:]/))
}

function testAddressOf(
  one: { address: string; code: string; until: string },
  rules: AddressRules,
  where: string,
  problems: string[],
): TestAddress[] {
  const parsed = parseAddress(one.address, rules)
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
