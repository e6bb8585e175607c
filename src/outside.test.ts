import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { maxDepth, maxFormLength, maxMarks, maxPairs, parseForm, parseJson, parseText } from './outside.ts'

const lenient = { trailingCommas: true }

test('JSON is what JSON.parse makes of it, whatever it is', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      assert.deepEqual(parseJson(text), { kind: 'parsed', value: JSON.parse(text) })
    }),
  )
})

test('a comma before a closing bracket is overlooked where that is wanted, and nothing else', () => {
  for (const [text, value] of [
    ['{"a":1,}', { a: 1 }],
    ['{"a":[1,2, ]\n,\t}', { a: [1, 2] }],
    ['[{},]', [{}]],
    ['{"a":",}",}', { a: ',}' }],
    ['{"a":"\\",}","b":"\\\\",}', { a: '",}', b: '\\' }],
  ] as const) {
    assert.deepEqual(parseJson(text, lenient), { kind: 'parsed', value }, text)
    assert.equal(parseJson(text).kind, 'malformed', text)
  }
  for (const text of [
    '',
    ' ',
    ',',
    '{',
    '{,}',
    '[,]',
    '[1,,]',
    '{"a":,}',
    '{"a":1,',
    "{'a':1,}",
    '{a:1,}',
    '{"a":1,}//x',
    '/**/{"a":1,}',
    '{"a":1,}x',
    '{"a":1,} {"b":2}',
    '{"a":01,}',
    'undefined',
  ])
    assert.equal(parseJson(text, lenient).kind, 'malformed', text)
})

test('a comma put before any closing bracket changes nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
      const text = JSON.stringify(value, null, 1).replace(/([^\s[{])(\s*[\]}])$/gm, '$1,$2')
      assert.deepEqual(parseJson(text, lenient), { kind: 'parsed', value: JSON.parse(JSON.stringify(value)) })
    }),
  )
})

test('no name reaches a prototype, on either way', () => {
  for (const text of [
    '{"__proto__":{"contact":"+8613800138000"},}',
    '{"__proto__":{"contact":"+8613800138000"}}',
  ]) {
    const outcome = parseJson(text, lenient)
    assert.ok(outcome.kind === 'parsed')
    assert.equal(Object.getPrototypeOf(outcome.value), Object.prototype)
    assert.equal((outcome.value as { contact?: string }).contact, undefined)
  }
})

test('what is too deep or too much is malformed, up to there it is read', () => {
  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
  assert.equal(parseJson(nested(maxDepth)).kind, 'parsed')
  assert.deepEqual(parseJson(nested(maxDepth + 1)), { kind: 'malformed', problem: 'too-deep' })
  assert.deepEqual(parseJson('['.repeat(1_000_000), lenient), { kind: 'malformed', problem: 'too-deep' })
  assert.equal(parseJson(`"${'['.repeat(1_000)}"`).kind, 'parsed', 'brackets in a text are none')
  const list = (marks: number) => `[${'1,'.repeat(marks)}1]`
  assert.equal(parseJson(list(maxMarks)).kind, 'parsed')
  assert.deepEqual(parseJson(list(maxMarks + 1)), { kind: 'malformed', problem: 'too-many' })
  assert.equal(parseForm('a=1&'.repeat(maxPairs - 1)).kind, 'parsed')
  assert.deepEqual(parseForm('a=1&'.repeat(maxPairs + 1)), { kind: 'malformed', problem: 'too-many' })
  assert.deepEqual(parseForm('a'.repeat(maxFormLength + 1)), { kind: 'malformed', problem: 'too-many' })
})

test('a form is what URLSearchParams makes of it', () => {
  // ASCII: of a byte that is no UTF-8 and a letter beyond ASCII in one text, Node 26 makes two U+FFFD.
  const text = fc.string({ unit: fc.constantFrom(...'ab=&+%20E98C;?#'), maxLength: 60 })
  fc.assert(
    fc.property(text, (form) => {
      const outcome = parseForm(form)
      assert.ok(outcome.kind === 'parsed')
      assert.deepEqual(outcome.value, [...new URLSearchParams(form.startsWith('?') ? `?${form}` : form)])
    }),
  )
  assert.deepEqual(parseForm('%aaé=验&%E9%AA%8C=%e9'), {
    kind: 'parsed',
    value: [
      ['\ufffdé', '验'],
      ['验', '\ufffd'],
    ],
  })
})

test('bytes that are not UTF-8 are malformed, a byte order mark is overlooked', () => {
  assert.deepEqual(parseText(Buffer.from('\ufeff{"a":"验"}')), { kind: 'parsed', value: '{"a":"验"}' })
  for (const bytes of [
    [0xff, 0xfe, 0x7b, 0],
    [0xc3, 0x28],
    [0xed, 0xa0, 0x80],
    [0x7b, 0xe9, 0x7d],
  ])
    assert.deepEqual(parseText(Buffer.from(bytes)), { kind: 'malformed', problem: 'not-utf-8' })
})
