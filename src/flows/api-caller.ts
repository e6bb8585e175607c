/** Who calls by an API key, and the verifications that it may see. */

import type { App } from '../directory/directory.ts'
import type { Verification } from '../verification/verification.ts'
import type { KeyHolder } from './api-keys.ts'

/** The caller of one request of the native API, as its key names it. */
export type ApiCaller = {
  /** The tenant of the app. */
  readonly tenant: string
  readonly app: App
  /** The id of the key, for the log. */
  readonly keyId: string
  /** Whether it is a test key: its messages go to the sandbox only, and it may choose codes. */
  readonly isTest: boolean
  /** Whether anyone reads events of the app. */
  readonly hasEvents: boolean
}

export function callerOf({ key, tenant, app, hasEvents }: KeyHolder): ApiCaller {
  return { tenant: tenant.id, app, keyId: key.id, isTest: key.isTest, hasEvents }
}

/**
 * Whether a verification is the caller's: asked for by a key of the same app, in the same world. To all others it does not
 * exist, as those of members do not exist here at all.
 */
export function isOfCaller(
  { app, isTest }: Pick<ApiCaller, 'app' | 'isTest'>,
  record: Verification,
): boolean {
  return record.app === app.id && record.details !== null && (record.details.byTestKey ?? false) === isTest
}
