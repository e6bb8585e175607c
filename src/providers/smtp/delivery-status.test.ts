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
  // A word that every object of the language knows.
  assert.equal(read(bounce({ action: 'constructor' }))?.state, 'undeliverable')
})

test('of a report only so many blocks are read as one message can have', () => {
  const withBlocks = (count: number) =>
    read(bounce().replace('Arrival-Date', `${'Action:\n\n'.repeat(count)}Arrival-Date`))
  assert.equal(withBlocks(5)?.state, 'undeliverable')
  assert.equal(withBlocks(20_000), undefined)
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

test('a report is found inside what scanners and servers put around it', () => {
  const inMixed = bounce({ type: 'multipart/mixed; boundary="AB/cd=1"' })
  const footed = `Content-Type: multipart/mixed; boundary=outer\n\n--outer\n${bounce()}\n--outer\nContent-Type: text/plain\n\nScanned.\n--outer--\n`
  for (const text of [inMixed, footed]) {
    assert.equal(read(text)?.state, 'undeliverable')
    assert.match(read(text)!.words, /^5\.1\.1 550 5\.1\.1/)
  }
  const deep = Array.from(
    { length: 20 },
    (_, i) => `Content-Type: multipart/mixed; boundary=b${i}\n\n--b${i}\n`,
  ).join('')
  assert.equal(read(`${deep}${bounce()}`), undefined, 'as deep as no server puts it')
  // The copy of a mail may be of anything, a bounce too.
  assert.equal(
    read(
      `Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: message/rfc822\n\n${bounce()}\n--o--\n`,
    ),
    undefined,
  )
})

test('a report that was encoded on its way is read', () => {
  const plain = bounce({ diagnostic: 'smtp; 550 5.1.1 没有这个邮箱 = none' })
  const [, status = ''] = /message\/delivery-status\n\n(.*?)\n--AB/s.exec(plain) ?? []
  const encodings = {
    base64: Buffer.from(status).toString('base64').replace(/.{60}/g, '$&\n'),
    'quoted-printable': [...Buffer.from(status)]
      .map((byte) =>
        byte === 10
          ? '\n'
          : byte > 126 || byte === 61
            ? `=${byte.toString(16).toUpperCase()}`
            : String.fromCharCode(byte),
      )
      .join('')
      .replace('Final', 'Fi=\nnal'),
  }
  for (const [encoding, body] of Object.entries(encodings)) {
    const text = plain
      .replace(status, body)
      .replace('message/delivery-status', `message/delivery-status\nContent-Transfer-Encoding: ${encoding}`)
    assert.deepEqual(read(text), read(plain), encoding)
    assert.equal(read(text)?.words, '5.1.1 550 5.1.1 没有这个邮箱 = none')
  }
})

test('each action has its state, whatever class its status is of', () => {
  for (const [action, status, state] of [
    ['failed', '4.4.1', 'undeliverable'],
    ['failed', '4.4.7', 'undeliverable'],
    ['Failed (gave up)', '', 'undeliverable'],
    ['expired', '4.4.7', 'undeliverable'],
    ['', '4.4.7', 'undeliverable'],
    ['deferred', '4.4.7', 'undeliverable'],
    ['delayed', '4.4.7', 'enroute'],
    ['delayed', '5.0.0', 'enroute'],
    ['delivered', '2.0.0', 'delivered'],
    ['relayed', '2.0.0', 'enroute'],
    ['expanded', '2.0.0', 'enroute'],
    ['deferred', '4.2.0', 'enroute'],
  ] as const)
    assert.equal(read(bounce({ action, status }))?.state, state, `${action} ${status}`)
})

const inWords: readonly (readonly [who: string, state: string, words: RegExp, mail: string])[] = [
  [
    'qmail (cr.yp.to/proto/qsbmf.txt)',
    'undeliverable',
    /^Sorry, no mailbox here by that name\. \(#5\.1\.1\)$/,
    `Subject: failure notice

Hi. This is the qmail-send program at example.com.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<li.na@example.com>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

Subject: has been delayed
`,
  ],
  [
    'Exim',
    'undeliverable',
    /550 Unrouteable address/,
    `X-Failed-Recipients: li.na@example.com
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@mx.example.com>
Subject: Mail delivery failed: returning message to sender

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  li.na@example.com
    host mx.example.com [192.0.2.20]: 550 Unrouteable address
`,
  ],
  [
    'Exim, late',
    'enroute',
    /450 service permits/,
    `Auto-Submitted: auto-replied
From: Mail Delivery System <mailer-daemon@mx.example.com>
Subject: Warning: message 1x-22 delayed 24 hours

This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.com.

  li.na@example.com
    Delay reason: 450 service permits 2 unverifyable sending IPs
`,
  ],
  [
    'OpenSMTPD',
    'undeliverable',
    /Domain does not exist/,
    `Subject: Delivery status notification: error
From: Mailer Daemon <MAILER-DAEMON@mx.example.com>

    Hi!

    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.

    An error has occurred while attempting to deliver a message for
    the following list of recipients:

li.na@example.com: Domain does not exist

    Below is a copy of the original message:

From: codes@countersign.example
`,
  ],
  [
    'OpenSMTPD, late',
    'enroute',
    /Network error on destination MXs/,
    `Subject: Delivery status notification: warning

    A message is delayed for more than 10 minutes for the following
    list of recipients:

li.na@example.com: Network error on destination MXs

    Please note that this is only a temporary failure report.
`,
  ],
  [
    'Exchange 2003',
    'undeliverable',
    /on Thu, 29 Apr/,
    `Subject: Undeliverable: Your code

Your message

  To:      codes@countersign.example
  Sent:    Thu, 29 Apr 2010 00:00:00 -0000

did not reach the following recipient(s):

li.na@example.com on Thu, 29 Apr 2010 00:00:00 -0000
    The recipient name is not recognized
`,
  ],
  [
    'Gmail, late',
    'enroute',
    /450 4\.2\.2/,
    `Subject: Delivery Status Notification (Delay)

THIS IS A WARNING MESSAGE ONLY.

Delivery to the following recipient has been delayed:

     li.na@example.com

Technical details of temporary failure: it was rejected: 450 4.2.2 Mailbox full
`,
  ],
  [
    'Yahoo, in HTML alone',
    'undeliverable',
    /550 5\.1\.1/,
    `Subject: =?UTF-8?Q?Failure_Notice?=
Content-Type: multipart/alternative; boundary=y

--y
Content-Type: text/html
Content-Transfer-Encoding: base64

${Buffer.from('<p>Sorry, we were unable to deliver your message to the following address.</p>\n<p>&lt;li.na@example.com&gt;:</p>\n550 5.1.1 No such user').toString('base64')}
--y--
`,
  ],
  [
    'a Chinese server, in GB 18030',
    'undeliverable',
    /收件人不存在.550 Mailbox not found/,
    `Subject: =?gb18030?B?z7XNs83L0MU=?=
From: PostMaster <postmaster@mx.example.com>
Content-Type: text/plain; charset=gb18030
Content-Transfer-Encoding: base64

xPq1xNPKvP6xu83Lu9ijrMrVvP7Iy7K7tObU2qGjNTUwIE1haWxib3ggbm90IGZvdW5kLgo=
`,
  ],
  [
    'a scanner that made plain text of the report',
    'undeliverable',
    /^5\.1\.1 550/,
    bounce().replace('message/delivery-status', 'text/plain'),
  ],
]

test('a bounce in words counts if its sender is empty, and only then', () => {
  for (const [who, state, words, text] of inWords) {
    const told = readBounce(Buffer.from(text), true)
    assert.equal(told?.state, state, who)
    assert.match(told!.words, words, who)
    assert.ok(!/li\.na/.test(withoutSecrets(told!.words, told!.mailboxes)), who)
    assert.equal(readBounce(Buffer.from(text), false), undefined, who)
  }
})

test('a report that does not say what it reports is a failure if its sender is empty', () => {
  const report = bounce({ action: 'exploded', status: '' })
  assert.equal(readBounce(Buffer.from(report), true)?.state, 'undeliverable')
  assert.equal(readBounce(Buffer.from(report), false), undefined)
})

test('an automatic answer, a complaint and a word of having been read are no bounces, whatever their sender', () => {
  const vacation = 'I am away. Your message could not be delivered to me in person. 550 5.1.1\n'
  for (const text of [
    '',
    'Subject: Away\nAuto-Submitted: auto-replied\n\nuntil Monday. Action: failed\n',
    `Subject: Re: code\nAuto-Submitted: auto-replied (vacation)\n\n${vacation}`,
    `Subject: Automatic reply: code\nX-Auto-Response-Suppress: All\n\n${vacation}`,
    `Subject: =?UTF-8?B?${Buffer.from('自动回复：您好').toString('base64')}?=\n\n${vacation}`,
    `Subject: Re: code\nPrecedence: auto_reply\n\n${vacation}`,
    `Subject: Re: code\nX-Autoreply: yes\n\n${vacation}`,
    'Subject: Re: code\n\nYour request has been received; ticket 12.\n',
    // Without a word of being automatic.
    `Subject: Re: code\n\n${vacation}`,
    `Subject: 回复：code\n\n${vacation}`,
    bounce({ type: 'multipart/report; report-type=disposition-notification; boundary="AB/cd=1"' }),
    bounce({ type: 'multipart/report; report-type=feedback-report; boundary="AB/cd=1"' }),
    bounce({ type: 'multipart/report; report-type="feedback-report"; boundary="AB/cd=1"' }).replace(
      'message/delivery-status',
      'message/feedback-report',
    ),
    // Inside what a scanner puts around it.
    ...['feedback-report', 'disposition-notification'].map((kind) =>
      bounce({ type: 'multipart/mixed; boundary="AB/cd=1"' })
        .replace('message/delivery-status', `message/${kind}`)
        .replace('Undelivered Mail Returned', 'A complaint'),
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
  // Each of these limits minutes if what others wrote is searched whole.
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

test('A-10: at the largest size taken, no form of mail is read for long', () => {
  const size = 256 * 1024
  const much = (piece: string) => piece.repeat(size / piece.length)
  const report = 'Content-Type: multipart/report; report-type=delivery-status; boundary=a\r\n\r\n'
  const part = `${report}--a\r\nContent-Type: message/delivery-status\r\n`
  const mails = {
    'blank lines': much('\n'),
    'parts without end': report + much('--a\r\n\r\n'),
    'lines that are almost a boundary': `Content-Type: multipart/mixed; boundary=${'-'.repeat(199)}x\r\n\r\n${much(`${'-'.repeat(200)}\n`)}`,
    'parts within parts': much('Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'),
    'header fields': much('a:b\r\n'),
    'a folded field': `a:${much('\r\n x')}`,
    'blocks of recipients': `${part}\r\n${much('Action:\r\n\r\n')}`,
    'a long diagnostic': `${part}\r\nDiagnostic-Code: ${much('x;')}`,
    'quoted-printable': `Content-Transfer-Encoding: quoted-printable\r\n\r\n${much('=41')}`,
    'quoted-printable blanks': `Content-Transfer-Encoding: quoted-printable\r\n\r\n${much('= ')}`,
    base64: `Content-Transfer-Encoding: base64\r\n\r\n${much('A\r\n')}`,
    'encoded words': `Subject: ${much('=?utf-8?q?a?= ')}\r\n\r\n`,
    'half an encoded word': `Subject: ${much('=?')}\r\n\r\n`,
    tags: `Content-Type: text/html\r\n\r\n${much('<a')}`,
    addresses: `\r\n\r\n${much('a@')}`,
    'words of a delay': `\r\n\r\n${much('message ')}`,
  }
  for (const [name, text] of Object.entries(mails)) {
    const raw = Buffer.from(text)
    // The best of three: a busy machine is not what is measured.
    const times = [0, 1, 2].map(() => {
      const from = performance.now()
      readBounce(raw, true)
      return performance.now() - from
    })
    assert.ok(Math.min(...times) < 250, `${name}: ${Math.min(...times)} ms`)
  }
})

test('A-10: thousands of parts that hold no part and no blank line are read in time that grows with their length', () => {
  const part = '--a\nContent-Type: multipart/mixed; boundary=b\n'
  // Sixteen times the largest size taken: what grows with the square takes half a minute.
  const mail = `Content-Type: multipart/mixed; boundary=a\n\n${part.repeat((4 * 1024 * 1024) / part.length)}`
  const from = performance.now()
  assert.equal(readBounce(Buffer.from(mail), true), undefined)
  assert.ok(performance.now() - from < 3_000)
})
