/** The rank test for whether two samples of times come from the same distribution. */

/**
 * Mann–Whitney U, two-sided, by the normal approximation with ties corrected; for samples of hundreds or more.
 * @returns The p-value: small means that the two differ.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [
    ...a.map((value) => ({ value, isA: true })),
    ...b.map((value) => ({ value, isA: false })),
  ].sort((x, y) => x.value - y.value)
  let rankSum = 0
  let ties = 0
  for (let i = 0; i < all.length; ) {
    let j = i
    while (j < all.length && all[j]!.value === all[i]!.value) j++
    const rank = (i + 1 + j) / 2
    for (let k = i; k < j; k++) if (all[k]!.isA) rankSum += rank
    ties += (j - i) ** 3 - (j - i)
    i = j
  }
  const [n, m] = [a.length, b.length]
  const u = rankSum - (n * (n + 1)) / 2
  const variance = ((n * m) / 12) * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
  const z = (u - (n * m) / 2) / Math.sqrt(variance)
  return 2 * (1 - normal(Math.abs(z)))
}

/** The standard normal distribution function (Abramowitz and Stegun 26.2.17; error below 7.5e-8). */
function normal(x: number): number {
  const t = 1 / (1 + 0.2316419 * x)
  const tail =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return 1 - (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI)) * tail
}
