/** The two languages of the dialect, and the choice of a caller. */

export type Locale = 'zh-CN' | 'en-US'

/**
 * Reads `Accept-Language` by its quality values. Any `en*` is English, any `zh*` Chinese. Without an acceptable language
 * that is known, it is the reference's default: Chinese.
 */
export function localeOf(header: string | undefined): Locale {
  if (header === undefined || header === 'zh-CN') return 'zh-CN'
  if (header === 'en-US') return 'en-US'
  let best: Locale = 'zh-CN'
  let bestQuality = 0
  for (const part of header.slice(0, 256).split(',')) {
    const [range = '', ...parameters] = part.split(';')
    // Java and POSIX write a locale with an underscore.
    const tag = range.trim().toLowerCase().replaceAll('_', '-')
    const locale = /^en(-|$)/.test(tag) ? 'en-US' : /^zh(-|$)|^\*$/.test(tag) ? 'zh-CN' : undefined
    const quality = qualityIn(parameters)
    if (!locale || quality <= bestQuality) continue
    best = locale
    bestQuality = quality
  }
  return best
}

/** The quality in `q=0.9`, also in `q=.9`, which clients send against RFC 9110 12.4.2; 1 if there is none. */
function qualityIn(parameters: readonly string[]): number {
  for (const parameter of parameters) {
    const [name = '', value = ''] = parameter.split('=')
    if (name.trim().toLowerCase() !== 'q') continue
    const quality = Number.parseFloat(value)
    return quality >= 0 && quality <= 1 ? quality : 1
  }
  return 1
}
