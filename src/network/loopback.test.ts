import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback } from './loopback.ts'

test('this machine is localhost and the loopback addresses, in every way to write them', () => {
  for (const host of [
    'localhost',
    'LOCALHOST',
    '127.0.0.1',
    '127.255.255.254',
    '::1',
    '0:0:0:0:0:0:0:1',
    '[::1]',
    '::ffff:127.0.0.1',
    '::FFFF:7f12:1',
    '[::ffff:127.0.0.1]',
  ])
    assert.equal(isLoopback(host), true, host)
})

test('another name is not this machine, however it begins, nor is what only some read as such an address', () => {
  for (const host of [
    ...['', '127.example.com', '127.0.0.1.example.com', 'localhost.example.com', 'localhost.', 'a.localhost'],
    ...['127.1', '0177.0.0.1', '0x7f000001', '2130706433', '127.0.0.256', '127.0.0.1:80', '127.0.0.1/8'],
    ...['0.0.0.0', '128.0.0.1', '10.0.0.1', '::', '::2', '::7f00:1', '64:ff9b::7f00:1', '::ffff:128.0.0.1'],
  ])
    assert.equal(isLoopback(host), false, host)
})
