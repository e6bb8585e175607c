import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashPassword, isRightPassword } from './password.ts'

test('the right password passes, any other does not', async () => {
  const hash = await hashPassword('correct horse')
  assert.equal(await isRightPassword('correct horse', hash), true)
  for (const other of ['', 'correct horse ', 'Correct horse', 'correct hors'])
    assert.equal(await isRightPassword(other, hash), false, other)
})

test('a hash is argon2id in PHC form at OWASP’s cost, with a salt of its own', async () => {
  const [one, two] = await Promise.all([hashPassword('same'), hashPassword('same')])
  assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  assert.notEqual(one, two)
})

test('the cost is read from the hash, so that a later one leaves old hashes good', async () => {
  // By the reference program: echo -n password | argon2 somesalt -id -t 1 -k 64 -p 1 -l 32 -e
  const hash = '$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$cpx6VEQbwTVZvcpxNIxOVUWZ5xnAipUmAe1cg2GMG70'
  assert.equal(await isRightPassword('password', hash), true)
  assert.equal(await isRightPassword('Password', hash), false)
})

test('the same characters typed another way are the same password', async () => {
  const hash = await hashPassword('caf\u00e9')
  assert.equal(await isRightPassword('cafe\u0301', hash), true)
})

test('what is no hash of this form lets nobody in', async () => {
  const hash = await hashPassword('x')
  for (const broken of [
    '',
    'x',
    hash.replace('argon2id', 'argon2i'),
    hash.slice(0, -1),
    `${hash}A`,
    hash.replace('v=19', 'v=16'),
    '$argon2id$v=19$m=64,t=1,p=1$c2FsdA$cpx6',
  ])
    assert.equal(await isRightPassword('x', broken), false, broken)
})
