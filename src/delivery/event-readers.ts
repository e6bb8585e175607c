/** Knows the apps whose events somebody reads, so that no other app pays for events. */

import type { Events } from '../store/events.ts'
import type { Webhooks } from '../store/webhooks.ts'

export type EventReaders = {
  has(app: string): boolean
  /** Whether any app has an enabled endpoint. */
  readonly hasEndpoints: boolean
  apps(): readonly string[]
  /** Looks again, after this process has changed endpoints or keys. @throws AppError `store.unavailable` */
  refresh(): Promise<void>
  /** Looks now and then for what other processes have changed. */
  start(): void
  stop(): void
}

/** An app that gets its first reader from another process has events so much later. */
const refreshEveryMs = 2_000

export function createEventReaders(store: {
  readonly events: Pick<Events, 'setReaders'>
  readonly webhooks: Pick<Webhooks, 'readers'>
}): EventReaders {
  let readers: ReadonlySet<string> = new Set()
  let hasEndpoints = false
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  let refreshing: Promise<void> = Promise.resolve()

  async function look(): Promise<void> {
    const { apps, ...found } = await store.webhooks.readers()
    hasEndpoints = found.hasEndpoints
    if (apps.length === readers.size && apps.every((app) => readers.has(app))) return
    await store.events.setReaders(apps)
    readers = new Set(apps)
  }

  /** One after the other, so that no older answer replaces a newer one. */
  function refresh(): Promise<void> {
    refreshing = refreshing.catch(() => undefined).then(look)
    return refreshing
  }

  function again(): void {
    if (isStopped) return
    // While the store is away the readers stay as they were.
    timer = setTimeout(() => void refresh().then(again, again), refreshEveryMs).unref()
  }

  return {
    has: (app) => readers.has(app),
    get hasEndpoints() {
      return hasEndpoints
    },
    apps: () => [...readers],
    refresh,
    start: again,
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
