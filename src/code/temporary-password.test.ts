import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStrongPassword } from '../directory/password-rules.ts'
import { newMessageId } from '../message/message.ts'
import { newKeyLine, parseKeyRing } from './key-ring.ts'
import { temporaryPassword } from './temporary-password.ts'

test('a temporary password is strong, the same for one message, and another for every other message and key', async () => {
  const [one, other] = [0, 1].map(() => parseKeyRing(newKeyLine(new Date(0))).newest)
  const seen = new Set<string>()
  for (let i = 0; i < 500; i++) {
    const id = newMessageId(i)
    const password = temporaryPassword(one!, id)
    assert.match(password, /^[a-z]{2}[2-9][a-z]-[a-z][2-9][a-z]{2}-[a-z]{2}[2-9][a-z]$/)
    assert.ok(await isStrongPassword(password, 'alice'))
    assert.equal(temporaryPassword(one!, id), password)
    seen.add(password).add(temporaryPassword(other!, id))
  }
  assert.equal(seen.size, 1000)
})
