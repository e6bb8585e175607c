import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isListedReturn, returnUrlWith } from './return-url.ts'

test('people are sent to listed places only', () => {
  const listed = ['https://shop.example/done', 'https://app.example/sign-up/', 'http://localhost/']
  for (const url of [
    'https://shop.example/done',
    'https://shop.example/done?cart=7',
    'https://SHOP.example:443/done',
    'https://app.example/sign-up/step/2',
    'http://localhost:5173/anything',
  ])
    assert.equal(isListedReturn(url, listed), true, url)
  for (const url of [
    'https://shop.example/',
    'https://shop.example/done/more',
    'https://shop.example/done/../other',
    'http://shop.example/done',
    'https://shop.example:8443/done',
    'https://shop.example.evil.example/done',
    'https://evil.example/?https://shop.example/done',
    'https://shop.example@evil.example/done',
    'https://me:secret@shop.example/done',
    'https://shop.example/done#fragment',
    'https://app.example/sign-up',
    'https://app.example/sign-up/../admin',
    'https://app.example/sign-up/..%2fadmin',
    'http://127.0.0.1:5173/',
    'https://localhost/',
    '//evil.example/done',
    'javascript:alert(1)',
    'data:text/html,x',
    '',
  ])
    assert.equal(isListedReturn(url, listed), false, url)
})

test('the way back keeps what the maker of the session put there', () => {
  assert.equal(
    returnUrlWith('https://shop.example/done?cart=7', 'k.r-_'),
    'https://shop.example/done?cart=7&result=k.r-_',
  )
  assert.equal(
    returnUrlWith('https://shop.example/done?result=forged', 'real'),
    'https://shop.example/done?result=real',
  )
  assert.equal(returnUrlWith('https://shop.example/done', null), 'https://shop.example/done?cancelled=true')
})
