import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { bounce } from '../../../test/bounce.ts'
import { readBounce } from './delivery-status.ts'
import { withoutSecrets } from './smtp-outcome.ts'

const read = (text: string) => readBounce(Buffer.from(text), false)

test('what was done with the recipient becomes a state, with the server’s words', () => {
  assert.deepEqual(read(bounce()), {
    state: 'undeliverable',
    words: '5.1.1 550 5.1.1 <li.na@example.com>: Recipient address rejected: User li.na unknown, code 123456',
    mailboxes: ['li.na@example.com'],
  })
  assert.equal(read(bounce({ action: 'delayed', status: '4.4.1' }))?.state, 'enroute')
  assert.equal(read(bounce({ action: 'Delivered ' }))?.state, 'delivered')
  assert.equal(read(bounce({ action: 'relayed' }))?.state, 'enroute')
  assert.equal(read(bounce().replaceAll('\n', '\r\n'))?.state, 'undeliverable')
  assert.equal(read(bounce({ diagnostic: 'smtp;\n 550 folded\n\twords' }))?.words, '5.1.1 550 folded words')
})

test('an automatic answer, a list’s mail or a broken report says nothing', () => {
  for (const text of [
    '',
    'Subject: Out of office\n\nI am away. Action: failed\n',
    bounce({ type: 'text/plain' }),
    bounce({ type: 'multipart/mixed; boundary="AB/cd=1"' }),
    bounce({ type: 'multipart/report; report-type=delivery-status' }),
    bounce({ action: 'exploded', status: '' }),
    bounce().replace('message/delivery-status', 'text/plain'),
  ])
    assert.equal(read(text), undefined, text.slice(0, 80))
})

test('an action of a word of its own goes by its status', () => {
  assert.equal(read(bounce({ action: 'exploded' }))?.state, 'undeliverable')
  assert.equal(read(bounce({ action: '', status: '4.2.2' }))?.state, 'enroute')
  assert.equal(read(bounce({ action: '', status: '2.0.0' }))?.state, 'delivered')
})

test('a report about an internationalised mailbox is read too', () => {
  const text = bounce({ diagnostic: 'smtp; 550 5.1.1 <李娜@example.com>: 没有这个邮箱' })
    .replace('message/delivery-status', 'message/global-delivery-status')
    .replace('rfc822; li.na@example.com', 'utf-8; 李娜@example.com')
  assert.deepEqual(read(text), {
    state: 'undeliverable',
    words: '5.1.1 550 5.1.1 <李娜@example.com>: 没有这个邮箱',
    mailboxes: ['李娜@example.com'],
  })
})

test('a report that does not say what it reports is a failure if its sender is empty; an automatic answer is not', () => {
  const reports = [
    bounce({ action: 'exploded', status: '' }),
    bounce().replace('message/delivery-status', 'text/plain'),
    'X-Failed-Recipients: li.na@example.com\nAuto-Submitted: auto-replied\n\nThis message could not be sent.\n',
  ]
  for (const text of reports) {
    assert.equal(readBounce(Buffer.from(text), true)?.state, 'undeliverable')
    assert.equal(readBounce(Buffer.from(text), false), undefined)
  }
  for (const text of [
    '',
    'Subject: Away\nAuto-Submitted: auto-replied\n\nuntil Monday. Action: failed\n',
    bounce({ type: 'multipart/report; report-type=disposition-notification; boundary="AB/cd=1"' }).replace(
      'message/delivery-status',
      'message/disposition-notification',
    ),
    bounce({ type: 'multipart/report; report-type=feedback-report; boundary="AB/cd=1"' }).replace(
      'message/delivery-status',
      'message/feedback-report',
    ),
  ])
    assert.equal(readBounce(Buffer.from(text), true), undefined, text.slice(0, 80))
})

test('no mail, however broken, throws or takes long', () => {
  const whole = bounce()
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length), fc.string({ unit: 'binary', maxLength: 20 })), {
        maxLength: 20,
      }),
      (cuts) => {
        let text = whole
        for (const [at, put] of cuts) text = text.slice(0, at) + put + text.slice(at + put.length)
        readBounce(Buffer.from(text), true)
      },
    ),
    { numRuns: 500 },
  )
  const clear = (text: string) => {
    const told = readBounce(Buffer.from(text), true)
    if (told) assert.ok(withoutSecrets(told.words, told.mailboxes).length <= 160)
  }
  for (const piece of ['\n', ' \n', '--AB/cd=1\n', 'Action:\n ', 'boundary=', '\t\n\n', 'a:b\n c']) {
    const long = piece.repeat(200_000 / piece.length)
    clear(whole.replace('It did not work', long))
    clear(long + whole)
  }
  // Each of these takes minutes if what others wrote is searched whole.
  for (const piece of ['x', 'x@', '1', ' ', 'a,b@c,', ';'])
    for (const field of [
      'Diagnostic-Code: smtp; ',
      'Final-Recipient: rfc822; ',
      'Status: ',
      'Content-Type: ',
    ])
      clear(whole.replace(field, `${field}${piece.repeat(200_000 / piece.length)}`))
  clear(`X-Failed-Recipients: ${'some@example.com,'.repeat(12_000)}\n\n`)
})
