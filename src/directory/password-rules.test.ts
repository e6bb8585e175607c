import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStrongPassword } from './password-rules.ts'

test('a password has 8 to 32 characters of two kinds, none three times running, and is not the account', () => {
  for (const strong of ['abcdefg1', 'ABCDefgh', `a1${'b2'.repeat(15)}`, 'aab-baab'])
    assert.equal(isStrongPassword(strong, 'someone'), true, strong)
  for (const weak of ['abcdef1', 'abcdefgh', '12345678', `a1${'b2'.repeat(16)}`, 'abbb-cde1'])
    assert.equal(isStrongPassword(weak, 'someone'), false, weak)
  assert.equal(isStrongPassword('Someone-1', 'someONE-1'), false)
  assert.equal(isStrongPassword('1-enoEmos', 'someone-1'), false)
})
