import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { enteredCode } from './entered-code.ts'

test('a code is the same however it was copied', () => {
  for (const text of [
    '012345',
    ' 012345\r\n',
    '012 345',
    '012-345',
    '012\u00a0345',
    '012\u3000345',
    '012\u2013345',
    '012\u2212345',
    '0\u200b12345\ufeff',
    '\u202a012345\u202c',
    '０１２３４５',
    '０１２－３４５',
    '٠١٢٣٤٥',
    '۰۱۲۳۴۵',
    '०१२३४५',
  ])
    assert.equal(enteredCode(text), '012345', JSON.stringify(text))
})

test('what is no code does not become one', () => {
  for (const text of [
    '01234S',
    '0x12345',
    '012.345',
    '①②③④⑤⑥',
    '𝟎𝟏𝟐𝟑𝟒𝟓',
    '012345;',
    '+012345',
    '',
    '验证码012345',
  ])
    assert.equal(/^\d+$/.test(enteredCode(text)), false, text)
})

test('digits, in whatever order they come, are neither lost nor changed', () => {
  const noise = fc.constantFrom('', ' ', '-', '\u00a0', '\t', '\n', '\u200b')
  fc.assert(
    fc.property(fc.array(fc.tuple(noise, fc.nat(9), fc.boolean())), (parts) => {
      const typed = parts.map(
        ([put, digit, isWide]) => put + (isWide ? String.fromCodePoint(0xff10 + digit) : digit),
      )
      assert.equal(enteredCode(typed.join('')), parts.map(([, digit]) => digit).join(''))
    }),
  )
})
