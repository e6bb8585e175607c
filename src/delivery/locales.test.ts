import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findLocale } from './locales.ts'

test('a language is found as wanted, in another country, or by the region, and what was tried is told', () => {
  assert.deepEqual(findLocale('zh-cn', null, 'US'), { locale: 'zh-CN', tried: ['zh-cn', 'zh-CN'] })
  assert.deepEqual(findLocale('en-GB', null, 'CN'), { locale: 'en-US', tried: ['en-GB', 'en', 'en-US'] })
  assert.deepEqual(findLocale('zh-Hans-SG', null, ''), {
    locale: 'zh-CN',
    tried: ['zh-Hans-SG', 'zh-Hans', 'zh', 'zh-CN'],
  })
  assert.deepEqual(findLocale('de-AT', null, 'CN'), { locale: 'zh-CN', tried: ['de-AT', 'de', 'zh-CN'] })
  assert.deepEqual(findLocale('de', null, 'AT'), { locale: 'en-US', tried: ['de', 'en-US'] })
  assert.deepEqual(findLocale(undefined, null, 'CN'), { locale: 'zh-CN', tried: ['zh-CN'] })
  assert.deepEqual(findLocale(undefined, null, ''), { locale: 'en-US', tried: ['en-US'] })
  assert.deepEqual(findLocale('de', 'zh-CN', 'AT'), { locale: 'zh-CN', tried: ['de', 'zh-CN'] })
  assert.deepEqual(findLocale(undefined, 'en-US', 'CN'), { locale: 'en-US', tried: ['en-US'] })
  assert.deepEqual(findLocale('zh', 'en-US', 'US'), { locale: 'zh-CN', tried: ['zh', 'zh-CN'] })
})
