import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newKeyLine, parseKeyRing } from './key-ring.ts'
import { makeStep, openStep } from './step-token.ts'

const line = newKeyLine(new Date(0))
const ring = parseKeyRing(line)
const now = 1_700_000_000_000

test('a token opens for what it was made for, until its end, and for nothing else', () => {
  const token = makeStep(ring, 's', now + 180_000, ['alice', '1'])
  assert.match(token, /^s[A-Za-z0-9_-]{32}$/)
  assert.equal(openStep(ring, token, 's', now, ['alice', '1'])?.expiresAt, now + 180_000)
  assert.equal(openStep(ring, token, 's', now + 180_000, ['alice', '1']), undefined)
  for (const bound of [['alice', '0'], ['bob', '1'], ['alice'], ['alice","1'], []])
    assert.equal(openStep(ring, token, 's', now, bound), undefined, bound.join())
  for (const kind of ['p', 'c'] as const) {
    assert.equal(openStep(ring, token, kind, now, ['alice', '1']), undefined)
    assert.equal(openStep(ring, kind + token.slice(1), kind, now, ['alice', '1']), undefined)
  }
})

test('a token that was changed, cut or made elsewhere opens nowhere', () => {
  const token = makeStep(ring, 'c', now + 1000, [])
  for (let i = 1; i < token.length; i++) {
    const other = token[i] === 'A' ? 'B' : 'A'
    assert.equal(openStep(ring, token.slice(0, i) + other + token.slice(i + 1), 'c', now, []), undefined)
  }
  for (const wrong of ['', 'c', token.slice(0, -1), `${token}A`])
    assert.equal(openStep(ring, wrong, 'c', now, []), undefined)
  assert.equal(openStep(parseKeyRing(newKeyLine(new Date(0))), token, 'c', now, []), undefined)
})

test('a token opens as long as its key is in the ring', () => {
  const token = makeStep(ring, 'p', now + 1000, ['x'])
  const renewed = parseKeyRing(`${line}\n${newKeyLine(new Date(0))}`)
  assert.equal(openStep(renewed, token, 'p', now, ['x'])?.key.id, ring.newest.id)
})
