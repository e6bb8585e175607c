/** Every engine's duties with what works once. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Clients, times, unlike } from './fixtures.ts'

export function consumptionConformance({ store, client }: Clients): void {
  const { consumptions } = store
  const newConsumption = () => ({
    thing: `proof ${unlike()}`,
    by: unlike(),
    expiresAt: Date.now() + 60_000,
  })

  describe('consumptions', () => {
    test('of two hundred consumers at once one consumes it', async () => {
      const { thing, expiresAt } = newConsumption()
      const consumers = times(200, unlike)
      const consumed = await Promise.all(
        consumers.map((by, nth) => client(nth).consumptions.consume({ thing, by, expiresAt })),
      )
      assert.equal(consumed.filter(Boolean).length, 1)
      assert.equal(await consumptions.consumer(thing), consumers[consumed.indexOf(true)])
    })

    test('whoever consumed it succeeds again, and nobody else', async () => {
      const one = newConsumption()
      assert.equal(await consumptions.consumer(one.thing), undefined)
      assert.equal(await consumptions.consume(one), true)
      assert.equal(await consumptions.consume({ ...one, expiresAt: one.expiresAt + 5 }), true)
      assert.equal(await consumptions.consume({ ...one, by: unlike() }), false)
      assert.equal(await consumptions.consumer(one.thing), one.by)
    })

    test('a consumption is kept until it expires, and then swept', async () => {
      const [over, kept] = [{ ...newConsumption(), expiresAt: Date.now() - 1 }, newConsumption()]
      assert.equal(await consumptions.consume(over), true)
      assert.equal(await consumptions.consume(kept), true)
      await store.sweep(3_600_000)
      assert.equal(await consumptions.consumer(over.thing), undefined)
      assert.equal(await consumptions.consumer(kept.thing), kept.by)
    })
  })
}
