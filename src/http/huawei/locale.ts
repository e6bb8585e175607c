/** The two languages of the dialect, and which one a caller wants. */

export type Locale = 'zh-CN' | 'en-US'

/**
 * Reads `Accept-Language` by its quality values. Any `en*` is English, any `zh*` Chinese; with no
 * acceptable one, or none known, the reference's default: Chinese.
 */
export function localeOf(header: string | undefined): Locale {
  if (header === undefined || header === 'zh-CN') return 'zh-CN'
  if (header === 'en-US') return 'en-US'
  let best: Locale = 'zh-CN'
  let bestQuality = 0
  for (const part of header.slice(0, 256).split(',')) {
    const [range = '', ...parameters] = part.split(';')
    const tag = range.trim().toLowerCase()
    const locale = /^en(-|$)/.test(tag) ? 'en-US' : /^zh(-|$)|^\*$/.test(tag) ? 'zh-CN' : undefined
    if (!locale) continue
    const weight = parameters.map((one) => /^\s*q\s*=\s*(\d(?:\.\d{0,3})?)\s*$/i.exec(one)?.[1]).find(Boolean)
    const quality = weight === undefined ? 1 : Number(weight)
    if (quality > bestQuality) {
      best = locale
      bestQuality = quality
    }
  }
  return best
}
