/** The regions that an app's codes may go to by SMS: what a person may choose from. */

import { phoneLibrary } from '../address/phone-library.ts'
import type { App } from '../directory/directory.ts'
import { onceForEach } from '../once-for-each.ts'
import { allowsDestination } from './policy.ts'
import type { Services } from './services.ts'

export type ServedRegion = {
  /** ISO 3166-1. */
  readonly region: string
  /** Without its plus. */
  readonly callingCode: string
}

const callingCodes = onceForEach((library: ReturnType<typeof phoneLibrary>): readonly ServedRegion[] =>
  library.getCountries().map((region) => ({ region, callingCode: library.getCountryCallingCode(region) })),
)

export function regionsServed(
  { policyOf, serves }: Pick<Services, 'policyOf' | 'serves'>,
  app: App,
): readonly ServedRegion[] {
  const policy = policyOf(app)
  return callingCodes(phoneLibrary()).filter(({ region }) => {
    const destination = { channel: 'sms', region, tenant: app.tenant, app: app.id } as const
    return allowsDestination(policy, destination) && serves(destination)
  })
}
