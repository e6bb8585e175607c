import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compileNumber, createCompiler, namesIn, soleName, textOf } from './liquid.ts'

const bracketed = createCompiler((text) => `[${text.replaceAll(']', '')}]`)
const plain = createCompiler()

test('every value is escaped on its way out, joined or interpreted, filtered, chosen or assigned', () => {
  const values = { a: 'x]', list: ['1]', '2'], no: '' }
  for (const [source, text] of [
    ['{{ a }}', '[x]'],
    ['{{a}}-{{ a }}', '[x]-[x]'],
    ['{{- a -}}', '[x]'],
    ['{{ a | upcase }}', '[X]'],
    ['{{ a | append: a }}', '[xx]'],
    ['{{ no | default: a }}', '[x]'],
    ['{{ list[0] }}', '[1]'],
    ['{{ list | join: "," }}', '[1,2]'],
    ['{% assign b = a %}{{ b }}', '[x]'],
    ['{% if a != "" %}{{ a }}{% else %}none{% endif %}', '[x]'],
    ['{% unless no == "" %}{{ a }}{% endunless %}', ''],
    ['{% case a %}{% when "x]" %}{{ a }}{% endcase %}', '[x]'],
    ['{{ "]" }}', '[]'],
    ['a ] of its own stays', 'a ] of its own stays'],
  ] as const)
    assert.equal(bracketed(source)(values), text, source)
})

test('whatever a value holds, it is put out whole, and is never read as a template', () => {
  const joined = plain('<{{ a }}|{{ b }}>')
  const interpreted = plain('<{{ a | append: "" }}|{% if true %}{{ b }}{% endif %}>')
  const value = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('{{ b }}', '{% if true %}', '{%- comment -%}', '}}', '\u2028', '\ud800'),
  )
  fc.assert(
    fc.property(value, value, (a, b) => {
      assert.equal(joined({ a, b }), `<${a}|${b}>`)
      assert.equal(interpreted({ a, b }), `<${a}|${b}>`)
    }),
  )
})

test('what is not among the names is told at once, also in a branch and a filter', () => {
  for (const source of [
    '{{ c }}',
    '{{ a | append: c }}',
    '{% if false %}{{ c }}{% endif %}',
    '{% if c %}{% endif %}',
    '{{ a[c] }}',
  ])
    assert.throws(() => plain(source, ['a', 'b']), /^Error: \{\{ c \}\} is no value here; there are a, b$/)
  assert.doesNotThrow(() => plain('{% assign c = a %}{{ c }}', ['a']))
})

test('nothing reads a file, goes round the escaping, loops or computes for long', () => {
  for (const tag of [
    ...[
      'include',
      'render',
      'layout',
      'block',
      'raw',
      'echo',
      'liquid',
      'for',
      'tablerow',
      'capture',
      'cycle',
    ],
    ...['increment', 'decrement'],
  ])
    assert.throws(() => plain(`{% ${tag} 'a' %}`), new RegExp(`tag "${tag}" not found`), tag)
  assert.throws(() => plain('{{ a | raw }}'), /undefined filter: raw/)
  assert.throws(() => plain('{{ a | no }}'), /undefined filter: no/)
  for (const source of [
    '{{ (1..99999999) | join }}',
    `{{ a${' | replace: "a", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"'.repeat(6)} }}`,
  ])
    assert.throws(() => plain(source)({ a: 'a' }), /limit exceeded/)
  assert.throws(() => plain(' '.repeat(100_001)), /limit exceeded/)
})

test('a template that is malformed or fails says why in one sentence, without a value', () => {
  for (const source of ['{{ a', '{% if a %}', '{% endif %}', '{% if %}{% endif %}'])
    assert.throws(
      () => plain(source)({ a: 'a-value' }),
      (error: Error) => error.message.split('\n')[0]!.length > 0 && !error.message.includes('a-value'),
      source,
    )
  assert.throws(
    () => plain('{% if true %}{{ b }}{% endif %}')({ a: 'a-value' }),
    (error: Error) => /undefined variable: b/.test(error.message) && !error.message.includes('a-value'),
  )
})

test('a value is put out as text: nothing for null, JSON for a list or a map', () => {
  for (const [value, text] of [
    [null, ''],
    [undefined, ''],
    ['', ''],
    [0, '0'],
    [false, 'false'],
    [['a"', 'b'], '["a\\"","b"]'],
    [{ a: 1 }, '{"a":1}'],
  ] as const) {
    assert.equal(textOf(value), text)
    assert.equal(plain('{{ a }}')({ a: value }), text)
  }
})

test('a template that is one value alone is known by its name', () => {
  for (const [source, name] of [
    ['{{ a }}', 'a'],
    ['{{a1}}', 'a1'],
    ['{{ a }} ', null],
    ['{{ a.b }}', null],
    ['{{ a | b }}', null],
    ['{{ "a" }}', null],
    ['a', null],
  ] as const)
    assert.equal(soleName(source), name, source)
})

test('a value through filters is known as a number only if it comes out as one', () => {
  const values = { a: 86_400, b: '012345', c: ['1'] }
  for (const [source, number] of [
    ['{{ a | at_most: 10800 }}', 10_800],
    ['{{ a | divided_by: 60.0 | ceil }}', 1440],
    ['{{ a | append: "" }}', null],
    ['{{ b | append: "" }}', null],
    ['{{ b | default: a }}', null],
    ['{{ c | join: "" }}', null],
    ['{{ a }}', null],
    ['{{ a | at_most: 9 }} s', null],
    ['{{ a | at_most: 9 }}{{ a | at_most: 9 }}', null],
  ] as const)
    assert.equal(compileNumber(source)(values), number, source)
})

test('the names of a structure are those of all values that its templates use, and no others', () => {
  const structure = {
    plain: 'to {{ a }} and {{b}}',
    list: ['{{ c | upcase }}', { deep: '{% if d == "x" %}{{ e[0] }}{% endif %}' }, 7, null],
    assigned: '{% assign local = f %}{{ local }}',
    text: 'g',
  }
  assert.deepEqual([...namesIn(structure)].toSorted(), ['a', 'b', 'c', 'd', 'e', 'f'])
  assert.throws(() => namesIn('{% if %}'))
})
