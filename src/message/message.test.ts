import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newMessageId } from './message.ts'

test('a message id is 32 hex digits that sort by their time, and is never drawn twice', () => {
  const now = 1_764_000_000_000
  const ids = Array.from({ length: 1000 }, () => newMessageId(now))
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/)
  assert.ok(ids.every((id) => id < newMessageId(now + 1)))
})
