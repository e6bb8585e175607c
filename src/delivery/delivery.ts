/** The outbox worker: takes committed messages to a provider within their deadline and records each try. */

import { deriveCode } from '../code/derive-code.ts'
import type { KeyRing } from '../code/key-ring.ts'
import type { Dispatch, DispatchOutcome, Outbox, OutboxEntry, Settlement } from '../store/outbox.ts'
import { handOverWithin } from './hand-over.ts'
import { reached } from './points.ts'
import { type Channel, DeliveryError, type Message, type Provider } from './provider.ts'
import type { Templates } from './templates.ts'

export type DeliverySettings = {
  readonly outbox: Outbox
  readonly ring: KeyRing
  readonly templates: Templates
  /** Providers by channel, in the order they are tried. */
  readonly routes: Readonly<Record<Channel, readonly Provider[]>>
  /** Names this process in leases: the same after a restart, unlike that of any process beside it. */
  readonly owner: string
  /** Told of every dispatch, for metrics and log; `ageMs` is the message's age, from its commit. */
  readonly observe?: (dispatch: Dispatch, entry: OutboxEntry, ageMs: number) => void
  readonly onError?: (what: string, error: unknown) => void
}

export type Delivery = {
  readonly lease: { readonly owner: string; readonly ms: number }
  /** Takes a message over that this process has just committed and holds the lease of. */
  handOver(entry: OutboxEntry): void
  /** Frees what an earlier run of this owner held and begins to look for due messages. */
  start(): Promise<void>
  /** Stops claiming and waits until what is in hand is settled, at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>
}

/** A provider gets this long; the lease must outlast it, so that nobody else sends meanwhile. */
const providerTimeoutMs = 10_000
const leaseMs = 15_000
const pollMs = 250
/** In hand at once. Beyond it messages wait in the store, for this process or another. */
const mostInHand = 2_000
/** Claimed ahead. Each claim counts as a try, so a process that dies often must not claim what it cannot send soon. */
const mostClaimed = 64
/** A code message is tried again only while the next try can still help: this much life left. */
const leastLifeForRetryMs = 20_000
/** No code lives longer; what does is a notice. */
const longestCodeMs = 600_000
/** Less life than this and nobody could type the code in time: never send late. */
const leastLifeMs = 1_000
/** Claims of one message, whatever the reason: the worker's own bound on how often anyone is sent to. */
const mostDispatches = 10
/** A message that may have been taken goes out once more, not again and again. */
const mostDispatchesIfUnknown = 2

export function createDelivery(settings: DeliverySettings): Delivery {
  const { outbox, routes, owner } = settings
  const lease = { owner, ms: leaseMs }
  let inHand = 0
  let isStopping = false
  let isPolling = false
  let isMoreDue = false
  let timer: NodeJS.Timeout | undefined
  let onIdle: (() => void) | undefined

  function handOver(entry: OutboxEntry): void {
    // What is not taken here stays leased and comes back by a claim once the lease has run out.
    if (inHand >= mostInHand) return
    inHand++
    void deliver(entry, performance.now() + entry.remainingMs).finally(() => {
      inHand--
      if (inHand === 0) onIdle?.()
      if (isMoreDue && inHand < mostClaimed / 2) void poll()
    })
  }

  async function deliver(entry: OutboxEntry, deadline: number): Promise<void> {
    reached('after-claim', entry.message.id)
    const { message, dispatches, verification } = entry
    const route = routes[message.channel]
    const provider = route[(dispatches - 1) % route.length]
    if (deadline - performance.now() < leastLifeMs || (verification && verification.state !== 'live'))
      return settle(entry, { provider: '', outcome: 'expired', tookMs: 0 }, deadline)
    if (dispatches > mostDispatches || !provider)
      return settle(entry, { provider: '', outcome: 'exhausted', tookMs: 0 }, deadline)
    const startedAt = performance.now()
    try {
      const accepted = await handOverWithin(
        provider,
        rendered(entry, deadline - startedAt),
        Math.min(providerTimeoutMs, deadline - startedAt),
      )
      reached('after-accept', message.id)
      const tookMs = performance.now() - startedAt
      await settle(
        entry,
        { provider: provider.name, outcome: 'accepted', tookMs, providerMessageId: accepted.id },
        deadline,
      )
    } catch (error) {
      const tookMs = performance.now() - startedAt
      const told =
        error instanceof DeliveryError
          ? { outcome: error.kind, providerCode: error.providerCode }
          : { outcome: 'unavailable' as const, providerCode: 'internal' }
      if (!(error instanceof DeliveryError)) settings.onError?.('delivery', error)
      await settle(entry, { provider: provider.name, tookMs, ...told }, deadline)
    }
  }

  function rendered({ message, verification }: OutboxEntry, remainingMs: number): Message {
    const values: Record<string, string> = { ...message.values }
    if (verification) {
      const key = settings.ring.keys.get(verification.keyId)
      // Sending a code of another key would send one that cannot be right.
      if (!key) throw new DeliveryError('refused', 'key of the code is not in the ring')
      values.code = deriveCode(key, verification, verification.digits)
      values.lifetimeMs = String(verification.expiresAt - verification.issuedAt)
    }
    const text = settings.templates.render(
      message.template,
      message.channel,
      message.locale,
      message.id,
      values,
    )
    return {
      id: message.id,
      tenant: message.tenant,
      app: message.app,
      channel: message.channel,
      to: message.to,
      locale: message.locale,
      template: message.template,
      sender: null,
      ...text,
      deadlineAt: verification?.expiresAt ?? 0,
      remainingMs,
    }
  }

  async function settle(
    entry: OutboxEntry,
    told: Omit<Dispatch, 'messageId'>,
    deadline: number,
  ): Promise<void> {
    const { message, verification, queuedAt, dispatches } = entry
    const dispatch: Dispatch = { messageId: message.id, ...told }
    settings.observe?.(dispatch, entry, entry.deadlineAt - queuedAt - (deadline - performance.now()))
    const settlement: Settlement = {
      dispatch,
      message: {
        tenant: message.tenant,
        app: message.app,
        channel: message.channel,
        cooldown: message.cooldown,
      },
      verification: verification?.id ?? '',
      queuedAt,
      next: nextAfter(dispatch.outcome, dispatches, deadline - performance.now()),
    }
    reached('before-settle', message.id)
    await record(settlement, deadline)
  }

  // Settlements of one turn go to the store together, as calls do.
  let gathered: Settlement[] = []
  let written: Promise<void> = Promise.resolve()

  async function record(settlement: Settlement, deadline: number): Promise<void> {
    // The store may be away for a moment. Until it knows, the lease keeps others off; after that the
    // message goes out once more, the same code under the same id.
    for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 2_000)) {
      if (gathered.length === 0)
        written = new Promise((resolve) => setImmediate(resolve)).then(() => {
          const settlements = gathered
          gathered = []
          return outbox.settle(settlements)
        })
      gathered.push(settlement)
      try {
        return await written
      } catch (error) {
        settings.onError?.('settle', error)
        if (isStopping || performance.now() > deadline) return
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
  }

  async function poll(): Promise<void> {
    if (isPolling || isStopping) return
    isPolling = true
    clearTimeout(timer)
    try {
      const most = mostClaimed - inHand
      if (most > 0) {
        const entries = await outbox.claim(most, lease)
        isMoreDue = entries.length === most
        for (const entry of entries) handOver(entry)
      }
    } catch (error) {
      settings.onError?.('claim', error)
    }
    isPolling = false
    if (!isStopping) timer = setTimeout(poll, pollMs)
  }

  return {
    lease,
    handOver,
    async start() {
      await outbox.release(owner)
      void poll()
    },
    async stop(timeoutMs) {
      isStopping = true
      clearTimeout(timer)
      if (inHand === 0) return
      await Promise.race([
        new Promise<void>((resolve) => {
          onIdle = resolve
        }),
        new Promise<void>((resolve) => setTimeout(resolve, timeoutMs).unref()),
      ])
    },
  }
}

/** A code waits half a second to eight; a notice, good for a day, up to hours: it outlives an outage. */
function longestWaitMs(dispatches: number, remainingMs: number): number {
  const isUrgent = remainingMs <= longestCodeMs
  return isUrgent
    ? Math.min(8_000, 250 * 2 ** dispatches)
    : Math.min(remainingMs / 2, 1_000 * 4 ** dispatches)
}

function nextAfter(outcome: DispatchOutcome, dispatches: number, remainingMs: number): Settlement['next'] {
  switch (outcome) {
    case 'accepted':
      return { kind: 'done' }
    case 'refused':
      return { kind: 'failed', isPermanent: true }
    case 'expired':
    case 'exhausted':
      return { kind: 'failed', isPermanent: false }
    case 'unknown':
      if (dispatches >= mostDispatchesIfUnknown) return { kind: 'failed', isPermanent: false }
      return nextAfter('unavailable', dispatches, remainingMs)
    case 'throttled':
    case 'unavailable':
      if (remainingMs < leastLifeForRetryMs || dispatches >= mostDispatches)
        return { kind: 'failed', isPermanent: false }
      // Full jitter, so that many messages failed by one outage do not come back together.
      return { kind: 'retry', afterMs: Math.round(Math.random() * longestWaitMs(dispatches, remainingMs)) }
  }
}
