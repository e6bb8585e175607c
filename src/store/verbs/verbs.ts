/** All verbs that are decided over a unit of work, by their names in the contract. */

import type { Verb } from '../unit-of-work.ts'
import { append } from './append.ts'
import { addApp, deleteApp, updateApp } from './apps.ts'
import { appendAudit } from './audit.ts'
import { begin } from './begin.ts'
import { cancel } from './cancel.ts'
import { changeContact } from './change-contact.ts'
import { addDepartment, deleteDepartment, updateDepartment, updateTenant } from './departments.ts'
import { hasten } from './hasten.ts'
import { issue } from './issue.ts'
import { acquire, isHeld, refund, reserve, settle as settleReservation } from './limiters.ts'
import { look } from './look.ts'
import { addMember, deleteMembers, setRoles, setStatuses, updateMember } from './members.ts'
import { postpone } from './postpone.ts'
import { publish } from './publish.ts'
import { putMembers } from './put-members.ts'
import { queue } from './queue.ts'
import { receive } from './receive.ts'
import { applyRecovery, cancelRecovery, startRecovery, stopRecovery } from './recovery.ts'
import { resend } from './resend.ts'
import { setContact } from './set-contact.ts'
import { disableMember, setPassword, updateProfile } from './set-member.ts'
import { settle } from './settle.ts'
import { solve } from './solve.ts'
import { takeSubmission } from './take-submission.ts'
import { undoContact } from './undo-contact.ts'
import { use } from './use.ts'

export const verbs = {
  'verifications.issue': issue,
  'verifications.takeSubmission': takeSubmission,
  'verifications.use': use,
  'verifications.resend': resend,
  'verifications.cancel': cancel,
  'verifications.hasten': hasten,
  'verifications.solve': solve,
  'verifications.look': look,
  'outbox.queue': queue,
  'outbox.settle': settle,
  'outbox.begin': begin,
  'outbox.postpone': postpone,
  'dispatches.receive': receive,
  'limiters.acquire': acquire,
  'limiters.refund': refund,
  'limiters.reserve': reserve,
  'limiters.settle': settleReservation,
  'limiters.isHeld': isHeld,
  'journal.append': append,
  'audit.append': appendAudit,
  'events.append': publish,
  'directory.changeContact': changeContact,
  'directory.setContact': setContact,
  'directory.undoContact': undoContact,
  'directory.startRecovery': startRecovery,
  'directory.stopRecovery': stopRecovery,
  'directory.cancelRecovery': cancelRecovery,
  'directory.applyRecovery': applyRecovery,
  'directory.putMembers': putMembers,
  'directory.updateProfile': updateProfile,
  'directory.disableMember': disableMember,
  'directory.addApp': addApp,
  'directory.updateApp': updateApp,
  'directory.deleteApp': deleteApp,
  'directory.addMember': addMember,
  'directory.updateMember': updateMember,
  'directory.deleteMembers': deleteMembers,
  'directory.setStatuses': setStatuses,
  'directory.setRoles': setRoles,
  'directory.setPassword': setPassword,
  'directory.addDepartment': addDepartment,
  'directory.updateDepartment': updateDepartment,
  'directory.deleteDepartment': deleteDepartment,
  'directory.updateTenant': updateTenant,
} as const satisfies Record<string, Verb<never, unknown>>
