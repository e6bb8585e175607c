/** The contract for the keys of the native API. */

import type { ApiKey, KeyHolder } from '../directory/api-key.ts'
import type { NewAuditEntry } from './audit.ts'

export type Keys = {
  /** @returns false if the app does not exist, or the id or hash is taken. */
  add(key: ApiKey, audit?: NewAuditEntry): Promise<boolean>
  /** By their making, the oldest first, with those that ended. */
  list(app?: string): Promise<readonly ApiKey[]>
  /**
   * Whoever has the key. A key that has ended, or whose app is disabled, is like one that never was: what is not found
   * costs the same, so that the time of an answer does not show which it is.
   */
  holder(hash: string): Promise<KeyHolder | undefined>
  /** Ends it at a time, at the latest: a key that ends sooner already still does. @returns false if there is none. */
  revoke(id: string, at: number, audit?: NewAuditEntry): Promise<boolean>
  /** Notes a use, unless one within the minute before is noted. */
  noteUse(id: string, at: number): Promise<void>
}
