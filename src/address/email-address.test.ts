import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type EmailAddress, parseEmailAddress } from './email-address.ts'

function parsedOf(text: string): EmailAddress {
  const parsed = parseEmailAddress(text)
  assert.equal(parsed.kind, 'parsed', JSON.stringify(text))
  return parsed.kind === 'parsed' ? parsed.address : assert.fail()
}

const accepted: readonly (readonly [text: string, mailbox: string, canonical: string])[] = [
  ['alice@example.com', 'alice@example.com', 'alice@example.com'],
  ['Alice.B@Example.COM', 'Alice.B@example.com', 'alice.b@example.com'],
  ['a+tag@example.com', 'a+tag@example.com', 'a+tag@example.com'],
  ["!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"],
  ['a@b.c-d.e3', 'a@b.c-d.e3', 'a@b.c-d.e3'],
  ['a@münchen.de', 'a@xn--mnchen-3ya.de', 'a@xn--mnchen-3ya.de'],
  ['a@MÜNCHEN.de', 'a@xn--mnchen-3ya.de', 'a@xn--mnchen-3ya.de'],
  ['a@XN--MNCHEN-3YA.de', 'a@xn--mnchen-3ya.de', 'a@xn--mnchen-3ya.de'],
  ['a@例え.jp', 'a@xn--r8jz45g.jp', 'a@xn--r8jz45g.jp'],
  ['张三@example.com', '张三@example.com', '张三@example.com'],
  ['a@x．com', 'a@x.com', 'a@x.com'],
  ['ｌｉ．ｎａ＋１＠ｅｘａｍｐｌｅ。com', 'li.na+1@example.com', 'li.na+1@example.com'],
  ['李娜＠例え｡jp', '李娜@xn--r8jz45g.jp', '李娜@xn--r8jz45g.jp'],
  ['JOSÉ@example.com', 'JOSÉ@example.com', 'josé@example.com'],
  ['jose\u0301@example.com', 'jos\u00e9@example.com', 'jos\u00e9@example.com'],
]

for (const [text, mailbox, canonical] of accepted)
  test(`${text} is sent to as ${mailbox} and is ${canonical}`, () => {
    const address = parsedOf(text)
    assert.equal(address.mailbox, mailbox)
    assert.equal(address.canonical, canonical)
  })

const refused: readonly (readonly [text: string, reason: string, why: string])[] = [
  ['', 'local-part', 'nothing'],
  ['@', 'local-part', 'nothing around the @'],
  ['alice', 'local-part', 'no @'],
  ['@example.com', 'local-part', 'no local part'],
  ['alice@', 'domain', 'no domain'],
  ['.alice@example.com', 'local-part', 'a dot first'],
  ['alice.@example.com', 'local-part', 'a dot last'],
  ['a..b@example.com', 'local-part', 'two dots'],
  ['"alice"@example.com', 'local-part', 'quotes'],
  ['"a@b"@example.com', 'local-part', 'a quoted @'],
  ['a@b@example.com', 'local-part', 'two @'],
  ['alice(comment)@example.com', 'local-part', 'a comment'],
  ['alice@example.com(comment)', 'domain', 'a comment after the domain'],
  ['Alice <alice@example.com>', 'local-part', 'a display name'],
  ['<alice@example.com>', 'local-part', 'angle brackets'],
  ['a@x.com,b@evil.com', 'local-part', 'two addresses'],
  ['a@x.com, b@evil.com', 'local-part', 'two addresses'],
  ['a@x.com;b@evil.com', 'local-part', 'two addresses'],
  ['a@x.com b@evil.com', 'local-part', 'two addresses'],
  ['a@x.com,evil.com', 'domain', 'a comma in the domain'],
  ['group:a@x.com', 'local-part', 'a group'],
  ['a\\@x.com', 'local-part', 'a backslash'],
  ['a@x.com\r\nRCPT TO:<b@evil.com>', 'local-part', 'an SMTP command'],
  ['a@x.com\r\nBcc: b', 'domain', 'a header'],
  ['a\r\n@x.com', 'local-part', 'a line break'],
  ['a@x.com\n', 'domain', 'a line break at the end'],
  [' a@x.com', 'local-part', 'a space first'],
  ['a@x.com ', 'domain', 'a space last'],
  ['a\u00a0b@x.com', 'local-part', 'a no-break space'],
  ['a\0@x.com', 'local-part', 'a zero byte'],
  ['a\x7f@x.com', 'local-part', 'a control character'],
  ['a\u0085@x.com', 'local-part', 'a control character beyond ASCII'],
  ['a\u200b@x.com', 'local-part', 'a zero-width space'],
  ['a\u200d@x.com', 'local-part', 'a zero-width joiner'],
  ['a\ufeff@x.com', 'local-part', 'a byte order mark'],
  ['a\u00ad@x.com', 'local-part', 'a soft hyphen'],
  ['a\u034f@x.com', 'local-part', 'a mark that shows nothing'],
  ['a\u3164@x.com', 'local-part', 'a letter that shows nothing'],
  ['a\ufe0f@x.com', 'local-part', 'a variation selector'],
  ['a\u202eb@x.com', 'local-part', 'a bidi override'],
  ['a\u2066b@x.com', 'local-part', 'a bidi isolate'],
  ['a\ud800@x.com', 'local-part', 'half a surrogate pair'],
  ['a\u037e@x.com', 'local-part', 'a character that NFC turns into a semicolon'],
  ['a@x\u200b.com', 'domain', 'a zero-width space'],
  ['a@x\u202e.com', 'domain', 'a bidi override'],
  ['a@x\u3164.com', 'domain', 'a letter that shows nothing'],
  ['a@ex%61mple.com', 'domain', 'percent-encoding'],
  ['a@x_y.com', 'domain', 'an underscore'],
  ['a＠b@x.com', 'local-part', 'two @, one of them full-width'],
  ['＂a＂@x.com', 'local-part', 'full-width quotes'],
  ['a，b@x.com', 'local-part', 'a full-width comma'],
  ['a＜b@x.com', 'local-part', 'a full-width bracket'],
  ['a。。b@x.com', 'local-part', 'two ideographic full stops'],
  ['a@localhost', 'domain', 'no dot'],
  ['a@.com', 'domain', 'an empty label'],
  ['a@x..com', 'domain', 'an empty label'],
  ['a@x.com.', 'domain', 'a dot last'],
  ['a@-x.com', 'domain', 'a hyphen first'],
  ['a@x-.com', 'domain', 'a hyphen last'],
  ['a@[127.0.0.1]', 'domain', 'an address literal'],
  ['a@[IPv6:::1]', 'domain', 'an address literal'],
  ['a@127.0.0.1', 'domain', 'an IP address'],
  ['a@0x7f.1', 'domain', 'an IP address in disguise'],
  ['a@x.123', 'domain', 'a top-level domain of digits'],
  ['a@x.①', 'domain', 'a top-level domain of digits once mapped'],
  ['a@xn--a.com', 'domain', 'an A-label that stands for nothing'],
  ['a@1א.com', 'domain', 'a label against the bidi rule'],
]

for (const [text, reason, why] of refused)
  test(`${JSON.stringify(text)} is refused for its ${reason}: ${why}`, () => {
    assert.deepEqual(parseEmailAddress(text), { kind: 'refused', reason })
  })

test('a local part may have 64 octets, and no 65', () => {
  parsedOf(`${'a'.repeat(64)}@example.com`)
  parsedOf(`${'张'.repeat(21)}a@example.com`)
  for (const local of ['a'.repeat(65), `${'张'.repeat(21)}aa`])
    assert.deepEqual(parseEmailAddress(`${local}@example.com`), { kind: 'refused', reason: 'length' })
})

test('a label may have 63 octets, and no 64, counted as A-labels', () => {
  parsedOf(`a@${'x'.repeat(63)}.com`)
  for (const label of ['x'.repeat(64), `${'x'.repeat(55)}üü`])
    assert.deepEqual(parseEmailAddress(`a@${label}.com`), { kind: 'refused', reason: 'domain' })
})

test('an address may have 254 octets, and no 255, counted as A-labels', () => {
  const x = (count: number) => 'x'.repeat(count)
  const of254 = `${x(64)}@${x(63)}.${x(63)}.${x(57)}.com`
  parsedOf(of254)
  // As typed it is shorter than the first, in A-labels longer.
  const ofUmlauts = `${x(64)}@${x(63)}.${x(63)}.${x(50)}üü.com`
  assert.ok(ofUmlauts.length < 254)
  for (const text of [of254.replace('.com', 'x.com'), ofUmlauts])
    assert.deepEqual(parseEmailAddress(text), { kind: 'refused', reason: 'length' })
})

test('a local part beyond ASCII needs SMTPUTF8, a domain beyond ASCII does not', () => {
  assert.equal(parsedOf('josé@example.com').needsSmtpUtf8, true)
  assert.equal(parsedOf('jose@münchen.de').needsSmtpUtf8, false)
})

test('a letter that folds to ASCII is sent to as ASCII: nobody gets the code of a look-alike', () => {
  // U+212A KELVIN SIGN; in lower case it is k, so its canonical form is mike's.
  const address = parsedOf('mi\u212ae@example.com')
  assert.deepEqual(
    [address.mailbox, address.canonical, address.needsSmtpUtf8],
    ['miKe@example.com', 'mike@example.com', false],
  )
})

test('no letter beyond ASCII is the same as one of ASCII, but by its normal form', () => {
  for (let point = 0x80; point < 0x11_0000; point++) {
    const parsed = parseEmailAddress(`${String.fromCodePoint(point)}@x.com`)
    if (parsed.kind === 'refused') continue
    const { mailbox, canonical, needsSmtpUtf8 } = parsed.address
    assert.equal(Buffer.byteLength(canonical) > canonical.length, needsSmtpUtf8, `U+${point.toString(16)}`)
    const again = parsedOf(mailbox)
    assert.deepEqual(again, parsed.address, `U+${point.toString(16)}`)
    assert.equal(parsedOf(canonical).canonical, canonical, `U+${point.toString(16)}`)
  }
})

const atoms = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~éÉüÜ张ßİ-]{1,12}$/u)
const dotted = fc.array(atoms, { minLength: 1, maxLength: 3 }).map((some) => some.join('.'))
const domains = fc
  .array(fc.stringMatching(/^[A-Za-z0-9éÜ张]{1,12}$/u), { minLength: 1, maxLength: 3 })
  .map((labels) => `${labels.join('.')}.Com`)
const typed = fc.tuple(dotted, domains).map(([local, domain]) => `${local}@${domain}`)

test('the form an address is sent to parses to the same address', () => {
  let parsedOnes = 0
  fc.assert(
    fc.property(typed, (text) => {
      const parsed = parseEmailAddress(text)
      if (parsed.kind === 'refused') return
      parsedOnes++
      assert.deepEqual(parseEmailAddress(parsed.address.mailbox), parsed)
    }),
    { numRuns: 3_000 },
  )
  assert.ok(parsedOnes > 2_000, `only ${parsedOnes} of the addresses were valid`)
})

test('an address in other case is the same address', () => {
  const ascii = fc.tuple(
    fc.stringMatching(/^[A-Za-z0-9+_]{1,30}$/),
    fc.stringMatching(/^[a-zA-Z]{2,20}$/),
    fc.func(fc.boolean()),
  )
  fc.assert(
    fc.property(ascii, ([local, domain, isUpper]) => {
      const text = `${local}@${domain}.com`
      const other = [...text].map((one, at) => (isUpper(at) ? one.toUpperCase() : one.toLowerCase())).join('')
      assert.equal(parsedOf(other).canonical, parsedOf(text).canonical)
    }),
    { numRuns: 1_000 },
  )
})

test('no text makes the parser throw, and nothing that passes could split a header or a command', () => {
  const separators = '@.,;:<>()[]"\\ \t\r\n\0%\u00a0\u200b\u202e\u2028axn-1ü'
  const text = fc.oneof(
    typed,
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary' }).map((some) => `a${some}@x${some}.com`),
    fc.string({ unit: fc.constantFrom(...separators), maxLength: 300 }),
    fc.string({ unit: fc.constantFrom(...separators), maxLength: 6 }).map((some) => `a@x.${some}com`),
  )
  fc.assert(
    fc.property(text, (some) => {
      const parsed = parseEmailAddress(some)
      if (parsed.kind === 'refused') return
      for (const form of [parsed.address.mailbox, parsed.address.canonical]) {
        assert.doesNotMatch(form, /[\s,;:<>()[\]"\\\p{C}]/u)
        assert.match(form, /^[^@]+@[a-z0-9.-]+\.[a-z0-9-]+$/)
      }
    }),
    { numRuns: 10_000 },
  )
})

test('double and final dots pass at the named domains alone, and nothing else does there', () => {
  const dotted = ['docomo.ne.jp', 'ezweb.ne.jp']
  const told = (text: string) => {
    const parsed = parseEmailAddress(text, dotted)
    return parsed.kind === 'parsed' ? parsed.address.canonical : parsed.reason
  }
  assert.equal(told('a..b@docomo.ne.jp'), 'a..b@docomo.ne.jp')
  assert.equal(told('A.B.@DOCOMO.ne.jp'), 'a.b.@docomo.ne.jp')
  assert.equal(told('a...@ezweb。ne。jp'), 'a...@ezweb.ne.jp')
  assert.equal(told('a@example.com'), 'a@example.com')
  for (const text of [
    'a..b@example.com',
    'a.@sub.docomo.ne.jp',
    '.a@docomo.ne.jp',
    '.@docomo.ne.jp',
    'a..b @docomo.ne.jp',
    '"a..b"@docomo.ne.jp',
    'a..b,c@docomo.ne.jp',
    `${'a.'.repeat(32)}.@docomo.ne.jp`,
  ])
    assert.match(told(text), /^(local-part|length)$/, text)
})
