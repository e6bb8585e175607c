/** Settings of undoing a change of a contact, and of recoveries. */

import { maxUndoMs, type UndoTimes } from '../flows/policy.ts'
import { type Static, Type } from '../json-schema.ts'
import { parseDuration } from './duration.ts'
import { durationPattern, optional, strict } from './policy-schema.ts'

const duration = (description: string, byDefault: string) =>
  optional(Type.String({ pattern: durationPattern, description, default: byDefault }))

export const undoSchema = Type.Object(
  {
    window: duration(
      'How long whoever holds a contact may undo the change that took it away. At most 7d.',
      '72h',
    ),
    bar: duration('How long no contact of a member may be changed after an undo. At most 7d.', '24h'),
    recoveryWait: duration(
      'How long a recovery that an administrator starts waits, so that present contacts may stop it. At most 7d.',
      '24h',
    ),
  },
  strict,
)

export function undoTimesOf(set: Static<typeof undoSchema> | undefined, problems: string[]): UndoTimes {
  const read = (name: 'window' | 'bar' | 'recoveryWait', byDefault: string): number => {
    const ms = parseDuration(set?.[name] ?? byDefault) ?? 0
    if (ms > maxUndoMs) problems.push(`undo.${name}: must be at most 7d`)
    return ms
  }
  return {
    windowMs: read('window', '72h'),
    barMs: read('bar', '24h'),
    recoveryWaitMs: read('recoveryWait', '24h'),
  }
}
