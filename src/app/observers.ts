/** Counts and logs dispatches, receipts, and codes that no carrier took. */

import type { Settings } from '../config/settings.ts'
import type { DeliverySettings } from '../delivery/delivery.ts'
import type { ReceiptsSettings } from '../delivery/receipts.ts'
import type { RouterSettings } from '../delivery/router.ts'
import type { Log } from '../log.ts'
import { destinationOf } from '../message/destination.ts'
import type { Dispatch, Price } from '../message/dispatch.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Metrics } from '../metrics.ts'
import type { EventFacts } from '../store/events.ts'

export function receiptObserver(metrics: Metrics): NonNullable<ReceiptsSettings['observe']> {
  return (receipt, result) => {
    const { provider, state } = receipt
    if (result.kind !== 'recorded') return metrics.receipts.inc({ provider, country: '', state: 'stray' })
    metrics.receipts.inc({ provider, country: result.region, state: result.isNews ? state : 'repeated' })
    countCost(metrics, provider, result.region, result.price)
    if (result.isNews && state === 'delivered')
      metrics.receiptSeconds.observe({ provider }, result.sinceAcceptedMs / 1000)
  }
}

/** Currencies come from a carrier's own words. A text of another form gets no series of its own. */
const currencyCode = /^[A-Z]{3}$/

function countCost(
  { cost }: Pick<Metrics, 'cost'>,
  provider: string,
  country: string,
  price: Price | null,
): void {
  if (price && currencyCode.test(price.currency))
    cost.inc({ provider, country, currency: price.currency }, Number(price.amount))
}

/**
 * Logs when a carrier gets no messages for a while, with the reason, and when it gets them again.
 * @param tell  Called for the first of several openings in a row, and for the closing.
 */
export function breakerObserver(
  log: Pick<Log, 'info' | 'warn'>,
  tell: (type: 'carrier.opened' | 'carrier.closed', facts: EventFacts) => void = () => undefined,
): NonNullable<RouterSettings['onBreaker']> {
  const open = new Set<string>()
  return (provider, change) => {
    if (change.kind === 'closed') {
      open.delete(provider)
      tell('carrier.closed', { carrier: provider })
      return log.info('a carrier is well again', { provider })
    }
    const until = new Date(Date.now() + change.forMs).toISOString()
    if (!open.has(provider)) tell('carrier.opened', { carrier: provider, reason: change.why })
    open.add(provider)
    log.warn('a carrier fails and is left alone for a while', { provider, reason: change.why, until })
  }
}

/** The outcomes with which the last try of a lost code may have ended. */
const lossReasons: readonly Dispatch['outcome'][] = [
  'refused',
  'throttled',
  'unavailable',
  'unknown',
  'expired',
  'exhausted',
]

/**
 * Observes each dispatch, and each message that was given up. The series of lost codes begin at zero, because Prometheus
 * sees no increase when a series begins at one: at once for countries in the settings, for others at the first message.
 */
export function deliveryObservers(
  metrics: Metrics,
  log: Pick<Log, 'warn'>,
  { routes, policy }: Pick<Settings, 'routes' | 'policy'>,
): Required<Pick<DeliverySettings, 'observe' | 'onGivenUp'>> {
  const begun = new Set<string>()
  const begin = (channel: string, country: string) => {
    if (begun.has(`${channel} ${country}`)) return
    begun.add(`${channel} ${country}`)
    for (const reason of lossReasons) metrics.lostCodes.inc({ channel, country, reason }, 0)
  }
  for (const { channel, countries } of routes)
    for (const country of channel === 'email' ? [''] : (countries ?? policy.regions ?? ['']))
      begin(channel, country)

  const fieldsOf = ({ provider, outcome, providerCode: reason = '' }: Dispatch, entry: OutboxEntry) => {
    const { message, verification, nth } = entry
    const { tenant, app, id } = message
    const { region: country, channel } = destinationOf(message)
    const ids = { tenant, app, channel, country, verification: verification?.id ?? '', message: id }
    return { ...ids, provider, outcome, dispatches: nth, reason }
  }

  return {
    observe(dispatch, entry, ageMs) {
      const { provider, outcome } = dispatch
      const { region: country, channel } = destinationOf(entry.message)
      begin(channel, country)
      metrics.dispatches.inc({ provider, channel, country, outcome })
      countCost(metrics, provider, country, dispatch.price ?? null)
      if (outcome === 'accepted') metrics.handOverSeconds.observe({ provider }, ageMs / 1000)
      else log.warn('a message was not taken', fieldsOf(dispatch, entry))
    },
    onGivenUp(dispatch, entry) {
      const { region: country, channel } = destinationOf(entry.message)
      const isCode = entry.verification !== undefined
      if (isCode) metrics.lostCodes.inc({ channel, country, reason: dispatch.outcome })
      log.warn(isCode ? 'a code was given up' : 'a notice was given up', fieldsOf(dispatch, entry))
    },
  }
}
