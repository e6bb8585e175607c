/** The operator's further templates of codes, which a start chooses by name, and the values that its caller gives for them. */

import { membersIn } from '../liquid.ts'
import type { CodeChoice, RenderMessage } from './rendered-message.ts'
import { holdsLink, problemsIn, type TextRules } from './template-check.ts'
import { type Locale, locales, oneLine, type Values } from './template-values.ts'

/** The usual template of a code, which is always there. */
export const usualTemplate = 'code'

/** A template of files `code-NAME.LOCALE.PART`. Where it has no file, that of the usual template serves. */
export type OwnTemplate = {
  readonly name: string
  /** Names of the values that its files use, `values.NAME`. Each must be given. */
  readonly values: readonly string[]
}

/** The templates that a start may choose. */
export type CodeTemplates = {
  readonly names: readonly string[]
  /**
   * What is wrong with a choice; undefined: nothing.
   * @param locale  One that there are templates of; undefined: of all.
   */
  faultOf(choice: CodeChoice, locale?: string): ChoiceFault | undefined
}

/** `pointer`: a JSON pointer from the place of both. */
export type ChoiceFault = { readonly pointer: string; readonly detail: string }

const fileName = /^code-([a-z][a-z0-9-]{0,31})\.(.+)$/

/** @returns The name of the template that a file is of, and the file of the usual one in its place; undefined: it is of none. */
export function ownFile(file: string): { readonly name: string; readonly usual: string } | undefined {
  const [, name, rest] = fileName.exec(file) ?? []
  if (name === undefined || name === usualTemplate) return undefined
  return { name, usual: `${usualTemplate}.${rest}` }
}

/** @throws Error of one sentence for a malformed template. */
export function valuesUsedIn(source: string): readonly string[] {
  return membersIn(source, 'values')
}

/** The values as templates get them: each on one line, and none missing, should the template have changed since the start. */
export function givenValues({ values }: OwnTemplate, given: Values): Values {
  return Object.fromEntries(values.map((name) => [name, oneLine(given[name] ?? '')]))
}

/** Values to check a template with that no caller has given yet. */
export function sampleOf({ name, values }: OwnTemplate): CodeChoice {
  return { template: name, values: Object.fromEntries(values.map((one) => [one, 'x'])) }
}

export function createCodeTemplates(
  own: ReadonlyMap<string, OwnTemplate>,
  render: RenderMessage,
  rules: TextRules,
): CodeTemplates {
  const names = [usualTemplate, ...own.keys()]
  return {
    names,
    faultOf(choice, locale) {
      const { template, values } = choice
      if (!names.includes(template))
        return { pointer: '/template', detail: `is no template; there are ${names.join(', ')}` }
      const known = own.get(template)?.values ?? []
      for (const [name, value] of Object.entries(values)) {
        if (!known.includes(name)) {
          const there = known.length > 0 ? `it has ${known.join(', ')}` : 'it has none'
          return { pointer: `/values/${pointed(name)}`, detail: `is no value of ${template}; ${there}` }
        }
        if (oneLine(value).trim() === '') return { pointer: `/values/${name}`, detail: 'is empty' }
        if (holdsLink(value))
          return { pointer: `/values/${name}`, detail: 'holds a link; carriers filter those' }
      }
      const missing = known.find((name) => values[name] === undefined)
      if (missing !== undefined)
        return { pointer: `/values/${missing}`, detail: `must be given for the template ${template}` }
      if (known.length === 0) return undefined
      const found = locales.filter((one) => locale === undefined || one === locale).flatMap(problems)
      return found[0] === undefined
        ? undefined
        : { pointer: '/values', detail: `make a text that ${found[0]}` }

      function problems(one: Locale) {
        return [...problemsIn(render, 'code', one, rules, choice)].map(({ problem }) => problem)
      }
    },
  }
}

function pointed(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1')
}
