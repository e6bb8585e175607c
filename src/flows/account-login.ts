/** Account login: a member's account and password, for the app that the tenant's account logins count as. */

import { randomBytes } from 'node:crypto'
import { hashPassword, isRightPassword } from '../directory/password.ts'
import { passwordTake } from '../throttle/policy.ts'
import { type LoginOutcome, type LoginServices, logIn } from './log-in.ts'

export async function accountLogIn(
  services: LoginServices,
  account: string,
  password: string,
  clientType: number,
): Promise<LoginOutcome> {
  const { directory, ledgers } = services.store
  const member = await directory.memberByLogin(account)
  // Counted before compared, for unknown accounts too: being locked tells nothing about existing.
  const take = passwordTake(account)
  const taken = await ledgers.take([take])
  if (taken.kind === 'throttled') return { kind: 'locked', retryAfterMs: taken.retryAfterMs }
  const isRight = await isRightPassword(password, member?.passwordHash ?? (await nobodysHash()))
  if (!member || !isRight) return { kind: 'refused' }
  await ledgers.giveBack(taken.takings)
  if (member.isDisabled) return { kind: 'member-disabled' }
  const tenant = await directory.tenant(member.tenant)
  const app = tenant && (await directory.app(tenant.accountApp))
  if (!app || app.isDisabled || !services.policyOf(app).calls.includes('log-in'))
    return { kind: 'not-permitted' }
  return logIn(services, { tenant, app, member }, clientType, false)
}

let nobody: Promise<string> | undefined

/** A hash nobody's password has, so that an unknown account takes as long as a known one. */
function nobodysHash(): Promise<string> {
  nobody = nobody ?? hashPassword(randomBytes(24).toString('hex'))
  return nobody
}
