/** Takes endpoints that have something to do, works on several at once, and records the work before another may. */

import { setTimeout as pause } from 'node:timers/promises'
import type { AppEvent, Events } from '../../store/events.ts'
import { type ClaimedWebhook, maxFailuresInRow, type Webhook, type Webhooks } from '../../store/webhooks.ts'
import type { EventReaders } from '../event-readers.ts'
import { type EndpointFeed, workOnEndpoint } from './endpoint-work.ts'
import { eventView } from './event-view.ts'
import type { Poster } from './post-event.ts'
import type { Result } from './retry-schedule.ts'

export type WebhookWorkerSettings = {
  readonly webhooks: Webhooks
  readonly events: Pick<Events, 'read' | 'find'>
  readonly readers: Pick<EventReaders, 'hasEndpoints'>
  readonly poster: Poster
  /** The name of this process in leases. It stays the same after a restart, and no process beside it has it. */
  readonly owner: string
  /** Called for each post. */
  readonly onPosted?: (webhook: Webhook, event: AppEvent, result: Result) => void
  /** Called when an endpoint begins to fail, when it takes events again, and when it is gone. */
  readonly onChange?: (webhook: Webhook, change: 'failing' | 'well' | 'gone') => void
  readonly onError?: (what: string, error: unknown) => void
}

export type WebhookWorker = {
  start(): Promise<void>
  /** Begins nothing more, and waits until what is under way is recorded, at most so long. */
  stop(timeoutMs: number): Promise<void>
}

/** Longer than a piece of work with its last post and its record. */
const leaseMs = 60_000
/** Endpoints that this process works on at once. */
const maxInHand = 64
const pollMs = 250
/** While no app has an endpoint there is nothing to look for. */
const restMs = 1_000
/** Records are tried again while the store is away, for as long as the lease holds. */
const recordAgainMs = 500
const recordForMs = 30_000

export function createWebhookWorker(settings: WebhookWorkerSettings): WebhookWorker {
  const { webhooks, events, readers, poster, owner, onPosted, onChange, onError } = settings
  const lease = { owner, ms: leaseMs }
  const inHand = new Set<Promise<void>>()
  let timer: NodeJS.Timeout | undefined
  let isStopping = false
  let isWanted = false
  let wake: () => void = () => undefined
  let looping: Promise<void> = Promise.resolve()

  const feed: EndpointFeed = {
    async next({ webhook, cursor }, max) {
      const { app, types } = webhook
      const query = { app, types, max }
      const page =
        (cursor === '' ? undefined : await events.read({ ...query, after: cursor })) ??
        // Its place is older than all that is kept.
        (await events.read({ ...query, after: null }))
      return { events: page?.events ?? [], cursor: page?.last ?? cursor, isMore: page?.isMore ?? false }
    },
    find: ({ app }, ids) => events.find(app, ids),
  }
  const needs = {
    feed,
    async post(webhook: Webhook, event: AppEvent): Promise<Result> {
      const result = await poster.post(webhook, eventView(event))
      onPosted?.(webhook, event, result)
      return result
    },
    now: () => performance.now(),
    random: Math.random,
    isStopping: () => isStopping,
  }

  async function work(claimed: ClaimedWebhook): Promise<void> {
    const { webhook, failures } = claimed
    const { work: done, isMore } = await workOnEndpoint(needs, claimed)
    if (!(await recorded({ ...done, webhook: webhook.id, lease }))) return
    // Otherwise the next poll is soon enough, and finds more to do in one step.
    if (isMore) pollNow()
    const isFailing = done.failures >= maxFailuresInRow
    if (done.isGone) onChange?.(webhook, 'gone')
    else if (isFailing !== failures >= maxFailuresInRow) onChange?.(webhook, isFailing ? 'failing' : 'well')
  }

  /** If it cannot be recorded, the lease runs out, and the same events are posted again. */
  async function recorded(done: Parameters<Webhooks['settle']>[0]): Promise<boolean> {
    for (const until = performance.now() + recordForMs; ; await pause(recordAgainMs)) {
      try {
        return await webhooks.settle(done)
      } catch (error) {
        onError?.('record', error)
        if (performance.now() > until) return false
      }
    }
  }

  function pollNow(): void {
    isWanted = true
    wake()
  }

  async function loop(): Promise<void> {
    while (!isStopping) {
      isWanted = false
      const ms = await poll()
      if (isWanted) continue
      await new Promise<void>((resolve) => {
        wake = resolve
        timer = setTimeout(resolve, ms).unref()
      })
      clearTimeout(timer)
    }
  }

  /** @returns The time until the next poll. */
  async function poll(): Promise<number> {
    if (!readers.hasEndpoints) return restMs
    const max = maxInHand - inHand.size
    if (max <= 0) return pollMs
    try {
      const claimed = await webhooks.claim(max, lease)
      for (const one of claimed) {
        const working = work(one)
          .catch((error: unknown) => onError?.('work', error))
          .finally(() => inHand.delete(working))
        inHand.add(working)
      }
    } catch (error) {
      onError?.('claim', error)
    }
    return pollMs
  }

  return {
    async start() {
      await webhooks.release(owner)
      looping = loop()
    },
    async stop(timeoutMs) {
      isStopping = true
      wake()
      await looping
      const ended = Promise.all(inHand)
      await Promise.race([ended, pause(timeoutMs, undefined, { ref: false })])
    },
  }
}
