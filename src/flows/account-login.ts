/** Account login: by a member's account and password. It counts as a login through the tenant's app for such logins. */

import { type LoginOutcome, type LoginServices, logIn } from './log-in.ts'
import type { Services } from './services.ts'

export async function accountLogIn(
  services: LoginServices & Pick<Services, 'checkPassword'>,
  login: {
    readonly account: string
    readonly password: string
    readonly clientType: number
    /** The client's network, see `networkOf`. */
    readonly network: string
  },
): Promise<LoginOutcome> {
  const { directory } = services.store
  const checked = await services.checkPassword(login.account, login.password, login.network)
  if (checked.kind === 'wrong') return { kind: 'refused' }
  if (checked.kind !== 'right') return checked
  const { member } = checked
  if (member.isDisabled) return { kind: 'member-disabled' }
  const tenant = await directory.tenant(member.tenant)
  const app = tenant && (await directory.app(tenant.accountApp))
  if (!app || app.isDisabled || !services.policyOf(app).calls.includes('log-in'))
    return { kind: 'not-permitted' }
  return logIn(services, { tenant, app, member }, login.clientType, 'password')
}
