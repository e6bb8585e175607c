/** Looks for deleted members from time to time, and erases them: also those that a process had begun with that is gone. */

import type { KeyRing } from '../code/key-ring.ts'
import { reasonOf } from '../errors.ts'
import { eraseDeleted } from '../flows/erase-member.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'

const everyMs = 1_000

/** Disposed, it takes no more; what is under way ends with the store, and is taken up again by another process. */
export function startErasing(store: Store, ring: KeyRing, log: Log): Disposable {
  let isErasing = false
  let hasFailed = false
  async function look(): Promise<void> {
    if (isErasing) return
    isErasing = true
    try {
      while (await eraseDeleted(store, ring));
      hasFailed = false
    } catch (error) {
      if (!hasFailed)
        log.warn('deleted members are not erased yet; it is tried again', { reason: reasonOf(error) })
      hasFailed = true
    } finally {
      isErasing = false
    }
  }
  const looking = setInterval(look, everyMs).unref()
  return {
    [Symbol.dispose]: () => clearInterval(looking),
  }
}
