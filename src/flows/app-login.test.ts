import assert from 'node:assert/strict'
import { test } from 'node:test'
import { signAppLogin } from './app-login.ts'

/** Computed apart from this code, from the wire's own description. */
const appId = 'fdb8e4699586458bbd10c834872dcc62'
const appKey = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'
const nonce = 'EycLQsHwxhzK9OW8UEKWNfH2I3CGR2nINuU1EBpv162d42d92s'
const expireTime = 1_627_722_929

const vectors: [string, string | undefined, string | undefined, string][] = [
  [
    'a user',
    'testuser@mycorp.com',
    undefined,
    'c6a69dadb77d4063e6b71effeab4c5ddca099f527110fad39c2ebe4631b0b59a',
  ],
  [
    'no user: the colons stay',
    undefined,
    undefined,
    '2f1fc292fa8d6af3ce5401001cf5646c99f0e54612d5036dcfd3773a40225a9c',
  ],
  [
    'a user in Chinese, as UTF-8',
    '张三',
    undefined,
    '166d0951ab62964280d909eb8264cc250c7ac36903ae379a26e71a884dcaac1d',
  ],
  [
    "the service provider's form",
    'alice@ent01',
    '807074304',
    'b7e799e98ec121657f64759649d96f9df795118d7c8c8cb527b3b75149b8aaf9',
  ],
  ['the same with both empty', '', '', 'dbeb958193ff89aaa22d85ab0a85288e359a9d8725dd286558620690e0e949c0'],
]

for (const [name, userId, corpId, expected] of vectors)
  test(`an App ID login is signed as the wire says: ${name}`, () => {
    assert.equal(signAppLogin(appKey, { appId, userId, corpId, expireTime, nonce }), expected)
  })
