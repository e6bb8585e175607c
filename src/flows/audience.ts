/** Whom a proof may be for. */

import type { ApiCaller } from './api-caller.ts'
import { testAudiencePrefix } from './proof-token.ts'
import type { Services } from './services.ts'
import { invalid, type StartFault } from './start-request.ts'

/** As `countersign app create` makes them. */
const appIdForm = /^[0-9a-f]{32}$/

/**
 * What is wrong with the audience that a start asks for: an app expects its own id in proofs of its own, so no other may
 * have one made with it; nor may live proofs look like those of test keys.
 */
export async function audienceFault(
  { store }: Pick<Services, 'store'>,
  { app }: Pick<ApiCaller, 'app'>,
  audience: string | undefined,
): Promise<StartFault | undefined> {
  if (audience === undefined || audience === app.id) return undefined
  if (audience.startsWith(testAudiencePrefix))
    return invalid('/audience', `${testAudiencePrefix} stands before the audience of a test key by itself`)
  return appIdForm.test(audience) && (await store.directory.app(audience))
    ? invalid('/audience', 'it is another app, which expects its own proofs alone')
    : undefined
}
