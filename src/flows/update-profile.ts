/** Changes a member's own data: names, title, signature and description, but no contact. */

import type { Profile, Session } from '../directory/directory.ts'
import type { Services } from './services.ts'

/** @returns false if the member is gone. */
export async function updateProfile(
  services: Services,
  session: Session,
  profile: Profile,
): Promise<boolean> {
  const isDone = await services.store.directory.updateProfile(session.member.id, profile)
  services.sessions.forget(session.member.id)
  return isDone
}
