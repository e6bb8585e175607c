import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newKeyLine, parseKeyRing } from './key-ring.ts'
import { open, seal } from './seal.ts'

const line = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64url')}`

test('the last key is the newest, all are kept', () => {
  const ring = parseKeyRing(`# a comment\r\n\r\n${line('old', 1)}\r\n  ${line('new', 2)}  \n`)
  assert.equal(ring.newest.id, 'new')
  assert.deepEqual([...ring.keys.keys()], ['old', 'new'])
})

test('a bad line is named by its number, its content never shown', () => {
  const secret = Buffer.alloc(32, 9).toString('base64url')
  for (const bad of [`key ${secret}`, `k:${secret.slice(1)}`, `K:${secret}`, `:${secret}`, `k:${secret}=`]) {
    const text = `${line('good', 1)}\n${bad}\n`
    assert.throws(
      () => parseKeyRing(text),
      (error: Error) => /^line 2:/.test(error.message) && !error.message.includes(secret.slice(2, 20)),
    )
  }
  assert.throws(() => parseKeyRing(`${line('k', 1)}\n${line('k', 2)}`), /line 2: key id "k" appears twice/)
  assert.throws(() => parseKeyRing('# nothing'), /no key/)
})

test('a new key line is one that a ring takes', () => {
  const ring = parseKeyRing(`${newKeyLine(new Date())}\n${newKeyLine(new Date())}`)
  assert.equal(ring.keys.size, 2)
})

test('a sealed text opens with its ring and context, also after a rotation', () => {
  const before = parseKeyRing(line('a', 1))
  const sealed = seal(before, 'app key · 秘密', 'app:1')
  assert.ok(!sealed.includes('app key'))
  assert.notEqual(seal(before, 'app key · 秘密', 'app:1'), sealed, 'a nonce of its own each time')
  const rotated = parseKeyRing(`${line('a', 1)}\n${line('b', 2)}`)
  assert.equal(open(rotated, sealed, 'app:1'), 'app key · 秘密')
})

test('a sealed text does not open elsewhere, changed, or without its key', () => {
  const ring = parseKeyRing(line('a', 1))
  const sealed = seal(ring, 'secret', 'app:1')
  assert.equal(open(ring, sealed, 'app:2'), undefined)
  assert.equal(open(parseKeyRing(line('b', 1)), sealed, 'app:1'), undefined)
  assert.equal(open(parseKeyRing(line('a', 2)), sealed, 'app:1'), undefined)
  for (let at = 0; at < sealed.length; at++) {
    const changed = sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1)
    const opened = open(ring, changed, 'app:1')
    // The last character of base64 may carry bits that mean nothing.
    assert.ok(opened === undefined || (at === sealed.length - 1 && opened === 'secret'))
  }
  assert.equal(open(ring, '', 'app:1'), undefined)
})
