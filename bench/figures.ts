/** How figures are put: medians over rounds, their spread, and rows of a table. */

export function median(all: readonly number[]): number {
  const sorted = [...all].sort((a, b) => a - b)
  const middle = sorted.length / 2
  const [below, above] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return below === undefined || above === undefined ? Number.NaN : (below + above) / 2
}

/** The median of one part of each. */
export function medianOf<T>(all: readonly T[], part: (one: T) => number): number {
  return median(all.map(part))
}

export function fixed(value: number, digits = 2): string {
  return value.toFixed(digits)
}

/** The least and the greatest. */
export function spread(all: readonly number[], digits = 2): string {
  return `${fixed(Math.min(...all), digits)}–${fixed(Math.max(...all), digits)}`
}

export function row(...cells: readonly (string | number)[]): string {
  return `| ${cells.join(' | ')} |`
}

export function heading(...cells: readonly string[]): string[] {
  return [row(...cells), `|${'---|'.repeat(cells.length)}`]
}
