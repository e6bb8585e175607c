import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isStrongPassword } from './password-rules.ts'

test('a password has 8 to 32 characters of two kinds, none three times running, and is not the account', async () => {
  for (const strong of ['abcdefh1', 'ABCDefgh', `a1${'b2'.repeat(15)}`, 'aab-baab'])
    assert.equal(await isStrongPassword(strong, 'someone'), true, strong)
  for (const weak of ['abcdef1', 'abcdefgh', '12345678', `a1${'b2'.repeat(16)}`, 'abbb-cde1'])
    assert.equal(await isStrongPassword(weak, 'someone'), false, weak)
  assert.equal(await isStrongPassword('Someone-1', 'someONE-1'), false)
  assert.equal(await isStrongPassword('1-enoEmos', 'someone-1'), false)
})

test('the 10,000 commonest are refused, in any case', async () => {
  for (const common of ['password1', 'Password1', '1qaz2wsx', 'trustno1', 'qwerty123'])
    assert.equal(await isStrongPassword(common, 'someone'), false, common)
  assert.equal(await isStrongPassword('ｐassword1', 'someone'), false, 'in full width')
})
