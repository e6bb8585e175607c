/** The work on one endpoint: posts what is due and what is new, each event after the earlier ones of its verification. */

import type { AppEvent } from '../../store/events.ts'
import {
  type ClaimedWebhook,
  maxFailuresInRow,
  maxWaiting,
  type Webhook,
  type WebhookDelivery,
  type WebhookWork,
} from '../../store/webhooks.ts'
import { afterTry, isTaken, putOff, type Result } from './retry-schedule.ts'

/** Posts one event. Never rejects: whatever went wrong is the reason in its result. */
export type Post = (webhook: Webhook, event: AppEvent) => Promise<Result>

type NextEvents = {
  readonly events: readonly AppEvent[]
  readonly cursor: string
  readonly isMore: boolean
}

export type EndpointFeed = {
  /** The events after the claim's cursor that the endpoint wants, the cursor after them, and whether there are more. */
  next(claimed: ClaimedWebhook, max: number): Promise<NextEvents>
  /** @returns Those that are still kept. */
  find(webhook: Webhook, ids: readonly string[]): Promise<readonly AppEvent[]>
}

export type EndpointWorkNeeds = {
  readonly feed: EndpointFeed
  readonly post: Post
  /** Milliseconds, never going back. */
  readonly now: () => number
  readonly random: () => number
  /** Whether the process is stopping, so that no more is begun. */
  readonly isStopping: () => boolean
}

/** New events, and waiting ones, in one piece of work. It must end well within the lease. */
const pieceSize = 250
const pieceMs = 20_000
/** Posts to one endpoint at once. */
export const postsAtOnce = 8
const gone = 410

/** An event on its way, in the order of the feed. */
type Item = { readonly isNew: boolean; before: WebhookDelivery; after: WebhookDelivery | undefined }

/** @returns What is to be recorded, and whether there is more to do at once. */
export async function workOnEndpoint(
  { feed, post, now, random, isStopping }: EndpointWorkNeeds,
  claimed: ClaimedWebhook,
): Promise<{ readonly work: Omit<WebhookWork, 'webhook' | 'lease'>; readonly isMore: boolean }> {
  const { webhook, waiting } = claimed
  const startedAt = now()
  /** Engine time, reckoned from the claim. */
  const engineNow = () => Math.round(claimed.now + now() - startedAt)
  const wasFailing = claimed.failures >= maxFailuresInRow
  const room = wasFailing ? 0 : Math.min(pieceSize, maxWaiting - waiting.length)
  const next =
    room > 0 ? await feed.next(claimed, room) : { events: [], cursor: claimed.cursor, isMore: false }
  const events = new Map(next.events.map((event) => [event.id, event]))
  const items = [
    ...waiting.map((before): Item => ({ isNew: false, before, after: undefined })),
    ...next.events.map(
      (event): Item => ({ isNew: true, before: newDelivery(event, claimed.now), after: undefined }),
    ),
  ]
  const ready = chainsOf(items).filter(([head]) => head!.before.dueAt! <= claimed.now)
  const taken = ready.slice(0, pieceSize)
  const missing = taken.flat().filter(({ before }) => !events.has(before.event))
  if (missing.length > 0)
    for (const event of await feed.find(
      webhook,
      missing.map(({ before }) => before.event),
    ))
      events.set(event.id, event)

  let { failures } = claimed
  let isGone = false
  let isRecovered = false
  const mayGoOn = () =>
    !isGone && !isStopping() && now() - startedAt < pieceMs && (failures < maxFailuresInRow || !isProbed)
  /** Of an endpoint that fails, one event is tried; if it is taken, the others follow. */
  let isProbed = false

  async function run(chain: readonly Item[]): Promise<void> {
    for (const item of chain) {
      if (!mayGoOn()) return
      isProbed = true
      const event = events.get(item.before.event)
      const result = event ? await post(webhook, event) : unkept
      item.after = event ? afterTry(item.before, result, engineNow(), random()) : { ...item.before, ...ended }
      if (!event) continue
      if (isTaken(result)) {
        isRecovered ||= failures >= maxFailuresInRow
        failures = 0
        continue
      }
      failures++
      isGone ||= result.status === gone
      return
    }
  }

  const queue = [...taken]
  if (wasFailing && queue.length > 0) await run(queue.shift()!)
  await Promise.all(
    Array.from({ length: postsAtOnce }, async () => {
      for (let chain = queue.shift(); chain; chain = queue.shift()) await run(chain)
    }),
  )
  settleRest(items, { at: engineNow(), isRecovered, isFailing: failures >= maxFailuresInRow })
  const work = {
    cursor: next.cursor,
    failures,
    isGone,
    added: items.filter(({ isNew }) => isNew).map(({ before, after }) => after ?? before),
    changed: items.flatMap(({ isNew, after }) => (isNew || !after ? [] : [after])),
  }
  return { work, isMore: next.isMore || ready.length > taken.length || isRecovered }
}

const unkept: Result = { status: null, reason: 'the event is not kept any more', tookMs: 0 }
const ended = { state: 'failed', dueAt: null, reason: unkept.reason, status: null } as const

function newDelivery({ id, type, verification }: AppEvent, at: number): WebhookDelivery {
  const untried = { tries: 0, firstAt: null, lastAt: null, status: null, reason: '', tookMs: null }
  return { event: id, type, verification, state: 'waiting', dueAt: at, ...untried }
}

/** One chain for each verification; what is of none has no order. */
function chainsOf(items: readonly Item[]): Item[][] {
  const chains = new Map<string, Item[]>()
  for (const item of items) {
    const { verification, event } = item.before
    const name = verification === '' ? event : verification
    const chain = chains.get(name)
    if (chain) chain.push(item)
    else chains.set(name, [item])
  }
  return [...chains.values()]
}

/**
 * Decides when those that were not tried are due: with the event of their verification that they wait behind. While the
 * endpoint fails all wait for its next try, and once it takes events again all are due.
 */
function settleRest(
  items: readonly Item[],
  { at, isRecovered, isFailing }: { at: number; isRecovered: boolean; isFailing: boolean },
): void {
  const tried = items.flatMap(({ after }) => (after?.state === 'waiting' ? [after.dueAt!] : []))
  const probeAt = isFailing && tried.length > 0 ? Math.max(...tried) : undefined
  for (const chain of chainsOf(items)) {
    let behind: number | undefined
    for (const item of chain) {
      const now = item.after ?? item.before
      if (now.state !== 'waiting') continue
      const dueAt = behind ?? (isRecovered ? at : now.dueAt! <= at ? (probeAt ?? now.dueAt!) : now.dueAt!)
      behind = item.after ? item.after.dueAt! : dueAt
      if (!item.after && dueAt !== item.before.dueAt)
        item.after = item.isNew && !isFailing ? { ...item.before, dueAt } : putOff(item.before, dueAt, at)
    }
  }
}
