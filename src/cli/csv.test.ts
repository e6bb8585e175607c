import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseCsv } from './csv.ts'

const fieldsOf = (text: string) => parseCsv(text).rows.map(({ fields }) => fields)

test('fields are split by commas, rows by LF or CRLF, with or without a last one', () => {
  for (const text of ['a,b\nc,\n', 'a,b\r\nc,\r\n', 'a,b\nc,', '\uFEFFa,b\nc,'])
    assert.deepEqual(fieldsOf(text), [
      ['a', 'b'],
      ['c', ''],
    ])
})

test('a quoted field may hold commas, line breaks and doubled quotes', () => {
  assert.deepEqual(fieldsOf('"a,1","b\r\n2","say ""hi"""\n'), [['a,1', 'b\r\n2', 'say "hi"']])
  assert.deepEqual(fieldsOf('"",x\n'), [['', 'x']])
})

test('a row is told by the line it begins on, also after line breaks in quotes and empty lines', () => {
  const { rows } = parseCsv('a\n"b\nb\nb"\n\nc\n')
  assert.deepEqual(
    rows.map(({ line }) => line),
    [1, 2, 6],
  )
})

test('text after a closing quote spoils its row and no other', () => {
  const { rows } = parseCsv('"a"x,b\nc,d"e\n"f" ,g\n')
  assert.deepEqual(
    rows.map(({ isMalformed }) => isMalformed),
    [true, false, true],
  )
})

test('a quote that never closes is told by its line', () => {
  assert.equal(parseCsv('a\nb\n"c\nd\n').unclosedAt, 3)
})

test('what is written by the rules reads back the same', () => {
  const row = fc.array(fc.string(), { minLength: 2, maxLength: 4 })
  fc.assert(
    fc.property(fc.array(row), (rows) => {
      const quoted = (field: string) => `"${field.replaceAll('"', '""')}"`
      const text = rows.map((fields) => `${fields.map(quoted).join(',')}\r\n`).join('')
      const parsed = parseCsv(text)
      assert.deepEqual(
        parsed.rows.map(({ fields }) => fields),
        rows,
      )
      assert.ok(parsed.unclosedAt === null && parsed.rows.every(({ isMalformed }) => !isMalformed))
    }),
  )
})
