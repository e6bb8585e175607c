/** Puts together all that sends: providers, the router, the outbox worker, receipts, and the measured order. */

import type { KeyRing } from '../code/key-ring.ts'
import { ownerName } from '../config/data-folder.ts'
import type { Settings } from '../config/settings.ts'
import { createDelivery, type Delivery } from '../delivery/delivery.ts'
import type { EventReaders } from '../delivery/event-readers.ts'
import { createLearning } from '../delivery/learn-from-uses.ts'
import { createMeasuredOrder } from '../delivery/measured-order.ts'
import type { Provider } from '../delivery/provider.ts'
import { createReceipts } from '../delivery/receipts.ts'
import { createRouter, type Router } from '../delivery/router.ts'
import type { Templates } from '../delivery/templates.ts'
import { reasonOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'
import { createProviders } from '../providers/providers.ts'
import type { Sandbox } from '../providers/sandbox/sandbox.ts'
import type { Store } from '../store/store.ts'
import { breakerObserver, deliveryObservers, receiptObserver } from './observers.ts'
import { maxLifetimeMs } from './policies.ts'
import { receiptTrouble } from './receipt-trouble.ts'

/** When disposed, it first settles the messages in hand. */
export type Sending = AsyncDisposable & {
  readonly delivery: Pick<Delivery, 'lease' | 'handOver'>
  readonly router: Router
  readonly providers: ReadonlyMap<string, Provider>
  readonly sandbox: Sandbox | undefined
  /** Logs in at carriers and begins to look for due messages. */
  start(): Promise<void>
}

export type SendingNeeds = {
  readonly store: Store
  readonly ring: KeyRing
  readonly templates: Templates
  readonly metrics: Metrics
  readonly log: Log
  readonly readers: EventReaders
  /** Number of the process, if several share the data folder. */
  readonly worker: number | undefined
}

/** Carriers are no tenant's. */
const ofCarrier = { tenant: '', verification: '' } as const
const learnEveryMs = 5_000
const drainTimeoutMs = 10_000

export async function createSending(
  settings: Settings,
  { store, ring, templates, metrics, log, readers, worker }: SendingNeeds,
): Promise<Sending> {
  await using made = new AsyncDisposableStack()
  const onError = (what: string, error: unknown) =>
    log.error(`delivery: ${what} failed`, { reason: reasonOf(error) })
  const receipts = createReceipts({
    dispatches: store.dispatches,
    observe: receiptObserver(metrics),
    onUnread: receiptTrouble('unread', metrics, log),
    onError,
  })
  made.defer(() => receipts.stop())
  const { providers, sandbox } = await createProviders(settings.providers, receipts.sinkOf)
  for (const provider of providers.values()) made.defer(async () => provider.close?.())
  const measured = createMeasuredOrder(() => performance.now(), Math.random)
  const router = createRouter({
    routes: settings.routes,
    providers: new Map(
      [...providers].map(([name, provider]) => {
        const one = settings.providers[name]!
        return [name, { ...one, provider, isSandbox: one.type === 'sandbox' }]
      }),
    ),
    measured,
    onBreaker: breakerObserver(log, (type, facts) => {
      void store.events
        .append(readers.apps().map((app) => ({ ...ofCarrier, type, app, facts })))
        .catch(() => undefined)
    }),
  })
  const delivery = createDelivery({
    outbox: store.outbox,
    dispatches: store.dispatches,
    ring,
    templates,
    router,
    owner: ownerName(settings.dataFolder, worker),
    ...deliveryObservers(metrics, log, settings),
    areEventsRead: readers.has,
    onError,
  })
  made.defer(() => delivery.stop(drainTimeoutMs))
  const learning = createLearning({
    dispatches: store.dispatches,
    now: () => store.now(),
    measured,
    lifetimeMs: maxLifetimeMs(settings),
    onError,
  })
  let learn: NodeJS.Timeout | undefined
  made.defer(() => clearInterval(learn))
  const held = made.move()
  return {
    delivery,
    router,
    providers,
    sandbox,
    async start() {
      for (const provider of providers.values()) await provider.start?.()
      await delivery.start()
      if (!settings.routes.some((route) => route.order === 'measured')) return
      learn = setInterval(learning.poll, learnEveryMs).unref()
      void learning.poll()
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}
