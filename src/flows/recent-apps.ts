/** Apps that calls without a key need: remembered for less than a second, as the holders of keys are. */

import type { App } from '../directory/directory.ts'
import { onceForEach } from '../once-for-each.ts'
import type { Store } from '../store/store.ts'

/** An app that was disabled is known as such so much later, counted from the question on. */
const rememberMs = 800
const maxRemembered = 10_000

type RecentApps = {
  /** @returns undefined if there is none, or it is disabled. @throws AppError `store.unavailable` */
  find(id: string): App | undefined | Promise<App | undefined>
}

/** Those of a store. */
export const recentApps = onceForEach(({ directory }: Pick<Store, 'directory'>): RecentApps => {
  let remembered = new Map<string, { readonly app: App; readonly until: number }>()
  return {
    find(id) {
      const known = remembered.get(id)
      return known && known.until > performance.now() ? known.app : ask(id)
    },
  }

  async function ask(id: string): Promise<App | undefined> {
    const askedAt = performance.now()
    const app = await directory.app(id)
    if (!app || app.isDisabled) {
      remembered.delete(id)
      return undefined
    }
    if (remembered.size >= maxRemembered) remembered = new Map()
    remembered.set(id, { app, until: askedAt + rememberMs })
    return app
  }
})
