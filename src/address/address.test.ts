import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import examples from 'libphonenumber-js/examples.mobile.json'
import { getCountries, getExampleNumber } from 'libphonenumber-js/max'
import { type Address, addressKey, limiterKey, maskAddress, maskKey, parseAddress } from './address.ts'

function addressOf(text: string): Address {
  const parsed = parseAddress(text)
  return parsed.kind === 'parsed' ? parsed.address : assert.fail(`${text}: ${parsed.reason}`)
}

test('what contains an @ is meant as an e-mail address, all else as a phone number', () => {
  assert.equal(addressOf('+8613800138000').kind, 'phone')
  assert.equal(addressOf('li.na＠example。com').kind, 'email')
  assert.equal(addressOf('+8613800138000@example.com').kind, 'email')
  assert.deepEqual(parseAddress('alice'), { kind: 'refused', reason: 'no-plus' })
  assert.deepEqual(parseAddress('+86138@'), { kind: 'refused', reason: 'domain' })
})

test('texts that mean one address have one key', () => {
  const groups = [
    ['tel:+8613812345678', '+8613812345678', '+86013812345678'],
    ['mailto:alice@example.com', 'alice@example.com', 'Alice@EXAMPLE.com', 'ALICE@Example.Com'],
    ['mailto:a@xn--mnchen-3ya.de', 'a@münchen.de', 'A@MÜNCHEN.DE', 'a@xn--mnchen-3ya.de'],
    ['mailto:jos\u00e9@x.com', 'Jos\u00e9@x.com', 'jose\u0301@x.com', 'JOSE\u0301@x.com'],
  ]
  for (const [key, ...texts] of groups)
    for (const text of texts) assert.equal(addressKey(addressOf(text)), key)
})

test('a tag or a dot makes another address, but not another budget', () => {
  const budgets: readonly (readonly [text: string, key: string, limited: string])[] = [
    ['Bob+News@x.com', 'mailto:bob+news@x.com', 'mailto:bob@x.com'],
    ['bob+a+b@x.com', 'mailto:bob+a+b@x.com', 'mailto:bob@x.com'],
    ['b.ob@x.com', 'mailto:b.ob@x.com', 'mailto:b.ob@x.com'],
    ['b.o.b@gmail.com', 'mailto:b.o.b@gmail.com', 'mailto:bob@gmail.com'],
    ['B.ob+a.b@GMail.com', 'mailto:b.ob+a.b@gmail.com', 'mailto:bob@gmail.com'],
    ['b.ob+x@googlemail.com', 'mailto:b.ob+x@googlemail.com', 'mailto:bob@gmail.com'],
    ['b.ob@gmail.com.x.org', 'mailto:b.ob@gmail.com.x.org', 'mailto:b.ob@gmail.com.x.org'],
    ['b.ob@notgmail.com', 'mailto:b.ob@notgmail.com', 'mailto:b.ob@notgmail.com'],
    ['+bob@x.com', 'mailto:+bob@x.com', 'mailto:+bob@x.com'],
    ['++bob@x.com', 'mailto:++bob@x.com', 'mailto:+@x.com'],
    ['+8613800138000', 'tel:+8613800138000', 'tel:+8613800138000'],
  ]
  for (const [text, key, limited] of budgets) {
    assert.equal(addressKey(addressOf(text)), key)
    assert.equal(limiterKey(addressOf(text)), limited)
  }
})

test('no tag, case or Gmail dot gives a second budget', () => {
  const local = fc.stringMatching(/^[a-z0-9]{1,20}$/)
  fc.assert(
    fc.property(local, fc.stringMatching(/^[a-z+-]{0,20}$/), fc.nat(18), (plain, tag, dot) => {
      const at = 1 + (dot % plain.length)
      const dotted = at < plain.length ? `${plain.slice(0, at)}.${plain.slice(at)}` : plain
      const budget = limiterKey(addressOf(`${plain}@gmail.com`))
      assert.equal(limiterKey(addressOf(`${dotted.toUpperCase()}+${tag}@googlemail.com`)), budget)
      assert.equal(
        limiterKey(addressOf(`${plain}+${tag}@example.com`)),
        limiterKey(addressOf(`${plain}@example.com`)),
      )
    }),
  )
})

test('a mask shows what its owner recognises', () => {
  const masks = [
    ['+8613800138000', '+86138****8000'],
    ['+12025550123', '+120****0123'],
    ['+4791234567', '+47****4567'],
    ['+24740123', '+24****23'],
    ['+2908999', '+29****9'],
    ['John.Doe@Example.com', 'J***@example.com'],
    ['jo@example.com', 'j***@example.com'],
    ['j@example.com', '***@example.com'],
    ['张三@example.com', '张***@example.com'],
    ['𠮷野@example.com', '𠮷***@example.com'],
  ]
  for (const [text, mask] of masks) assert.equal(maskAddress(addressOf(text!)), mask)
})

test("a number's mask always hides four digits, and shows four or fewer at the end", () => {
  for (const region of getCountries()) {
    const { e164 } = addressOf(getExampleNumber(region, examples)!.number) as { e164: string }
    const mask = maskAddress(addressOf(e164))
    const [head, tail] = mask.split('****') as [string, string]
    assert.ok(e164.startsWith(head) && e164.endsWith(tail), region)
    assert.equal(head.length + 4 + tail.length, e164.length, region)
    assert.ok(tail.length <= 4, region)
  }
})

test("a mailbox's mask never shows more of it than one letter", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9+_é张-]{1,21}$/u), (local) => {
      const [shown, domain] = maskAddress(addressOf(`${local}@example.com`)).split('***')
      assert.equal(domain, '@example.com')
      assert.equal(shown, local.length > 1 ? local[0] : '')
    }),
  )
})

test('no text makes the parser throw, and both keys of what it takes are of its kind', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'+0123456789@.abc-'), maxLength: 40 }),
    fc.tuple(fc.string(), fc.string()).map((parts) => parts.join('@')),
  )
  fc.assert(
    fc.property(text, (some) => {
      const parsed = parseAddress(some)
      if (parsed.kind === 'refused') return
      const scheme = /[@＠]/.test(some) ? 'mailto:' : 'tel:'
      assert.ok(addressKey(parsed.address).startsWith(scheme))
      assert.ok(limiterKey(parsed.address).startsWith(scheme))
      assert.notEqual(maskAddress(parsed.address), some)
    }),
    { numRuns: 5_000 },
  )
})

test('an identity is masked as its address, whatever rules hold today', () => {
  for (const text of ['+8613800138000', '+24740123', 'John.Doe@Example.com', '张三@example.com']) {
    const address = addressOf(text)
    assert.equal(maskKey(addressKey(address)).toLowerCase(), maskAddress(address).toLowerCase())
  }
  assert.equal(maskKey('tel:+8614912345678'), '+86149****5678')
  assert.equal(maskKey('mailto:a..b@docomo.ne.jp'), 'a***@docomo.ne.jp')
})
