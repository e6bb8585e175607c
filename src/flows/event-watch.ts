/** Waits for new events of apps: one look at the store serves all that wait in this process. */

import type { Events } from '../store/events.ts'

export type Watched = 'changed' | 'over' | 'crowded'

export type EventWatch = {
  /**
   * Resolves when the newest event of the app is another than `since`, or the time is over.
   * @returns `crowded` at once if too many wait already.
   */
  changed(wait: {
    readonly app: string
    readonly since: string | null
    readonly waitMs: number
    readonly signal: AbortSignal
  }): Promise<Watched>
  stop(): void
}

const lookEveryMs = 250
/** Each keeps a connection of its caller open. */
const maxWaiting = 1_000
const maxWaitingOfApp = 20

type Waiting = {
  readonly app: string
  readonly since: string | null
  readonly until: number
  readonly signal: AbortSignal
  resolve(watched: Watched): void
}

export function watchEvents(events: Pick<Events, 'heads'>): EventWatch {
  const waiting = new Set<Waiting>()
  const ofApp = new Map<string, number>()
  let isLooking = false
  let isStopped = false

  function end(one: Waiting, watched: Watched): void {
    if (!waiting.delete(one)) return
    const others = ofApp.get(one.app)! - 1
    if (others === 0) ofApp.delete(one.app)
    else ofApp.set(one.app, others)
    one.resolve(watched)
  }

  function lookLater(): void {
    isLooking = waiting.size > 0
    if (isLooking) setTimeout(() => void look(), lookEveryMs).unref()
  }

  async function look(): Promise<void> {
    const apps = [...ofApp.keys()]
    // While the store is away nothing is new; whoever waits finds out by its next page.
    const heads = await events.heads(apps).catch(() => undefined)
    const headOf = new Map(apps.map((app, nth) => [app, heads?.[nth]]))
    const now = performance.now()
    for (const one of waiting) {
      const head = headOf.get(one.app)
      if (head !== undefined && head !== one.since) end(one, 'changed')
      else if (isStopped || one.signal.aborted || one.until <= now) end(one, 'over')
    }
    lookLater()
  }

  return {
    changed: ({ app, since, waitMs, signal }) =>
      new Promise((resolve) => {
        const others = ofApp.get(app) ?? 0
        if (waiting.size >= maxWaiting || others >= maxWaitingOfApp) return resolve('crowded')
        ofApp.set(app, others + 1)
        waiting.add({ app, since, until: performance.now() + waitMs, signal, resolve })
        if (!isLooking) lookLater()
      }),
    stop() {
      isStopped = true
      for (const one of waiting) end(one, 'over')
    },
  }
}
