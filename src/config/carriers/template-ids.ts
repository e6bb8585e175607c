/** A carrier's own ids of the templates it has approved, by message and language, as a section states them. */

import { declared, locales } from '../../delivery/template-values.ts'
import { type Static, Type } from '../../json-schema.ts'
import { strict } from '../policy-schema.ts'
import type { CarrierBlock } from './block-schema.ts'

/** By template and locale. */
export type TemplateIds = Readonly<Record<string, Readonly<Record<string, TemplateId>>>>
export type TemplateId = {
  readonly id: string
  /** Positions in the message's variables, in the order of the carrier's template, and their names. */
  readonly variables: readonly { readonly at: number; readonly name: string }[]
}

/** The template whose id serves where that of a newer one is not stated. Both have the same variables. */
const substitutes: Readonly<Partial<Record<keyof typeof declared, keyof typeof declared>>> = {
  'recovery-started': 'contact-changed',
}

/** Those that were there from the beginning must be stated; of others a carrier sends those that are. */
const needed: readonly (keyof typeof declared)[] = ['code', 'contact-changed']

/** The variables of a template that carriers get; the others serve texts only. */
const variablesOf = (template: keyof typeof declared) => declared[template].slice(0, 3)

const templateId = Type.Union([
  Type.String({ minLength: 1 }),
  Type.Object({ id: Type.String({ minLength: 1 }), variables: Type.Array(Type.String()) }, strict),
])
const templateNames = Object.keys(declared) as (keyof typeof declared)[]
/** The form in which a section states them. */
export const templateIdsSchema = Type.Object(
  Object.fromEntries(
    templateNames.map((name) => [name, needed.includes(name) ? idsOf(name) : Type.Optional(idsOf(name))]),
  ),
  strict,
)

function idsOf(name: keyof typeof declared) {
  const byLocale = Type.Object(Object.fromEntries(locales.map((locale) => [locale, templateId])), strict)
  const substitute = substitutes[name]
  const without = needed.includes(name)
    ? ''
    : ` Without it ${substitute ? `that of ${substitute} serves` : 'this carrier does not bring the message'}.`
  return Type.Union([...templateId.anyOf, byLocale], {
    description: `Id of the carrier’s template for this message; or \`{ id, variables }\` with which of ${variablesOf(name).join(', ')} it takes, in its order; or either by language, ${locales.join(' and ')}.${without}`,
  })
}

type TemplateIdFile = Static<typeof templateId>

/** @returns null for a carrier that takes texts. */
export function readTemplateIds(
  block: CarrierBlock,
  file: Static<typeof templateIdsSchema> | undefined,
  where: string,
  problems: string[],
): TemplateIds | null {
  if (block.takesTemplateIds !== true) {
    if (file !== undefined) problems.push(`${where}: this carrier takes texts; leave them out`)
    return null
  }
  const stated = (file ?? {}) as Readonly<Record<string, TemplateIdFile | Record<string, TemplateIdFile>>>
  // A problem of both languages is reported once.
  const found = new Set<string>()
  const ids: Record<string, Record<string, TemplateId>> = {}
  for (const template of templateNames)
    for (const locale of locales) {
      const source = stated[template] === undefined ? (substitutes[template] ?? template) : template
      const at = `${where}.${source}`
      const own = stated[source]
      const one = own !== undefined && isByLocale(own) ? own[locale] : own
      if (own === undefined && !needed.includes(source)) continue
      if (one === undefined) {
        found.add(`${at}: must be stated; the carrier takes only templates it has approved, by their id`)
        continue
      }
      const known = variablesOf(template)
      const { id, variables = known } = typeof one === 'string' ? { id: one } : one
      for (const name of variables)
        if (!known.includes(name)) found.add(`${at}.variables: ${name} is none of ${known.join(', ')}`)
      if (template === 'code' && !variables.includes('code'))
        found.add(`${at}.variables: must have code, or the message would go out without it`)
      ids[template] ??= {}
      ids[template][locale] = { id, variables: variables.map((name) => ({ at: known.indexOf(name), name })) }
    }
  problems.push(...found)
  return ids
}

function isByLocale(
  stated: TemplateIdFile | Record<string, TemplateIdFile>,
): stated is Record<string, TemplateIdFile> {
  return typeof stated === 'object' && !('id' in stated)
}
