/** Puts together what reads events: the apps with readers, the feed, and the worker that posts to endpoints. */

import { isIP } from 'node:net'
import type { Clock } from '../clock.ts'
import type { KeyRing } from '../code/key-ring.ts'
import { ownerName } from '../config/data-folder.ts'
import type { Settings } from '../config/settings.ts'
import { createEventReaders, type EventReaders } from '../delivery/event-readers.ts'
import { postsAtOnce } from '../delivery/webhooks/endpoint-work.ts'
import { createPoster, type EndpointClient } from '../delivery/webhooks/post-event.ts'
import { createWebhookWorker } from '../delivery/webhooks/webhook-worker.ts'
import { reasonOf } from '../errors.ts'
import { createEventFeed, type EventFeed } from '../flows/event-feed.ts'
import type { WebhookServices } from '../flows/services.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { isLoopback, loopbackNetworks } from '../network/loopback.ts'
import { networksOf, privateNetworks } from '../network/networks.ts'
import type { Store } from '../store/store.ts'

/** When disposed, it first records the posts under way. */
export type Eventing = AsyncDisposable & {
  readonly readers: EventReaders
  readonly feed: EventFeed
  readonly webhooks: WebhookServices
  /** Finds out who reads, and begins to post. */
  start(): Promise<void>
}

export type EventingNeeds = {
  readonly store: Store
  readonly ring: KeyRing
  readonly clock: Clock
  readonly metrics: Pick<Metrics, 'webhookPosts'>
  readonly log: Log
  /** Number of the process, if several share the data folder. */
  readonly worker: number | undefined
}

/** Longer than a post may take. */
const drainTimeoutMs = 12_000

export function createEventing(
  settings: Settings,
  { store, ring, clock, metrics, log, worker }: EventingNeeds,
): Eventing {
  const allowPrivate = [
    ...settings.webhooks.allowPrivate,
    // So that whoever tries it out can receive events.
    ...(settings.isDevelopment ? ['localhost', ...loopbackNetworks] : []),
  ]
  const readers = createEventReaders(store)
  const feed = createEventFeed(store.events)
  const poster = createPoster({
    ring,
    connect: (server) =>
      openedLater(async () => {
        const { createHttpClient } = await import('../providers/http/client.ts')
        return createHttpClient({ server, allowPrivate, ca: null, connections: postsAtOnce })
      }),
    now: clock.now,
  })
  const posting = createWebhookWorker({
    webhooks: store.webhooks,
    events: store.events,
    readers,
    poster,
    owner: ownerName(settings.dataFolder, worker),
    onPosted: (_webhook, _event, { status }) =>
      metrics.webhookPosts.inc({ outcome: status === null ? 'lost' : `${Math.floor(status / 100)}xx` }),
    onChange({ id, app }, change) {
      const fields = { webhook: `whk_${id}`, app }
      if (change === 'well') log.info('a webhook endpoint takes events again', fields)
      else if (change === 'gone') log.warn('a webhook endpoint answered 410 and is disabled', fields)
      else log.warn('a webhook endpoint fails and gets no new events for a while', fields)
    },
    onError: (what, error) => log.error(`webhooks: ${what} failed`, { reason: reasonOf(error) }),
  })
  return {
    readers,
    feed,
    webhooks: { poster, refusalOf: (url) => refusalOf(url, allowPrivate), refreshReaders: readers.refresh },
    async start() {
      await readers.refresh()
      readers.start()
      await posting.start()
    },
    async [Symbol.asyncDispose]() {
      feed.stop()
      readers.stop()
      await posting.stop(drainTimeoutMs)
      await poster.close()
    },
  }
}

/** Opened with its first exchange, because most servers have no endpoint, and need not load what calls one. */
function openedLater(open: () => Promise<EndpointClient>): EndpointClient {
  let opened: Promise<EndpointClient> | undefined
  return {
    async exchange(request, options) {
      opened ??= open()
      return (await opened).exchange(request, options)
    },
    close: async () => (await opened)?.close(),
  }
}

/**
 * What can be seen of a URL itself. The addresses of its name are judged at each connection, since they may change.
 * @param allowPrivate  Hosts, addresses and networks that may be called nevertheless.
 */
export function refusalOf({ protocol, hostname }: URL, allowPrivate: readonly string[]): string | undefined {
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, '')
  const isListed =
    allowPrivate.some((one) => one.toLowerCase() === host) || networksOf(allowPrivate).has(host)
  const isPrivate = isLoopback(host) || (isIP(host) !== 0 && networksOf(privateNetworks).has(host))
  if (isPrivate && !isListed) return 'It is in a private network, which the operator has not allowed.'
  return protocol === 'http:' && !isListed ? 'It must begin with https://.' : undefined
}
