/** The providers section: each carrier's settings by its type, and which carrier serves which channel. */

import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEmailAddress } from '../address/email-address.ts'
import { parseDuration } from './duration.ts'
import { problemsOf } from './problems.ts'
import type { ProviderSettings, Settings } from './settings.ts'
import {
  type SandboxFile,
  type SettingsFile,
  type SmtpFile,
  sandboxSchema,
  smtpSchema,
} from './settings-schema.ts'

export const providerSchemas = { sandbox: sandboxSchema, smtp: smtpSchema } as const
const channelsOf = { sandbox: ['sms', 'email'], smtp: ['email'] } as const

export function providerSchema(type: unknown): object | undefined {
  return typeof type === 'string' && Object.hasOwn(providerSchemas, type)
    ? providerSchemas[type as keyof typeof providerSchemas]
    : undefined
}

export function providersOf(set: SettingsFile, problems: string[]): Pick<Settings, 'providers' | 'routes'> {
  const given = set.providers ?? {}
  const providers: Record<string, ProviderSettings> = {}
  for (const [name, one] of Object.entries(given)) {
    const where = `providers.${name}`
    const schema = providerSchema(one.type)
    if (!schema) {
      problems.push(`${where}.type: must be one of ${Object.keys(providerSchemas).join(', ')}`)
      continue
    }
    const found = problemsOf(schema, one, where)
    problems.push(...found)
    if (found.length > 0) continue
    providers[name] =
      one.type === 'sandbox' ? sandboxOf(one as SandboxFile) : smtpOf(one as SmtpFile, where, problems)
  }
  const route = (channel: 'sms' | 'email') => {
    const serving = Object.keys(providers).filter((name) =>
      (channelsOf[providers[name]!.type] as readonly string[]).includes(channel),
    )
    const stated = set.routes?.[channel]
    for (const name of stated ?? [])
      if (!serving.includes(name))
        problems.push(
          `routes.${channel}: ${name} is ${name in given ? `no provider of ${channel}` : 'not among the providers'}`,
        )
    return stated ?? serving
  }
  return { providers, routes: { sms: route('sms'), email: route('email') } }
}

function sandboxOf(one: SandboxFile): ProviderSettings {
  return {
    type: 'sandbox',
    delayMs: parseDuration(one.delay ?? '0s')!,
    lossRate: one.lossRate ?? 0,
    refusalRate: one.refusalRate ?? 0,
    unavailableRate: one.unavailableRate ?? 0,
  }
}

function smtpOf(one: SmtpFile, where: string, problems: string[]): ProviderSettings {
  const security = (one.security ?? 'starttls') as 'tls' | 'starttls' | 'none'
  if (security === 'none' && !['localhost', '127.0.0.1', '::1'].includes(one.host))
    problems.push(
      `${where}.security: none is only for a mail server on this machine; codes would cross the network in clear`,
    )
  if (parseEmailAddress(one.from.address).kind === 'refused')
    problems.push(`${where}.from.address: is no valid e-mail address`)
  for (const [name, path] of [
    ['passwordFile', one.passwordFile],
    ['dkim.privateKeyFile', one.dkim?.privateKeyFile],
    ['caFile', one.caFile],
  ] as const)
    if (path !== undefined && !existsSync(path)) problems.push(`${where}.${name}: ${path} does not exist`)
  if (one.password !== undefined && one.passwordFile !== undefined)
    problems.push(`${where}: password and passwordFile are both stated; state one`)
  const password =
    one.password ??
    (one.passwordFile && existsSync(one.passwordFile)
      ? readFileSync(one.passwordFile, 'utf8').trim()
      : undefined)
  if ((one.user === undefined) !== ((one.password ?? one.passwordFile) === undefined))
    problems.push(`${where}: user and password (or passwordFile) go together`)
  return {
    type: 'smtp',
    host: one.host,
    port: one.port ?? (security === 'tls' ? 465 : 587),
    security,
    user: one.user ?? null,
    password: password ?? null,
    from: { name: one.from.name ?? 'Countersign', address: one.from.address },
    connections: one.connections ?? 5,
    dkim: one.dkim ? { ...one.dkim, privateKeyFile: resolve(one.dkim.privateKeyFile) } : null,
    caFile: one.caFile ? resolve(one.caFile) : null,
  }
}
