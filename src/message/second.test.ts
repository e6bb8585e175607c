import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type NextChannel, nextChannelIn, secondOf } from './second.ts'

test('a next channel comes back from its text, and that of earlier versions is its channel alone', () => {
  const all: NextChannel[] = [
    { channel: 'voice' },
    { channel: 'sms', step: 1 },
    { channel: 'whatsapp', step: 3, afterDelivery: true },
  ]
  for (const one of all) assert.deepEqual(nextChannelIn(secondOf(one)), one)
  assert.equal(secondOf({ channel: 'voice' }), 'voice')
})
