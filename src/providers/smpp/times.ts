/** Writes how long a message is worth sending in the form of SMPP 3.4, 7.1.1. */

/** none: the carrier's own limit · relative: from the submit on · absolute: by the clock, for carriers without relative times. */
export type Validity = 'none' | 'relative' | 'absolute'

/** @param ms  From now on. */
export function validityPeriod(validity: Validity, ms: number): string {
  switch (validity) {
    case 'none':
      return ''
    case 'relative':
      return relativeTime(ms)
    case 'absolute':
      return absoluteTime(Date.now() + secondsOf(ms) * 1000)
  }
}

/** 7.1.1.2: `YYMMDDhhmmss000R`. */
export function relativeTime(ms: number): string {
  const seconds = secondsOf(ms)
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor(seconds / 3_600) % 24
  const minutes = Math.floor(seconds / 60) % 60
  return `0000${two(days)}${two(hours)}${two(minutes)}${two(seconds % 60)}000R`
}

/** 7.1.1.1: `YYMMDDhhmmsstnnp`, in UTC: tenths of a second, and no quarter of an hour ahead of UTC. */
export function absoluteTime(at: number): string {
  const time = new Date(at)
  const date = [time.getUTCFullYear() % 100, time.getUTCMonth() + 1, time.getUTCDate()].map(two).join('')
  const clock = [time.getUTCHours(), time.getUTCMinutes(), time.getUTCSeconds()].map(two).join('')
  return `${date}${clock}${Math.floor(time.getUTCMilliseconds() / 100)}00+`
}

/** At least a second; at most 48 hours, when the own validity of a message to a phone ends. */
function secondsOf(ms: number): number {
  return Math.min(172_800, Math.max(1, Math.floor(ms / 1000)))
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
