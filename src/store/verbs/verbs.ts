/** The verbs that are decided over a unit of work, by their names in the contract. */

import type { Verb } from '../unit-of-work.ts'
import { append } from './append.ts'
import { changeContact } from './change-contact.ts'
import { issue } from './issue.ts'
import { acquire, isHeld, refund, reserve, settle } from './limiters.ts'
import { putMembers } from './put-members.ts'
import { setContact } from './set-contact.ts'
import { takeSubmission } from './take-submission.ts'
import { use } from './use.ts'

export const verbs = {
  'verifications.issue': issue,
  'verifications.takeSubmission': takeSubmission,
  'verifications.use': use,
  'limiters.acquire': acquire,
  'limiters.refund': refund,
  'limiters.reserve': reserve,
  'limiters.settle': settle,
  'limiters.isHeld': isHeld,
  'journal.append': append,
  'directory.changeContact': changeContact,
  'directory.setContact': setContact,
  'directory.putMembers': putMembers,
} as const satisfies Record<string, Verb<never, unknown>>
