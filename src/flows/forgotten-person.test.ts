import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import { addressLike, kindLike, shownAddress } from './forgotten-person.ts'

const ring = parseKeyRing(newKeyLine(new Date(0)))
const accounts = Array.from({ length: 200 }, (_, nth) => `user-${nth}`)

test('A-1: an account that does not exist has a mask of its own, the same each time, of either kind', () => {
  const masks = accounts.map((account) => {
    const kind = kindLike({ ring }, account)
    const mask = shownAddress(addressLike({ ring }, account, kind))
    assert.equal(shownAddress(addressLike({ ring }, account, kind)), mask)
    assert.match(mask, kind === 'phone' ? /^\+861\d\d\*{4}\d{4}$/ : /^\w{0,3}\*{4}[\w-]{0,4}@[a-z0-9]+\.com$/)
    return mask
  })
  const mails = masks.filter((mask) => mask.includes('@')).length
  assert.ok(mails > 20 && mails < 100, `${mails} of 200`)
  assert.ok(new Set(masks).size > 150)
})

test('the mask of an account has a number of the region that the settings name, and the domain of an account that has one', () => {
  assert.match(shownAddress(addressLike({ ring }, 'a', 'phone', 'DE')), /^\+49\d+\*{4}\d{4}$/)
  assert.match(shownAddress(addressLike({ ring }, 'alice@acme.example', 'email')), /^a\*{4}@acme\.example$/)
})

test('a masked address shows the first three and the last four letters, and hides four at least', () => {
  const mail = (mailbox: string) =>
    shownAddress({ kind: 'email', mailbox, canonical: mailbox, needsSmtpUtf8: false })
  assert.equal(mail('testaccount@huawei.com'), 'tes****ount@huawei.com')
  assert.equal(mail('alice@x.com'), 'a****@x.com')
  assert.equal(mail('bob@x.com'), '****@x.com')
  for (let letters = 1; letters < 16; letters++) {
    const shown = mail(`${'abcdefghijklmnop'.slice(0, letters)}@x.com`)
      .replace('@x.com', '')
      .replace('****', '')
    assert.equal(shown.length, Math.min(7, Math.max(0, letters - 4)), `${letters}: ${shown}`)
  }
  assert.equal(shownAddress({ kind: 'phone', e164: '+8618112342345', region: 'CN' }), '+86181****2345')
})
