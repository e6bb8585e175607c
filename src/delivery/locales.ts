/** Finds the language of a message among those that there are templates of. */

import { type Locale, locales } from './template-values.ts'

export type FoundLocale = {
  readonly locale: Locale
  /** What was looked for, the wanted one first, and the one that was found last. */
  readonly tried: readonly string[]
}

/**
 * The wanted language, then without its last parts, then in another country, as RFC 4647 looks up; then the usual one, or
 * that of the region.
 * @param wanted  BCP 47; undefined: by the region at once.
 * @param usual  null: by the region.
 * @param region  ISO region of a number; empty for e-mail.
 */
export function findLocale(wanted: string | undefined, usual: Locale | null, region: string): FoundLocale {
  const tried: string[] = []
  const found = (locale: Locale): FoundLocale => ({ locale, tried: [...new Set([...tried, locale])] })
  for (let range = wanted ?? ''; range !== ''; range = range.slice(0, Math.max(0, range.lastIndexOf('-')))) {
    tried.push(range)
    const same = locales.find((locale) => locale.toLowerCase() === range.toLowerCase())
    if (same) return found(same)
    // Only the language is left: any country's will do.
    const of = !range.includes('-') && locales.find((locale) => languageOf(locale) === range.toLowerCase())
    if (of) return found(of)
  }
  return found(usual ?? (region === 'CN' ? 'zh-CN' : 'en-US'))
}

function languageOf(locale: string): string {
  return locale.slice(0, locale.indexOf('-')).toLowerCase()
}
