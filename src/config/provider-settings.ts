/** The providers section: each carrier's settings by its type, and which carrier serves which channel. */

import type { ObjectSchema } from '../json-schema.ts'
import type { Channel } from '../message/channel.ts'
import { problemsOf } from './problems.ts'
import { httpKind } from './providers/http.ts'
import {
  commonSchema,
  type ProviderKind,
  readCommon,
  type Surroundings,
  wholeSchema,
} from './providers/kind.ts'
import { sandboxKind } from './providers/sandbox.ts'
import { smppKind } from './providers/smpp.ts'
import { smtpKind } from './providers/smtp.ts'
import type { ProviderSettings, Settings } from './settings.ts'
import type { SettingsFile } from './settings-schema.ts'

/** Every type of carrier there is. */
const kinds: Readonly<Record<string, ProviderKind<never>>> = {
  sandbox: sandboxKind,
  smpp: smppKind,
  smtp: smtpKind,
  http: httpKind,
} as never

/** The schema of each type's section, apart from the parts that depend on the section itself. */
export const providerSchemas: Readonly<Record<string, ObjectSchema>> = Object.fromEntries(
  Object.entries(kinds).map(([type, kind]) => [type, wholeSchema(kind)]),
)

export function providerSchema(section: Readonly<Record<string, unknown>>): ObjectSchema | undefined {
  const { type } = section
  if (typeof type !== 'string' || !Object.hasOwn(providerSchemas, type)) return undefined
  const special = kinds[type]!.schemaFor?.(section)
  return special ? wholeSchema({ schema: special }) : providerSchemas[type]
}

/** The channels a carrier of these settings serves. */
export function channelsOf(settings: ProviderSettings): readonly Channel[] {
  return kinds[settings.type]!.channels(settings as never)
}

/** Whether a carrier with these settings gives receipts. */
export function givesReceipts(settings: ProviderSettings): boolean {
  return kinds[settings.type]!.givesReceipts(settings as never)
}

/** The settings of this type that limit all workers together, besides those that every carrier has. */
export function sharedNumbers(settings: ProviderSettings): readonly string[] {
  return kinds[settings.type]!.shared ?? []
}

export function providersOf(
  set: SettingsFile,
  surroundings: Surroundings,
  problems: string[],
): Settings['providers'] {
  const given = set.providers ?? {}
  const providers: Record<string, ProviderSettings> = {}
  for (const [name, one] of Object.entries(given)) {
    const where = `providers.${name}`
    const schema = providerSchema(one as Readonly<Record<string, unknown>>)
    if (!schema) {
      problems.push(`${where}.type: must be one of ${Object.keys(providerSchemas).join(', ')}`)
      continue
    }
    const found = problemsOf(schema, one, where)
    problems.push(...found)
    if (found.length > 0) continue
    const own = Object.fromEntries(Object.entries(one).filter(([key]) => !(key in commonSchema.properties)))
    providers[name] = {
      ...(kinds[one.type]!.read(own as never, where, problems, {
        ...surroundings,
        name,
      }) as ProviderSettings),
      ...readCommon(one as never, where, problems),
    }
  }
  return providers
}
