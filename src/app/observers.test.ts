import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dispatch } from '../message/dispatch.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import { createMetrics } from '../metrics.ts'
import type { ReceiptResult } from '../store/dispatches.ts'
import { breakerObserver, deliveryObservers, receiptObserver } from './observers.ts'

const settings = { routes: [], policy: { regions: null } } as never
const entry = {
  message: { channel: 'sms', to: { kind: 'phone', region: 'CN' }, tenant: 't', app: 'a', id: 'm' },
} as unknown as OutboxEntry
const dispatch: Dispatch = {
  messageId: 'm',
  provider: 'one',
  outcome: 'accepted',
  handedOverAt: 0,
  tookMs: 1,
}
const costs = async (metrics: ReturnType<typeof createMetrics>) =>
  (await metrics.registry.metrics())
    .split('\n')
    .filter((line) => line.startsWith('countersign_cost_total'))
    .map((line) => line.slice('countersign_cost_total'.length))

test('the cost is the sum of what answers and receipts tell, by provider, country and currency, once each', async () => {
  const metrics = createMetrics(async () => undefined)
  const { observe } = deliveryObservers(metrics, { warn() {} }, settings)
  const receive = receiptObserver(metrics)
  observe({ ...dispatch, price: { amount: '0.0075', currency: 'USD' } }, entry, 1)
  observe({ ...dispatch, price: { amount: '0.05', currency: 'CNY' } }, entry, 1)
  observe(dispatch, entry, 1)
  const receipt = { provider: 'one', key: 'k', state: 'delivered', providerCode: '' } as const
  const result = { kind: 'recorded', isNews: true, channel: 'sms', region: 'CN', sinceAcceptedMs: 1 } as const
  const told = (price: (ReceiptResult & { kind: 'recorded' })['price']) =>
    receive(receipt, { ...result, price })
  told({ amount: '0.0025', currency: 'USD' })
  told(null)
  told({ amount: '1', currency: 'not a currency' })
  assert.deepEqual(await costs(metrics), [
    '{provider="one",country="CN",currency="USD"} 0.01',
    '{provider="one",country="CN",currency="CNY"} 0.05',
  ])
})

test('a carrier that fails is told once until it is well again, however often its probes fail', () => {
  const told: [string, object][] = []
  const onBreaker = breakerObserver({ info() {}, warn() {} }, (type, facts) => told.push([type, facts]))
  const opened = (why: string) => onBreaker('one', { kind: 'opened', why, forMs: 1 })
  opened('5 failures in a row')
  opened('its probe was unknown')
  onBreaker('one', { kind: 'closed' })
  opened('again')
  assert.deepEqual(told, [
    ['carrier.opened', { carrier: 'one', reason: '5 failures in a row' }],
    ['carrier.closed', { carrier: 'one' }],
    ['carrier.opened', { carrier: 'one', reason: 'again' }],
  ])
})
