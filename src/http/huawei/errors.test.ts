import assert from 'node:assert/strict'
import { test } from 'node:test'
import { messageOf, secondsOf, type WireCode, wireErrors } from './errors.ts'

test('every error has a message in both languages, with the same details', () => {
  const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).toSorted()
  for (const [code, { status, zh, en }] of Object.entries(wireErrors)) {
    assert.match(code, /^USG\.\d{9}$/)
    assert.ok(status >= 400 && status < 600)
    assert.match(zh, /[\u4e00-\u9fff]/)
    assert.doesNotMatch(en, /[\u4e00-\u9fff]/)
    assert.deepEqual(placeholders(zh), placeholders(en), code)
  }
})

test('a message is filled in for its language and leaves no placeholder', () => {
  const details = {
    field: 'contact',
    problem: { 'zh-CN': '格式错误', 'en-US': 'it is malformed' },
    method: 'GET',
    path: '/',
    allowed: 'PUT',
  }
  for (const code of Object.keys(wireErrors) as WireCode[])
    for (const locale of ['zh-CN', 'en-US'] as const)
      assert.doesNotMatch(messageOf({ code, details, retryAfterMs: 1 }, locale), /[{}]/)
  assert.equal(
    messageOf({ code: 'USG.000000003', details }, 'en-US'),
    'Invalid parameter contact: it is malformed.',
  )
})

test('seconds are rounded up, so that waiting them is enough', () => {
  assert.deepEqual([0, 1, 999, 1000, 1001, 60_000].map(secondsOf), [1, 1, 1, 1, 2, 60])
})
