import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { carrierWords } from './carrier-words.ts'

/** The forms in which carriers have echoed a text of digits, or could. */
const writings: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'with blanks': (text) => [...text].join(' '),
  'with dots': (text) => [...text].join('.'),
  'with hyphens': (text) => [...text].join(' - '),
  'with no-break blanks': (text) => [...text].join('\u00a0'),
  'with signs that do not show': (text) => [...text].join('\u200b'),
  'in groups': (text) => text.replace(/(\d{3})(?=\d)/g, '$1-'),
  'full-width': (text) => text.replace(/\d/g, (digit) => String.fromCharCode(0xff10 + Number(digit))),
  'full-width, with full-width commas': (text) =>
    [...text].map((digit) => String.fromCharCode(0xff10 + Number(digit))).join('，'),
  'Arabic-Indic': (text) => text.replace(/\d/g, (digit) => String.fromCharCode(0x0660 + Number(digit))),
  'in circles': (text) => text.replace(/[1-9]/g, (digit) => String.fromCharCode(0x2460 + Number(digit) - 1)),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64url': (text) => Buffer.from(`??${text}??`).toString('base64url'),
  'in base64 with more': (text) => Buffer.from(`Your code is ${text}. 验证码`).toString('base64'),
  'in base64 after letters': (text) => `id${Buffer.from(text).toString('base64')}`,
  'percent-encoded': (text) => text.replace(/\d/g, (digit) => `%3${digit}`),
}

/** All digits that a reader could find: those of any script, and those in base64. */
function digitsOf(text: string): string {
  return text.normalize('NFKC').replace(/\D/g, '')
}

for (const [how, write] of Object.entries(writings))
  test(`a code and a number ${how} are not kept, before a mail server's status or elsewhere`, () => {
    for (const isMailServer of [false, true])
      for (const secret of ['012345', '98765432', '8613800138000']) {
        const written = write(secret)
        for (const told of [
          written,
          `code ${written} is wrong`,
          `550 5.1.1 (${written})`,
          `错误${written}。`,
        ]) {
          const kept = carrierWords(told, [], { isMailServer })
          assert.ok(!digitsOf(kept).includes(secret), `${told}: ${kept}`)
          assert.ok(!kept.includes(written), `${told}: ${kept}`)
          if (told !== written) assert.match(kept, /code … is wrong|550 5\.1\.1|错误…|…/)
        }
      }
  })

test('a mailbox or a secret in base64, full-width or in other case is not kept', () => {
  for (const told of [
    Buffer.from('li.na@example.com').toString('base64'),
    Buffer.from('to: li.na@example.com').toString('base64url'),
    Buffer.from('li.na').toString('base64'),
    Buffer.from('li.nana').toString('base64url'),
    'li.na＠example.com',
    'ｌｉ.ｎａ ＠ example',
    'LI.NA is unknown',
    'li.na%40example.com',
  ])
    assert.doesNotMatch(
      carrierWords(`to ${told}`, ['li.na']).normalize('NFKC'),
      /li\.na|bGku|bmE|saS5uYS/i,
      told,
    )
})

test('a secret in base64 of either alphabet is not kept', () => {
  for (const secret of ['a~~?>-key?>of-ours', '~~~>>>???'])
    for (const alphabet of ['base64', 'base64url'] as const) {
      const written = Buffer.from(secret).toString(alphabet)
      assert.equal(carrierWords(`no ${written}!`, [secret]).replace(/=*!/, ''), 'no …', written)
    }
})

test('words without an address, a code or a secret stay as they are', () => {
  for (const words of [
    'error 21211 in part 2',
    'undeliverable/unsubscribed_by_recipient',
    'internationalization-failed',
    'MESSAGE_TYPE_NOT_SUPPORTED_BY_DESTINATION',
    'DestinationPhoneNumberOptedOutException',
    '手机号码格式错误',
  ])
    assert.equal(carrierWords(words, ['secret']), words)
  for (const words of [
    '550 5.1.1 unknown user',
    '5.1.1 550 5.1.1 unknown user',
    '421 4.7.0 Try again, 203.0.113.77 sent 25 mails',
    '554 Service unavailable; Client host [198.51.100.17] blocked using zen.spamhaus.org',
  ])
    assert.equal(carrierWords(words, [], { isMailServer: true }), words)
})

test('any words of letters come out as they went in, as far as a record goes', () => {
  const word = fc.stringMatching(/^[a-z]{1,12}$/)
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 12 }), (words) => {
      assert.equal(carrierWords(words.join(' '), []), words.join(' ').slice(0, 160).trim())
    }),
    { numRuns: 2_000 },
  )
})

test('A-10: whatever a carrier says, it is cleared in a time that does not grow with it', () => {
  const pieces = [
    'x',
    '1',
    '1 ',
    '@',
    'x@',
    '%40',
    ' ',
    '\n',
    'Zm9v',
    '１',
    '.',
    '..1',
    'a.',
    '…',
    '\u200b',
    '550 ',
  ]
  const longest = (length: number) =>
    Math.max(
      ...pieces.map((piece) => {
        const told = piece.repeat(Math.ceil(length / piece.length))
        const times = [0, 1, 2].map(() => {
          const { user } = process.cpuUsage()
          carrierWords(told, ['li.na', 'a-key-of-ours'], { isMailServer: true })
          return process.cpuUsage().user - user
        })
        return Math.min(...times) / 1000
      }),
    )
  // 60 kB took 12 s where the search grew with the square.
  assert.ok(longest(1_000_000) < 50, `${longest(1_000_000)} ms`)
})
