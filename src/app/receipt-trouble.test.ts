import assert from 'node:assert/strict'
import { test } from 'node:test'
import { receiptTrouble } from './receipt-trouble.ts'

test('every receipt that cannot be read is counted, and one a minute is logged for each carrier', () => {
  let time = 0
  let counted = 0
  const lines: unknown[] = []
  const onUnread = receiptTrouble(
    'unread',
    { receipts: { inc: () => counted++ } } as never,
    { warn: (_, fields) => lines.push(fields) },
    () => time,
  )
  for (let i = 0; i < 100; i++) onUnread('a', `a${i}`)
  onUnread('b', 'b')
  time = 60_000
  onUnread('a', 'a-again')
  assert.equal(counted, 102)
  assert.deepEqual(lines, [
    { provider: 'a', count: 1, reason: 'a0' },
    { provider: 'b', count: 1, reason: 'b' },
    { provider: 'a', count: 100, reason: 'a-again' },
  ])
})
