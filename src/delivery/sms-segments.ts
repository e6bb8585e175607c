/** How many parts a text takes as SMS, by GSM 03.38 (3GPP TS 23.038) and UCS-2. */

const basic = new Set(
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà',
)
/** Reached through an escape: two septets each. */
const extended = new Set('\f^{}\\[~]|€')

export type SmsSegments = {
  readonly encoding: 'gsm-7' | 'ucs-2'
  /** Septets or UTF-16 units. */
  readonly units: number
  readonly segments: number
}

/** One character outside GSM-7 turns the whole text to UCS-2. */
export function segmentsOf(text: string): SmsSegments {
  const costs: number[] = []
  let isGsm = true
  for (const character of text) {
    const cost = basic.has(character) ? 1 : extended.has(character) ? 2 : 0
    if (cost === 0) isGsm = false
    costs.push(cost)
  }
  if (isGsm) return { encoding: 'gsm-7', ...parts(costs, 160, 153) }
  return {
    encoding: 'ucs-2',
    ...parts(
      [...text].map((character) => character.length),
      70,
      67,
    ),
  }
}

/** An escape and its character, or a surrogate pair, is never split between two parts. */
function parts(costs: readonly number[], single: number, each: number): { units: number; segments: number } {
  const units = costs.reduce((sum, cost) => sum + cost, 0)
  if (units <= single) return { units, segments: units === 0 ? 0 : 1 }
  let segments = 1
  let used = 0
  for (const cost of costs) {
    if (used + cost > each) {
      segments++
      used = 0
    }
    used += cost
  }
  return { units, segments }
}
