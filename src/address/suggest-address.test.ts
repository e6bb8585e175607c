import assert from 'node:assert/strict'
import { test } from 'node:test'
import { suggestAddress } from './suggest-address.ts'

test('what people write around an address is taken away, and what is left must be one', () => {
  const meant: Record<string, string | undefined> = {
    '008613800138000': '+8613800138000',
    '+86 138-0013-8000': '+8613800138000',
    'tel:+86(138)0013.8000': '+8613800138000',
    ' ００８６ 13800138000 ': '+8613800138000',
    '+49 (0) 151 23456789': '+4915123456789',
    // Of which country?
    '13800138000': undefined,
    '+86 62782266': undefined,
    '+12': undefined,
    'call me': undefined,
    ' ann@example.com ': 'ann@example.com',
    'mailto:ann@example.com': 'ann@example.com',
    '<ann@example.com>': 'ann@example.com',
    'ann@example,com': 'ann@example.com',
    'ann@example..com.': 'ann@example.com',
    'ann @ example . com': 'ann@example.com',
    'ann@': undefined,
    '@example.com': undefined,
  }
  for (const [typed, suggested] of Object.entries(meant))
    assert.equal(suggestAddress(typed), suggested, typed)
})

test('A-10: a long text of separators is looked through once', () => {
  for (const part of ['(', '-', '.', ',', ' ', '@', '+0', '(0)'])
    assert.equal(suggestAddress(part.repeat(100_000)), undefined)
  for (const part of ['(', '-', '.', ',', ' ']) suggestAddress(`a@b${part.repeat(270)}c`)
})
