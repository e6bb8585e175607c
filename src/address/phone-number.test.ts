import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import examples from 'libphonenumber-js/examples.mobile.json'
import { type CountryCode, getCountries, getExampleNumber } from 'libphonenumber-js/max'
import { plainMobileRegion } from './mobile-pattern.ts'
import { allowedPrefixIn, type NumberRules, noNumberRules } from './number-rules.ts'
import { fullyParsed, parsePhoneNumber } from './phone-number.ts'

function outcomeOf(text: string): string {
  const parsed = parsePhoneNumber(text)
  return parsed.kind === 'parsed' ? parsed.address.e164 : parsed.reason
}

const cases: readonly (readonly [text: string, outcome: string, why: string])[] = [
  ['+8613800138000', '+8613800138000', 'a mobile number'],
  ['+8613812345678', '+8613812345678', 'a mobile number'],
  ['+12025550123', '+12025550123', 'fixed lines and mobiles share a plan'],
  ['+447911123456', '+447911123456', 'one code, several regions'],
  ['+393123456789', '+393123456789', 'an Italian mobile'],
  ['+86013812345678', '+8613812345678', 'the trunk zero is dropped'],
  ['+8860912345678', '+886912345678', 'the trunk zero is dropped'],
  ['+4407911123456', '+447911123456', 'the trunk zero is dropped'],
  ['＋8613812345678', '+8613812345678', 'a full-width plus'],
  ['＋８６１３８12345678', '+8613812345678', 'full-width digits'],
  ['+5491123456789', '+5491123456789', 'an Argentine mobile'],
  ['+541123456789', '+5491123456789', 'the same without its 9'],
  ['+54111523456789', '+5491123456789', 'the same with 15, as at home'],
  ['+540111523456789', '+5491123456789', 'the same with zero and 15'],
  ['+543516123456', '+5493516123456', 'another area, without its 9'],
  ['+525512345678', '+525512345678', 'a Mexican number'],
  ['+5215512345678', '+525512345678', 'the same as before August 2019, from abroad'],
  ['+520445512345678', '+525512345678', 'the same as before August 2019, at home'],
  ['+5511987654321', '+5511987654321', 'a Brazilian mobile'],
  ['+551187654321', '+5511987654321', 'the same before it had nine digits'],
  ['+55011987654321', '+5511987654321', 'the same with its trunk zero'],
  ['+551130654321', 'not-mobile', 'a fixed line in São Paulo'],
  ['+2290190123456', '+2290190123456', 'a mobile in Benin'],
  ['+22990123456', '+2290190123456', 'the same before it had ten digits'],
  ['+22507123456', 'not-valid', 'an old number of Côte d’Ivoire, whose new prefix depends on the operator'],
  ['13812345678', 'no-plus', 'a national number'],
  ['8613812345678', 'no-plus', 'no plus'],
  ['008613812345678', 'no-plus', 'a dialling prefix instead of the plus'],
  ['00 86 13812345678', 'no-plus', 'read with a default region it turns into an Australian number'],
  ['', 'no-plus', 'nothing'],
  [' +8613812345678', 'no-plus', 'a space in front'],
  ['tel:+8613812345678', 'no-plus', 'a URI'],
  ['+', 'characters', 'a plus alone'],
  ['++8613812345678', 'characters', 'two pluses'],
  ['+86 13812345678', 'characters', 'a space'],
  ['+86-138-1234-5678', 'characters', 'hyphens'],
  ['+86138****8000', 'characters', 'a masked number'],
  ['+8613812345678*', 'characters', 'a star'],
  ['+8613812345678#', 'characters', 'a hash'],
  ['+8613812345678\n', 'characters', 'a line break at the end'],
  ['+8613812345678\0', 'characters', 'a zero byte'],
  ['+8613812345678x12', 'characters', 'an extension'],
  ['+8613812345678;ext=12', 'characters', 'an extension as in RFC 3966'],
  ['+8613812345678,12', 'characters', 'a second number'],
  ['+1800FLOWERS', 'characters', 'letters'],
  ['+٨٦13812345678', 'characters', 'digits of another script'],
  ['+86\u200b13812345678', 'characters', 'a zero-width space'],
  [`+86${'1'.repeat(19)}`, 'length', 'more digits than any number'],
  ['+861381234567', 'not-valid', 'ten digits: possible, not valid'],
  ['+86138123456789', 'not-valid', 'twelve digits: possible, not valid'],
  ['+08613812345678', 'not-valid', 'no calling code begins with zero'],
  ['+9991234567890', 'not-valid', 'no such calling code'],
  ['+1', 'not-valid', 'a calling code alone'],
  ['+861012345678', 'not-mobile', 'a fixed line in Beijing'],
  ['+442071838750', 'not-mobile', 'a fixed line in London'],
  ['+18005550199', 'not-mobile', 'toll-free'],
  ['+80012345678', 'not-valid', 'toll-free in no country'],
  ['+19005550199', 'not-mobile', 'premium rate'],
  ['+445612345678', 'not-mobile', 'voice over IP'],
  ['+881612345678', 'not-valid', 'satellite: of no country'],
  ['+870773111632', 'not-valid', 'satellite: of no country'],
]

for (const [text, outcome, why] of cases)
  test(`${JSON.stringify(text)} gives ${outcome}: ${why}`, () => {
    assert.equal(outcomeOf(text), outcome)
  })

/** Numbers near valid ones of every region: some digits changed, some put in front. */
const nearNumber = fc
  .record({
    region: fc.constantFrom(...getCountries()),
    front: fc.constantFrom('', '', '', '0', '1', '8', '00', '06', '15', '044', '1201', '12'),
    changes: fc.array(fc.record({ at: fc.nat(14), digit: fc.integer({ min: 0, max: 9 }) }), { maxLength: 5 }),
  })
  .map(({ region, front, changes }) => {
    const example = exampleOf(region)
    const digits = [...example.nationalNumber]
    for (const { at, digit } of changes) digits[at % digits.length] = String(digit)
    return `+${example.countryCallingCode}${front}${digits.join('')}`
  })

function exampleOf(region: CountryCode) {
  const example = getExampleNumber(region, examples)
  assert.ok(example, `${region} has no example`)
  return example
}

test('the short way and the library agree on every number near a valid one', () => {
  let plain = 0
  fc.assert(
    fc.property(nearNumber, (text) => {
      if (plainMobileRegion(text.slice(1)) !== undefined) plain++
      assert.deepEqual(parsePhoneNumber(text), fullyParsed(text))
    }),
    { numRuns: 10_000 },
  )
  assert.ok(plain > 1_000, `only ${plain} of the numbers went the short way`)
})

test('a plain mobile number goes the short way, one with anything in front does not', () => {
  const plain = { '8613812345678': 'CN', '12025550123': 'US', '447400123456': 'GB', '79123456789': 'RU' }
  for (const [digits, region] of Object.entries(plain)) assert.equal(plainMobileRegion(digits), region)
  for (const digits of ['86013812345678', '4407400123456', '789123456789', '77710009998', '9991', '9', ''])
    assert.equal(plainMobileRegion(digits), undefined, digits)
})

test('the short way and the library agree on any digits', () => {
  const digits = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 18 })
  fc.assert(
    fc.property(digits, (some) => {
      assert.deepEqual(parsePhoneNumber(`+${some.join('')}`), fullyParsed(`+${some.join('')}`))
    }),
    { numRuns: 10_000 },
  )
})

test("every region's example mobile is parsed as it stands", () => {
  for (const region of getCountries()) {
    const { number } = exampleOf(region)
    assert.equal(outcomeOf(number), number, region)
  }
})

test('the form a number is kept in parses to itself', () => {
  let parsedOnes = 0
  fc.assert(
    fc.property(nearNumber, (text) => {
      const parsed = parsePhoneNumber(text)
      if (parsed.kind === 'refused') return
      parsedOnes++
      assert.match(parsed.address.e164, /^\+[1-9][0-9]{6,14}$/)
      assert.deepEqual(parsePhoneNumber(parsed.address.e164), parsed)
    }),
    { numRuns: 10_000 },
  )
  assert.ok(parsedOnes > 1_000, `only ${parsedOnes} of the numbers were valid`)
})

test('no text makes the parser throw', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary' }).map((some) => `+86${some}`),
    fc.string({ unit: fc.constantFrom(...'+0123456789 -x;*#٠０＋'), maxLength: 400 }),
  )
  fc.assert(
    fc.property(text, (some) => {
      const parsed = parsePhoneNumber(some)
      if (parsed.kind === 'parsed') assert.match(some, /^[+＋][0-9０-９]+$/)
    }),
    { numRuns: 5_000 },
  )
})

const rules: NumberRules = {
  allow: ['+86149', '+1436', '+1437999:CA', '+8617000'].map((entry) => {
    const one = allowedPrefixIn(entry)
    return typeof one === 'string' ? assert.fail(one) : one
  }),
  refuse: ['+86170', '+447'],
}

test('a prefix of the operator’s own lets numbers pass that the library does not know, and none of another length', () => {
  const told = (text: string) => {
    const parsed = parsePhoneNumber(text, rules)
    return parsed.kind === 'parsed' ? `${parsed.address.e164} ${parsed.address.region}` : parsed.reason
  }
  assert.equal(told('+8614912345678'), '+8614912345678 CN')
  assert.equal(told('＋８６１４９12345678'), '+8614912345678 CN')
  assert.equal(told('+861491234567'), 'not-valid')
  assert.equal(told('+86149123456789'), 'not-valid')
  assert.equal(told('+14362345678'), '+14362345678 US')
  assert.equal(told('+14379991234'), '+14379991234 CA')
  assert.equal(told('+8613812345678'), '+8613812345678 CN')
  assert.equal(told('+861012345678'), 'not-mobile')
  // The longest prefix wins.
  assert.equal(told('+8617012345678'), 'not-allowed')
  assert.equal(told('+8617000345678'), '+8617000345678 CN')
  assert.equal(told('+447911123456'), 'not-allowed')
  assert.equal(told('+4407911123456'), 'not-allowed')
})

test('without rules nothing changes, and a rule touches no number but those of its prefix', () => {
  fc.assert(
    fc.property(nearNumber, (text) => {
      const plain = parsePhoneNumber(text)
      assert.deepEqual(parsePhoneNumber(text, noNumberRules), plain)
      const ruled = parsePhoneNumber(text, rules)
      const e164 =
        plain.kind === 'parsed' ? plain.address.e164 : ruled.kind === 'parsed' ? ruled.address.e164 : ''
      const isNamed = [...rules.refuse, ...rules.allow.map(({ prefix }) => prefix)].some((one) =>
        e164.startsWith(one),
      )
      if (!isNamed) assert.deepEqual(ruled, plain)
    }),
    { numRuns: 3_000 },
  )
})

test('a prefix that cannot work is told why', () => {
  for (const [entry, why] of [
    ['86149', /its plus/],
    ['+', /its plus/],
    ['+999123', /no calling code/],
    ['+86', /is all of \+86/],
    ['+1436:CN', /\+1 is not of CN/],
    ['+86149:cn', /its plus/],
  ] as const)
    assert.match(String(allowedPrefixIn(entry)), why)
})
