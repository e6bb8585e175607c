import assert from 'node:assert/strict'
import { test } from 'node:test'
import { localeOf } from './locale.ts'

test('the language is the caller’s best, in whatever way the header is written', () => {
  for (const [header, locale] of [
    [undefined, 'zh-CN'],
    ['', 'zh-CN'],
    ['en_US', 'en-US'],
    ['en_US,zh_CN;q=0.5', 'en-US'],
    ['zh_Hans_CN, en;q=.9', 'zh-CN'],
    ['en;q=.9, zh;q=.8', 'en-US'],
    ['en;q=.8, zh;q=.9', 'zh-CN'],
    ['fr, en;q=.5, *;q=.1', 'en-US'],
    ['EN-gb ; Q = 0.3', 'en-US'],
    ['en;q=0.12345, zh;q=0.2', 'zh-CN'],
    ['en;q=0, zh;q=0.1', 'zh-CN'],
    ['en;q=, zh;q=0.5', 'en-US'],
    ['en;level=1;q=.4, zh;q=.5', 'zh-CN'],
    ['english', 'zh-CN'],
    ['*', 'zh-CN'],
  ] as const)
    assert.equal(localeOf(header), locale, String(header))
})
