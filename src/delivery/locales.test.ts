import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLocale } from './locales.ts'

test('a language is found as wanted, in another country, or by the region, and what was tried is told', () => {
  assert.deepEqual(findLocale('zh-cn', 'US'), { locale: 'zh-CN', tried: ['zh-cn', 'zh-CN'] })
  assert.deepEqual(findLocale('en-GB', 'CN'), { locale: 'en-US', tried: ['en-GB', 'en', 'en-US'] })
  assert.deepEqual(findLocale('zh-Hans-SG', ''), {
    locale: 'zh-CN',
    tried: ['zh-Hans-SG', 'zh-Hans', 'zh', 'zh-CN'],
  })
  assert.deepEqual(findLocale('de-AT', 'CN'), { locale: 'zh-CN', tried: ['de-AT', 'de', 'zh-CN'] })
  assert.deepEqual(findLocale('de', 'AT'), { locale: 'en-US', tried: ['de', 'en-US'] })
  assert.deepEqual(findLocale(undefined, 'CN'), { locale: 'zh-CN', tried: ['zh-CN'] })
  assert.deepEqual(findLocale(undefined, ''), { locale: 'en-US', tried: ['en-US'] })
})
