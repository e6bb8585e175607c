/** The outbox worker: takes committed messages to a provider within their deadline and records each try. */

import type { KeyRing } from '../code/key-ring.ts'
import { destinationOf } from '../message/destination.ts'
import type { Dispatch } from '../message/dispatch.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Dispatches } from '../store/dispatches.ts'
import type { Outbox } from '../store/outbox.ts'
import { reached } from './crash-points.ts'
import { createInHand } from './in-hand.ts'
import { createMessageOfEntry } from './message-of-entry.ts'
import { createOutboxPoll, pollMs } from './outbox-poll.ts'
import { type Accepted, DeliveryError, type Provider } from './provider.ts'
import { createRecorder } from './recorder.ts'
import type { Chosen, Full, Router } from './router.ts'
import { sendWithTimeout } from './send-with-timeout.ts'
import { endOf, settlementOf } from './settlement.ts'
import type { Templates } from './templates.ts'

export type DeliverySettings = {
  readonly outbox: Outbox
  /** Read when the answer to a settlement was lost. */
  readonly dispatches: Pick<Dispatches, 'of'>
  readonly ring: KeyRing
  readonly templates: Templates
  readonly router: Router
  /** The name of this process in leases. It stays the same after a restart, and no process beside it has it. */
  readonly owner: string
  /** Called for every dispatch, for metrics and log; `ageMs` is the message's age, from its commit. */
  readonly observe?: (dispatch: Dispatch, entry: OutboxEntry, ageMs: number) => void
  /** Called once for every message that is not tried any more and that no carrier has accepted. */
  readonly onGivenUp?: (dispatch: Dispatch, entry: OutboxEntry) => void
  readonly onError?: (what: string, error: unknown) => void
  /** Whether somebody reads the events of an app. Default: nobody. */
  readonly areEventsRead?: (app: string) => boolean
}

export type Delivery = {
  readonly lease: { readonly owner: string; readonly ms: number }
  /** Takes over a message that this process has just committed and holds the lease of. */
  handOver(entry: OutboxEntry): void
  /** Frees what an earlier run of this owner held and begins to poll for due messages. */
  start(): Promise<void>
  /** Stops claiming and waits until what is in hand is settled, at most `timeoutMs`. */
  stop(timeoutMs: number): Promise<void>
}

const leaseMs = 15_000
/** The longest wait for a provider without capacity. With a mark and the longest hand-over it must fit into the lease. */
const maxInLineMs = 3_000
/** A message that may not join a long line is back within the three seconds that a living code waits at most. */
const [minAwayMs, maxAwayMs] = [1_000, 2_200]
/** The most claims that ended with the death of the process: a message that kills processes must not do so for ever. */
const maxUnsettledClaims = 10
/** With less life left than this nobody could type the code in time, so it is not sent. */
const minLifeMs = 1_000

/** The result of a try, without its message and times. */
type Outcome = Omit<Dispatch, 'messageId' | 'handedOverAt' | 'tookMs'>

/** An entry in hand, and its deadline by `performance.now()`. */
type Delivering = { readonly entry: OutboxEntry; readonly deadline: number }

export function createDelivery(settings: DeliverySettings): Delivery {
  const { outbox, router, owner, observe, onGivenUp, onError, areEventsRead = () => false } = settings
  const lease = { owner, ms: leaseMs }
  let isStopping = false
  const messageOf = createMessageOfEntry(settings.ring, settings.templates)
  const recorder = createRecorder({ ...settings, isStopping: () => isStopping })
  const inHand = createInHand()
  const poll = createOutboxPoll({
    claim: (max) => outbox.claim(max, lease),
    claimable: inHand.claimable,
    isLow: inHand.isLow,
    take: handOver,
    ...(onError && { onError }),
  })

  function handOver(entry: OutboxEntry): void {
    // A message that is not accepted here stays leased, and comes back by a claim when the lease has run out.
    if (inHand.isFull) return
    inHand.add()
    reached('after-claim', entry.message.id)
    const now = performance.now()
    const one: Delivering = { entry, deadline: now + entry.remainingMs }
    const ended = outcomeWithoutSending(entry)
    if (ended) settle(one, ended, now, undefined)
    else {
      const chosen = router.next(destinationOf(entry.message), entry.tried)
      if (chosen.kind === 'provider' && !chosen.isMarked) send(one, chosen)
      else void sendLater(one, chosen, Math.min(now + maxInLineMs, one.deadline - minLifeMs))
    }
  }

  function release(): void {
    inHand.remove()
    poll.onCapacity()
  }

  /** @param until  How long it may wait for a provider. */
  async function sendLater(one: Delivering, first: ReturnType<Router['next']>, until: number): Promise<void> {
    const chosen = first.kind === 'wait' ? await capacityWithin(one, first, until) : first
    if (chosen.kind === 'none')
      return settle(one, { provider: '', outcome: 'exhausted' }, performance.now(), undefined)
    if (chosen.kind === 'provider') {
      if (!chosen.isMarked || (await hasBegun(one, chosen))) return send(one, chosen)
    } else await postpone(one, chosen.isLong ? awayFor(one.deadline) : pollMs)
    release()
  }

  /** Waits until a provider has capacity, or the time is over. */
  async function capacityWithin({ entry }: Delivering, first: Full, until: number) {
    if (first.isLong && inHand.isCrowded) return first
    const destination = destinationOf(entry.message)
    let next: ReturnType<Router['next']> = first
    while (next.kind === 'wait' && performance.now() < until) {
      inHand.goToCarrier()
      poll.onCapacity()
      await next.capacity()
      inHand.backFromCarrier()
      next = router.next(destination, entry.tried)
    }
    return next
  }

  /** Marks the message as being handed over. @returns false if it must not be: it is another's, or could not be marked. */
  async function hasBegun({ entry, deadline }: Delivering, chosen: Chosen): Promise<boolean> {
    const { message, queuedAt, nth, verification } = entry
    try {
      const provider = chosen.provider.name
      const mark = { messageId: message.id, queuedAt, verification: verification?.id ?? '', nth, provider }
      if (await recorder.begin(mark)) return true
    } catch (error) {
      onError?.('begin', error)
      await postpone({ entry, deadline }, pollMs)
    }
    // The failure is not the provider's.
    chosen.leave('throttled')
    return false
  }

  async function postpone({ entry }: Delivering, ms: number): Promise<void> {
    await recorder.postpone(entry, ms)
    poll.expect(ms)
  }

  function send(one: Delivering, chosen: Chosen): void {
    const { provider, timeoutMs, sender } = chosen
    const handedOverAt = performance.now()
    const remainingMs = one.deadline - handedOverAt
    const fail = (error: unknown) => {
      if (!(error instanceof DeliveryError)) onError?.('delivery', error)
      end(
        outcomeOfError(provider.name, error),
        error instanceof DeliveryError ? error.retryAfterMs : undefined,
      )
    }
    const end = (outcome: Outcome, retryAfterMs?: number) => {
      inHand.backFromCarrier()
      chosen.leave(outcome.outcome, retryAfterMs)
      settle(one, outcome, handedOverAt, chosen)
    }
    inHand.goToCarrier()
    try {
      const message = messageOf(one.entry, remainingMs, sender)
      sendWithTimeout(provider, message, Math.min(timeoutMs, remainingMs)).then((accepted) => {
        reached('after-accept', message.id)
        end(outcomeOfAccepted(provider, accepted))
      }, fail)
    } catch (error) {
      fail(error)
    }
    poll.onCapacity()
  }

  /** @param startedAt  By `performance.now()`. @param chosen  The provider it was handed to. */
  function settle(one: Delivering, outcome: Outcome, startedAt: number, chosen: Chosen | undefined): void {
    const { entry, deadline } = one
    const { message } = entry
    const dispatch: Dispatch = {
      messageId: message.id,
      // In engine time, reckoned from the deadline by the monotonic clock of this process.
      handedOverAt: entry.deadlineAt - (deadline - startedAt),
      tookMs: performance.now() - startedAt,
      ...outcome,
    }
    observe?.(dispatch, entry, endOf(dispatch) - entry.queuedAt)
    const settlement = settlementOf(entry, dispatch, chosen, areEventsRead)
    reached('before-settle', message.id)
    recorder.record({
      settlement,
      deadline,
      onRecorded(isGivenUp) {
        const { next } = settlement
        if (isGivenUp && isLost(entry)) onGivenUp?.(dispatch, entry)
        if (next.kind === 'retry' || next.kind === 'second') poll.expect(next.afterMs)
        release()
      },
    })
  }

  return {
    lease,
    handOver,
    async start() {
      await outbox.release(owner)
      poll.start()
    },
    async stop(timeoutMs) {
      isStopping = true
      poll.stop()
      await inHand.whenEmpty(timeoutMs)
    },
  }
}

/** The outcome of an entry that must not be handed over at all. */
function outcomeWithoutSending({
  begun,
  verification,
  remainingMs,
  nth,
  tried,
}: OutboxEntry): Outcome | undefined {
  // It is unknown whether the provider took it, and the provider's setting `afterCrash` allows no second try.
  if (begun !== undefined)
    return { provider: begun, outcome: 'unknown', providerCode: 'the server died while it was handed over' }
  if (verification && verification.state !== 'live') return { provider: '', outcome: 'expired' }
  // The reason is recorded where a carrier's words would be.
  if (remainingMs < minLifeMs)
    return { provider: '', outcome: 'expired', providerCode: 'no carrier had room for it in time' }
  if (nth - tried.length > maxUnsettledClaims) return { provider: '', outcome: 'exhausted' }
  return undefined
}

function outcomeOfAccepted({ name, hasReceipts }: Provider, accepted: Accepted): Outcome {
  const { id, receiptKey = id, segments, price } = accepted
  return {
    provider: name,
    outcome: 'accepted',
    providerMessageId: id,
    ...(hasReceipts && { receiptKey }),
    ...(segments !== undefined && { segments }),
    ...(price && { price }),
  }
}

/** @param error  One that is no DeliveryError is a fault of ours: the message was not taken. */
function outcomeOfError(provider: string, error: unknown): Outcome {
  if (!(error instanceof DeliveryError)) return { provider, outcome: 'unavailable', providerCode: 'internal' }
  return { provider, outcome: error.kind, providerCode: error.providerCode }
}

/** A random time, so that messages postponed together do not come back together. */
function awayFor(deadline: number): number {
  const ms = minAwayMs + Math.random() * (maxAwayMs - minAwayMs)
  return Math.round(Math.min(ms, Math.max(pollMs, (deadline - performance.now()) / 4)))
}

/** Not lost is a message that its first channel has accepted, and one whose code is used or ended. */
function isLost({ verification, isSecond }: OutboxEntry): boolean {
  return !isSecond && (verification === undefined || verification.state === 'live')
}
