/** Adds the event of a wrong code. It is known only after its submission was counted, so that it is an act of its own. */

import { apartFromAnswer } from '../deadline.ts'
import { verificationFacts } from '../verification/facts.ts'
import type { Verification } from '../verification/verification.ts'
import type { Services } from './services.ts'

/**
 * @returns undefined if the answer need not wait: nobody reads the events, or the verification is a member's, whose answer
 *   must take as long as one about an unknown address. Then the event is lost if the process dies in that moment.
 * @throws AppError `store.unavailable`
 */
export function tellRefused(
  { store, areEventsRead }: Pick<Services, 'store' | 'areEventsRead'>,
  record: Verification,
): Promise<void> | undefined {
  const { tenant, app, id, submissions, details } = record
  if (!areEventsRead(app)) return undefined
  const facts = { ...verificationFacts(record), reason: 'wrong', submissions }
  const append = () =>
    store.events.append([{ type: 'verification.refused', tenant, app, verification: id, facts }])
  if (details !== null) return append()
  apartFromAnswer(() => setImmediate(() => void append().catch(() => undefined)))
  return undefined
}
