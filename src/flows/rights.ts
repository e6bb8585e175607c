/** Who may do what in an enterprise, in one table for every face. Another tenant's members see nothing of it at all. */

import type { AdminRole, Member } from '../directory/directory.ts'

const administrators: readonly AdminRole[] = ['default', 'admin']
const everyone: readonly AdminRole[] = ['default', 'admin', 'none']

const mayDo = {
  'read-members': administrators,
  'manage-members': administrators,
  'read-administrators': administrators,
  'manage-administrators': ['default'],
  'read-corp': administrators,
  'manage-corp': administrators,
  'manage-departments': administrators,
  'read-departments': everyone,
  'read-directory': everyone,
  'manage-apps': ['default'],
} as const satisfies Readonly<Record<string, readonly AdminRole[]>>

export type Act = keyof typeof mayDo

export function hasRight({ role }: Pick<Member, 'role'>, act: Act): boolean {
  return (mayDo[act] as readonly AdminRole[]).includes(role)
}

/**
 * Whether a member may change, stop or delete another one. Administrators are for the default administrator alone: an
 * ordinary one who set another's contact could get the password, and with it the other's rights.
 */
export function mayManage(actor: Pick<Member, 'id' | 'role'>, target: Pick<Member, 'id' | 'role'>): boolean {
  if (!hasRight(actor, 'manage-members')) return false
  return target.role === 'none' || target.id === actor.id || hasRight(actor, 'manage-administrators')
}
