import assert from 'node:assert/strict'
import { test } from 'node:test'
import { plain, plainLines } from './plain.ts'

test('what moves a cursor, breaks a line or turns the writing is shown, not done', () => {
  assert.equal(plain('\u001b[2J\u001b]0;owned\u0007'), '\\u001b[2J\\u001b]0;owned\\u0007')
  assert.equal(plain('good  store\r\nBAD '), 'good  store\\u000d\\u000aBAD ')
  assert.equal(plain('\u009b31m \u202eevil\u2028'), '\\u009b31m \\u202eevil\\u2028')
  assert.equal(plain('张三, Zoë, עברית 👩🏽'), '张三, Zoë, עברית 👩🏽')
})

test('lines of ours stay lines, and JSON stays the same value', () => {
  assert.equal(plainLines('one\n\ttwo\u001b'), 'one\n\ttwo\\u001b')
  const value = { name: '\u009b31m\u202e' }
  assert.deepEqual(JSON.parse(plainLines(JSON.stringify(value))), value)
})
