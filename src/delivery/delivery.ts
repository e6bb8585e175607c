/** The outbox worker: takes committed messages to a provider within their deadline and records each try. */

import { deriveCode } from '../code/derive-code.ts'
import type { KeyRing } from '../code/key-ring.ts'
import { destinationOf } from '../message/destination.ts'
import type { Dispatch } from '../message/dispatch.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Dispatches } from '../store/dispatches.ts'
import type { Outbox, Settlement } from '../store/outbox.ts'
import { reached } from './crash-points.ts'
import { minLifeForRetryMs, nextAfter } from './next-try.ts'
import { DeliveryError, type Message } from './provider.ts'
import { createRecorder } from './recorder.ts'
import type { Chosen, Router } from './router.ts'
import { sendWithTimeout } from './send-with-timeout.ts'
import type { Templates } from './templates.ts'

export type DeliverySettings = {
  readonly outbox: Outbox
  /** Asked when the answer to a settlement was lost. */
  readonly dispatches: Pick<Dispatches, 'of'>
  readonly ring: KeyRing
  readonly templates: Templates
  readonly router: Router
  /** Names this process in leases: the same after a restart, unlike that of any process beside it. */
  readonly owner: string
  /** Told of every dispatch, for metrics and log; `ageMs` is the message's age, from its commit. */
  readonly observe?: (dispatch: Dispatch, entry: OutboxEntry, ageMs: number) => void
  /** Told once of every message that is not tried any more and that no carrier has accepted. */
  readonly onGivenUp?: (dispatch: Dispatch, entry: OutboxEntry) => void
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

const leaseMs = 15_000
/** In line for a provider that has all it may have. With a mark and the longest hand-over it must end before the lease. */
const maxInLineMs = 3_000
const pollMs = 250
/** In hand at once. Beyond it messages wait in the store, for this process or another. */
const maxInHand = 4_000
/** With so many in hand nobody joins a long line any more: a carrier that hangs must not keep those of others out. */
const manyInHand = 2_000
/** How long one is put off that did not join: it is back within the three seconds a living code waits at most. */
const [minAwayMs, maxAwayMs] = [1_000, 2_200]
/**
 * Claimed ahead, less those that are with a carrier or in line for one. Each claim counts as a try, so a process that
 * dies often must not claim what it cannot send soon.
 */
const maxClaimed = 64
/** Claims that nobody settled, because the process died: a message that kills processes must not do so for ever. */
const maxUnsettledClaims = 10
/** Less life than this and nobody could type the code in time: never send late. */
const minLifeMs = 1_000

/** A dispatch as its outcome becomes known, before it is put to a message and a time. */
type Told = Pick<
  Dispatch,
  'outcome' | 'providerCode' | 'providerMessageId' | 'receiptKey' | 'segments' | 'price'
>
/** What a hand-over came to, and how long the provider asks to be left alone. */
type HandedOver = { readonly told: Told; readonly retryAfterMs?: number | undefined }

export function createDelivery(settings: DeliverySettings): Delivery {
  const { outbox, router, owner } = settings
  const lease = { owner, ms: leaseMs }
  let inHand = 0
  /** Of them with a carrier or in line for one, which may hang: others must not be left in the store for that. */
  let elsewhere = 0
  let isStopping = false
  let isPolling = false
  let isMoreDue = false
  let timer: NodeJS.Timeout | undefined
  let nextLookAt = Number.POSITIVE_INFINITY
  let onIdle: (() => void) | undefined
  const { begin, postpone, record } = createRecorder({ ...settings, isStopping: () => isStopping })

  function handOver(entry: OutboxEntry): void {
    // What is not taken here stays leased and comes back by a claim once the lease has run out.
    if (inHand >= maxInHand) return
    inHand++
    void deliver(entry, performance.now() + entry.remainingMs).finally(() => {
      inHand--
      if (inHand === 0) onIdle?.()
      claimMore()
    })
  }

  function claimMore(): void {
    if (isMoreDue && inHand < maxInHand && inHand - elsewhere < maxClaimed / 2) void poll()
  }

  /** Waits for what is a carrier's to end. */
  async function away<T>(waited: Promise<T>): Promise<T> {
    elsewhere++
    claimMore()
    try {
      return await waited
    } finally {
      elsewhere--
    }
  }

  /** @param deadline  By `performance.now()`. */
  async function deliver(entry: OutboxEntry, deadline: number): Promise<void> {
    reached('after-claim', entry.message.id)
    const { nth, tried, verification } = entry
    const startedAt = performance.now()
    if (entry.begun !== undefined) return endBegun(entry, entry.begun, deadline)
    const end = (outcome: 'expired' | 'exhausted', why?: string) => {
      const times = timesOf(entry, deadline, startedAt, startedAt)
      return settle(entry, { provider: '', ...times, outcome, ...(why && { providerCode: why }) }, undefined)
    }
    if (verification && verification.state !== 'live') return end('expired')
    // Whoever looks for the reason finds it where a carrier's words would stand.
    if (deadline - startedAt < minLifeMs) return end('expired', 'no carrier had room for it in time')
    if (nth - tried.length > maxUnsettledClaims) return end('exhausted')
    const until = Math.min(startedAt + maxInLineMs, deadline - minLifeMs)
    const chosen = await chosenWithin(entry, until)
    if (chosen.kind === 'none') return end('exhausted')
    if (chosen.kind === 'wait') return postpone(entry, chosen.isLong ? awayFor(deadline) : pollMs)
    if (chosen.isMarked && !(await hasBegun(entry, chosen))) return
    const handedOverAt = performance.now()
    const { told, retryAfterMs } = await away(dispatched(entry, chosen, deadline - handedOverAt))
    chosen.leave(told.outcome, retryAfterMs)
    const provider = chosen.provider.name
    await settle(
      entry,
      { provider, ...timesOf(entry, deadline, handedOverAt, performance.now()), ...told },
      chosen,
    )
  }

  /** Its process died while it was handed over. Whether it was taken nobody knows; the setting says: not once more. */
  function endBegun(entry: OutboxEntry, provider: string, deadline: number): Promise<void> {
    const now = performance.now()
    const told = { outcome: 'unknown', providerCode: 'the server died while it was handed over' } as const
    return settle(entry, { provider, ...timesOf(entry, deadline, now, now), ...told }, undefined)
  }

  /** Marks the message as being handed over. @returns false if it must not be: it is another's, or could not be marked. */
  async function hasBegun(entry: OutboxEntry, chosen: Chosen): Promise<boolean> {
    const { message, queuedAt, nth, verification } = entry
    try {
      const provider = chosen.provider.name
      const isHeld = await begin({
        messageId: message.id,
        queuedAt,
        verification: verification?.id ?? '',
        nth,
        provider,
      })
      if (isHeld) return true
    } catch (error) {
      settings.onError?.('begin', error)
      await postpone(entry, pollMs)
    }
    // It says nothing of the provider.
    chosen.leave('throttled')
    return false
  }

  /** Stands in line for a provider as long as its lease allows. */
  async function chosenWithin({ message, tried }: OutboxEntry, until: number) {
    const destination = destinationOf(message)
    for (let isNew = true; ; isNew = false) {
      const chosen = router.next(destination, tried)
      if (chosen.kind !== 'wait' || performance.now() >= until) return chosen
      if (isNew && chosen.isLong && inHand > manyInHand) return chosen
      await away(chosen.room())
    }
  }

  /** Hands the message to the chosen provider. Never rejects: whatever happens is an outcome. */
  async function dispatched(entry: OutboxEntry, chosen: Chosen, remainingMs: number): Promise<HandedOver> {
    const { provider, timeoutMs, sender } = chosen
    try {
      const message = rendered(entry, remainingMs, sender)
      const accepted = await sendWithTimeout(provider, message, Math.min(timeoutMs, remainingMs))
      reached('after-accept', message.id)
      const { id, receiptKey = id, segments, price } = accepted
      const told: Told = {
        outcome: 'accepted',
        providerMessageId: id,
        ...(provider.hasReceipts && { receiptKey }),
        ...(segments !== undefined && { segments }),
        ...(price && { price }),
      }
      return { told }
    } catch (error) {
      if (error instanceof DeliveryError) {
        const { kind, providerCode, retryAfterMs } = error
        return { told: { outcome: kind, providerCode }, retryAfterMs }
      }
      settings.onError?.('delivery', error)
      return { told: { outcome: 'unavailable', providerCode: 'internal' } }
    }
  }

  function rendered(
    { message, verification }: OutboxEntry,
    remainingMs: number,
    sender: string | null,
  ): Message {
    const values: Record<string, string> = { ...message.values }
    if (verification) {
      const key = settings.ring.keys.get(verification.keyId)
      // Sending a code of another key would send one that cannot be right.
      if (!key) throw new DeliveryError('refused', 'key of the code is not in the ring')
      values.code = deriveCode(key, verification, verification.digits)
      values.lifetimeMs = String(verification.expiresAt - verification.issuedAt)
    }
    const { id, tenant, app, channel, to, locale, template } = message
    const text = settings.templates.render(template, channel, locale, id, values)
    const deadlineAt = verification?.expiresAt ?? 0
    return { id, tenant, app, channel, to, locale, template, sender, ...text, deadlineAt, remainingMs }
  }

  async function settle(
    entry: OutboxEntry,
    told: Omit<Dispatch, 'messageId'>,
    chosen: Chosen | undefined,
  ): Promise<void> {
    const { message, verification, queuedAt, nth } = entry
    const dispatch: Dispatch = { messageId: message.id, ...told }
    const settledAt = told.handedOverAt + told.tookMs
    settings.observe?.(dispatch, entry, settledAt - queuedAt)
    const remainingMs = entry.deadlineAt - settledAt
    const unknowns = entry.unknowns + Number(told.outcome === 'unknown')
    const { tenant, app, channel, cooldown } = message
    const settlement: Settlement = {
      dispatch,
      message: { tenant, app, channel, cooldown },
      region: destinationOf(message).region,
      verification: verification?.id ?? '',
      queuedAt,
      nth,
      next:
        nextOfBegun(entry) ??
        secondOf(entry, told, chosen, remainingMs) ??
        nextAfter({
          outcome: told.outcome,
          isCode: verification !== undefined,
          channel,
          nth,
          unknowns,
          remainingMs,
          hasNext: chosen?.hasNext ?? false,
        }),
    }
    reached('before-settle', message.id)
    const isGivenUp = await record(settlement, performance.now() + remainingMs)
    if (isGivenUp && isLost(entry)) settings.onGivenUp?.(dispatch, entry)
    // Fall-over does not wait for the next look: the next provider shall have it within a moment.
    if (settlement.next.kind === 'retry' && settlement.next.afterMs < pollMs) lookIn(settlement.next.afterMs)
  }

  /** Looks for due messages in so long, or sooner if that was meant already. */
  function lookIn(ms: number): void {
    if (isStopping) return
    const at = performance.now() + ms
    if (at >= nextLookAt) return
    nextLookAt = at
    // A look under way begins the next one itself.
    if (isPolling) return
    clearTimeout(timer)
    timer = setTimeout(poll, ms)
  }

  async function poll(): Promise<void> {
    if (isPolling || isStopping) return
    isPolling = true
    clearTimeout(timer)
    nextLookAt = performance.now() + pollMs
    try {
      const most = Math.min(maxClaimed - (inHand - elsewhere), maxInHand - inHand)
      if (most > 0) {
        const entries = await outbox.claim(most, lease)
        isMoreDue = entries.length === most
        for (const entry of entries) handOver(entry)
      }
    } catch (error) {
      isMoreDue = false
      settings.onError?.('claim', error)
    }
    isPolling = false
    if (isStopping) return
    timer = setTimeout(poll, Math.max(0, nextLookAt - performance.now()))
    claimMore()
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

/** Spread, so that those put off together do not come back together. */
function awayFor(deadline: number): number {
  const ms = minAwayMs + Math.random() * (maxAwayMs - minAwayMs)
  return Math.round(Math.min(ms, Math.max(pollMs, (deadline - performance.now()) / 4)))
}

/** What was cut off by a crash is not tried again, whatever else would follow. */
function nextOfBegun({ begun }: OutboxEntry): Settlement['next'] | undefined {
  return begun === undefined ? undefined : { kind: 'failed' }
}

/** What was accepted by its first channel is on its way, and what is used or ended needs none any more. */
function isLost({ verification, isSecond }: OutboxEntry): boolean {
  return !isSecond && (verification === undefined || verification.state === 'live')
}

/** Engine times of a dispatch, from what this process's own steady clock says of it. */
function timesOf(entry: OutboxEntry, deadline: number, startedAt: number, endedAt: number) {
  return { handedOverAt: entry.deadlineAt - (deadline - startedAt), tookMs: endedAt - startedAt }
}

/** Whether an accepted code waits for a receipt, and which channel comes if there is none. */
function secondOf(
  { verification, isSecond }: OutboxEntry,
  { outcome, receiptKey }: Pick<Dispatch, 'outcome' | 'receiptKey'>,
  chosen: Chosen | undefined,
  remainingMs: number,
): Settlement['next'] | undefined {
  const second = chosen?.second
  // Without receipts nothing could tell that the second is not needed.
  if (!second || outcome !== 'accepted' || !verification || isSecond || receiptKey === undefined)
    return undefined
  // A second that comes too late to be typed is none.
  if (remainingMs - second.afterMs < minLifeForRetryMs) return undefined
  return { kind: 'second', channel: second.channel, afterMs: second.afterMs }
}
