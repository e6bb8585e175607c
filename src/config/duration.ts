/** Durations and limits as settings write them: always with their unit. */

const units = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const duration = /^(\d{1,9})(ms|s|m|h|d)$/

/** @param text  Such as `60s`, `10m`, `24h` or `30d`. @returns Milliseconds; undefined if it is no duration. */
export function parseDuration(text: string): number | undefined {
  const match = duration.exec(text)
  return match ? Number(match[1]) * units[match[2] as keyof typeof units] : undefined
}

/** The shortest form of a duration, in its largest whole unit. */
export function formatDuration(ms: number): string {
  const [unit, size] = (Object.entries(units) as [string, number][]).findLast(
    ([, size]) => ms % size === 0 && ms >= size,
  ) ?? ['ms', 1]
  return `${ms / size}${unit}`
}

/** @param text  Such as `5/1h`, at most five in any hour. @returns undefined if it is no such limit. */
export function parseWindow(text: string): { max: number; perMs: number } | undefined {
  const [max = '', per = ''] = text.split('/')
  const perMs = parseDuration(per)
  return /^\d{1,9}$/.test(max) && Number(max) > 0 && perMs ? { max: Number(max), perMs } : undefined
}

export function formatWindow({ max, perMs }: { max: number; perMs: number }): string {
  return `${max}/${formatDuration(perMs)}`
}
