/** The order that learns: it ranks carriers by the share of their codes that were used, and by cost. */

export type Observation = {
  readonly provider: string
  readonly region: string
  /** Messages accepted, and of those the ones whose code was used within its life. */
  readonly sent: number
  readonly used: number
}

export type Candidate = {
  readonly provider: string
  /** The cost of one message, in the unit of `worth`. */
  readonly cost: number
}

export type MeasuredOrder = {
  observe(observations: readonly Observation[]): void
  /**
   * The candidates in the order to try them.
   * @param worth  What a code that is used is worth.
   */
  order(candidates: readonly Candidate[], region: string, worth: number): readonly string[]
  /** The estimated share of used codes, and the number of messages it rests on; for people to read. */
  belief(provider: string, region: string): { readonly share: number; readonly messages: number }
}

export type Tuning = {
  /** After this time an observation counts half, because last night's results mean little today. */
  readonly halfLifeMs: number
  /** The most observations of each carrier: with much traffic a change must show after some hundred messages. */
  readonly maxKept: number
  /** The least share of messages for every candidate, so that the recovery of a bad one is noticed. */
  readonly floorShare: number
}

const defaultTuning: Tuning = { halfLifeMs: 30 * 60_000, maxKept: 600, floorShare: 0.01 }
/** The weight, in messages, of a provider's figures elsewhere for a region without figures. */
const borrowed = 4

type Arm = { used: number; unused: number; at: number }

/**
 * Thompson sampling: for each candidate a share of used codes is drawn from a Beta distribution, its estimate, and the
 * candidate with the best draw comes first. So an uncertain candidate is tried about as often as it may be the best,
 * and a candidate that is known to be worse is hardly ever tried.
 * @param now  Milliseconds.
 * @param random  0 to 1, 1 excluded; tests seed it.
 */
export function createMeasuredOrder(
  now: () => number,
  random: () => number,
  { halfLifeMs, maxKept, floorShare }: Tuning = defaultTuning,
): MeasuredOrder {
  const arms = new Map<string, Arm>()
  const armOf = (provider: string, region: string) => `${provider} ${region}`
  const anywhere = '*'

  function decayed(key: string): Arm {
    const arm = arms.get(key)
    if (!arm) return { used: 0, unused: 0, at: now() }
    const time = now()
    const kept = 2 ** (-(time - arm.at) / halfLifeMs)
    arm.used *= kept
    arm.unused *= kept
    arm.at = time
    return arm
  }

  function add(key: string, used: number, unused: number): void {
    const arm = decayed(key)
    arm.used += used
    arm.unused += unused
    const excess = (arm.used + arm.unused) / maxKept
    if (excess > 1) {
      arm.used /= excess
      arm.unused /= excess
    }
    arms.set(key, arm)
  }

  /** The estimate for a provider in a region: from its figures there and, with little weight, those elsewhere. */
  function believed(provider: string, region: string): { used: number; unused: number } {
    const own = decayed(armOf(provider, region))
    const all = decayed(armOf(provider, anywhere))
    const messages = all.used + all.unused
    const weight = messages === 0 ? 0 : Math.min(borrowed, messages) / messages
    return { used: 1 + own.used + all.used * weight, unused: 1 + own.unused + all.unused * weight }
  }

  return {
    observe(observations) {
      for (const { provider, region, sent, used } of observations) {
        add(armOf(provider, region), used, sent - used)
        add(armOf(provider, anywhere), used, sent - used)
      }
    },

    order(candidates, region, worth) {
      const drawn = candidates
        .map(({ provider, cost }) => {
          const { used, unused } = believed(provider, region)
          return { provider, score: sampleBeta(used, unused, random) * worth - cost }
        })
        .sort((a, b) => b.score - a.score)
        .map(({ provider }) => provider)
      const others = drawn.length - 1
      if (others > 0 && random() < floorShare * others) {
        const [lucky] = drawn.splice(1 + Math.floor(random() * others), 1)
        drawn.unshift(lucky!)
      }
      return drawn
    },

    belief(provider, region) {
      const { used, unused } = believed(provider, region)
      const own = decayed(armOf(provider, region))
      return { share: used / (used + unused), messages: own.used + own.unused }
    },
  }
}

/** One draw from Beta(a, b), as two draws from gamma distributions. */
function sampleBeta(a: number, b: number, random: () => number): number {
  const x = sampleGamma(a, random)
  return x / (x + sampleGamma(b, random))
}

/** Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; for shapes of at least 1. */
function sampleGamma(shape: number, random: () => number): number {
  const d = shape - 1 / 3
  const c = 1 / Math.sqrt(9 * d)
  for (;;) {
    const x = sampleNormal(random)
    const v = (1 + c * x) ** 3
    if (v <= 0) continue
    if (Math.log(1 - random()) < (x * x) / 2 + d - d * v + d * Math.log(v)) return d * v
  }
}

/** Box and Muller. */
function sampleNormal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}
