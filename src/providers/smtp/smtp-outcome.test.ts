import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { deliveryErrorOf, type SmtpFailure, withoutSecrets } from './smtp-outcome.ts'

/** An answer as nodemailer reports it. */
function answer(command: string, response: string): SmtpFailure {
  return { command, response, responseCode: Number(response.slice(0, 3)), message: `failed: ${response}` }
}

const kindOf = (command: string, response: string) =>
  deliveryErrorOf(answer(command, response), false, '').kind

const lina = 'li.na@example.com'

/** Answers of real servers, each as in its source apart from the address. */
const told: readonly (readonly [kind: string, command: string, response: string, source: string])[] = [
  // Final: the mailbox itself.
  [
    'refused',
    'RCPT TO',
    `550 5.1.1 <${lina}>: Recipient address rejected: User unknown in virtual mailbox table`,
    'Postfix',
  ],
  [
    'refused',
    'RCPT TO',
    `550 5.1.1 <${lina}>: Recipient address rejected: User unknown in local recipient table`,
    'Postfix',
  ],
  ['refused', 'RCPT TO', `550 5.1.2 <${lina}>: Recipient address rejected: Domain not found`, 'Postfix'],
  [
    'refused',
    'RCPT TO',
    `556 5.1.10 <${lina}>: Recipient address rejected: Domain example.com does not accept mail (nullMX)`,
    'Postfix',
  ],
  [
    'refused',
    'RCPT TO',
    "550-5.1.1 The email account that you tried to reach does not exist. Please try\n550-5.1.1 double-checking the recipient's email address for typos or\n550 5.1.1 unnecessary spaces. - gsmtp",
    'Gmail: support.google.com/a/answer/3726730',
  ],
  [
    'refused',
    'RCPT TO',
    '550-5.2.1 The email account that you tried to reach is inactive.\n550 5.2.1 - gsmtp',
    'Gmail',
  ],
  [
    'refused',
    'RCPT TO',
    "553 5.1.2 We weren't able to find the recipient domain. Please check for any spelling errors",
    'Gmail',
  ],
  [
    'refused',
    'DATA',
    `550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ${lina} not found by SMTP address lookup`,
    'Exchange Online: learn.microsoft.com, NDR error codes',
  ],
  [
    'refused',
    'RCPT TO',
    '550 sorry, no mailbox here by that name (#5.1.1 - chkusr)',
    'qmail: in a bounce of github.com/sisimai/set-of-emails',
  ],
  [
    'refused',
    'RCPT TO',
    `550 User not found: ${lina}`,
    '163: dbmailserver.com/tui-xin-address-not-exist.htm',
  ],
  ['refused', 'RCPT TO', `550 Local User [${lina}] not found.`, 'same'],
  ['refused', 'RCPT TO', `550 no such user: ${lina}`, 'same'],
  ['refused', 'RCPT TO', `551 <${lina}> recipient is not exist`, 'same, without its code'],
  [
    'refused',
    'RCPT TO',
    `550 5.1.1 <${lina}>: Recipient address rejected: undeliverable address: host mx.example.com[192.0.2.9] said: 550 5.1.1 <${lina}>: Recipient address rejected: User unknown (in reply to RCPT TO command)`,
    'Postfix 3.7, reject_unverified_recipient: what the next server said of the mailbox',
  ],
  // Not final: answers of the same servers about us, about the moment, or about nobody they name.
  [
    'unavailable',
    'RCPT TO',
    '554 5.7.1 <codes@countersign.example>: Sender address rejected: Access denied',
    'Postfix, check_sender_access',
  ],
  [
    'unavailable',
    'RCPT TO',
    '554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied',
    'Postfix, smtpd_client_restrictions',
  ],
  [
    'unavailable',
    'RCPT TO',
    `550 5.1.1 <${lina}>: Recipient address rejected: undeliverable address: host mx.example.com[192.0.2.9] said: 554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org (in reply to RCPT TO command)`,
    'Postfix 3.7, reject_unverified_recipient: the next server refused this one',
  ],
  [
    'unavailable',
    'RCPT TO',
    `550 5.1.1 <${lina}>: Recipient address rejected: undeliverable address: host mx.example.com[192.0.2.9] said: 550 5.1.1 no such user (in reply to MAIL FROM command)`,
    'likewise, its sender',
  ],
  [
    'unavailable',
    'RCPT TO',
    '554 5.7.1 <mail.example.net>: Helo command rejected: Access denied',
    'Postfix, smtpd_helo_restrictions',
  ],
  [
    'unavailable',
    'RCPT TO',
    '550 5.1.1 <codes@countersign.example>: Sender address rejected: go away',
    'Postfix, a table with a code of its own',
  ],
  [
    'unavailable',
    'RCPT TO',
    '553 5.7.1 <codes@countersign.example>: Sender address rejected: not owned by user codes',
    'Postfix, reject_sender_login_mismatch',
  ],
  [
    'unavailable',
    'RCPT TO',
    '550 5.1.0 <codes@countersign.example>: Sender address rejected: User unknown in virtual mailbox table',
    'Postfix, smtpd_reject_unlisted_sender',
  ],
  [
    'unavailable',
    'RCPT TO',
    '550 5.1.8 <codes@countersign.example>: Sender address rejected: Domain not found',
    'Postfix',
  ],
  ['unavailable', 'RCPT TO', `554 5.7.1 <${lina}>: Relay access denied`, 'Postfix'],
  [
    'unavailable',
    'RCPT TO',
    '554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org',
    'Postfix, reject_rbl_client',
  ],
  [
    'unavailable',
    'DATA',
    "550-5.7.26 Unauthenticated email from example.com is not accepted due to\n550 5.7.26 the sender domain's DMARC policy.",
    'Gmail',
  ],
  ['unavailable', 'DATA', '550 5.4.5 Daily user sending limit exceeded. - gsmtp', 'Gmail'],
  [
    'unavailable',
    'RCPT TO',
    '550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents additional messages from being delivered.',
    'Gmail',
  ],
  [
    'unavailable',
    'DATA',
    '550 5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail.',
    'Gmail',
  ],
  ['unavailable', 'RCPT TO', '550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain', 'Exchange'],
  [
    'unavailable',
    'DATA',
    "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients",
    'Exchange Online',
  ],
  ['unavailable', 'RCPT TO', '550 5.1.8 Access denied, bad outbound sender', 'Exchange Online'],
  [
    'unavailable',
    'RCPT TO',
    '550 5.4.1 Recipient address rejected: Access denied.',
    'Exchange Online: perhaps no such mailbox, perhaps a directory away',
  ],
  [
    'unavailable',
    'RCPT TO',
    '550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).',
    'Outlook.com: names nobody',
  ],
  ['unavailable', 'DATA', '554 5.7.9 Message not accepted for policy reasons.', 'Yahoo'],
  ['unavailable', 'RCPT TO', '553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1', 'Yahoo'],
  [
    'unavailable',
    'DATA',
    `554 delivery error: dd Sorry, your message to ${lina} cannot be delivered. This account is over quota.`,
    'Yahoo',
  ],
  ['unavailable', 'RCPT TO', '550 Ip frequency limited', 'QQ: smtp.codes/qq'],
  [
    'unavailable',
    'RCPT TO',
    '550 Mailbox unavailable or access denied',
    'QQ: the mailbox gets too much just now',
  ],
  ['unavailable', 'DATA', '550 Mail content denied.', 'QQ'],
  ['unavailable', 'DATA', '554 DT:SPM', '163'],
  [
    'unavailable',
    'RCPT TO',
    '553 Requested action not taken: NULL sender is not allowed',
    'Coremail: icoremail.vip/support',
  ],
  [
    'unavailable',
    'RCPT TO',
    "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
    'qmail-smtpd',
  ],
  ['unavailable', 'RCPT TO', '550 #5.1.0 Address rejected.', 'Cisco: of whom, it does not say'],
  [
    'unavailable',
    'RCPT TO',
    '550-Verification failed for <codes@countersign.example>\n550 Sender verify failed',
    'Exim',
  ],
  ['unavailable', 'RCPT TO', '550 relay not permitted', 'Exim'],
  ['unavailable', 'RCPT TO', '550 Greylisted', 'seen'],
  ['unavailable', 'RCPT TO', `550 <${lina}> Greylisted, try again later`, 'seen'],
  ['unavailable', 'RCPT TO', `550 mail to ${lina} blocked by policy`, 'any'],
  ['unavailable', 'RCPT TO', '550 5.7.1 The recipient takes no mail from you', 'any'],
  ['unavailable', 'DATA', '552 5.3.4 Message size exceeds fixed limit', 'Postfix'],
  ['unavailable', 'RCPT TO', '530 5.7.0 Authentication required', 'RFC 4954'],
  ['unavailable', 'DATA', '503 5.5.1 Bad sequence', 'RFC 5321'],
  // A full mailbox may be emptied; nothing is held against the carrier.
  ['throttled', 'RCPT TO', '552 5.2.2 The email account that you tried to reach is over quota.', 'Gmail'],
]

test('only what a server says of the mailbox itself is final', () => {
  for (const [kind, command, response, source] of told)
    assert.equal(deliveryErrorOf(answer(command, response), false, lina).kind, kind, `${source}: ${response}`)
})

test('an answer without an enhanced code is final only if it names the recipient', () => {
  const kindFor = (mailbox: string, response: string) =>
    deliveryErrorOf(answer('RCPT TO', response), false, mailbox).kind
  assert.equal(kindFor('user@example.com', '550 no such user here'), 'unavailable')
  assert.equal(kindFor('user@example.com', '550 no such user <user> here'), 'refused')
  assert.equal(kindFor('Li.Na@example.com', '550 no such user li.na@EXAMPLE.com'), 'refused')
  assert.equal(kindFor('spam.hunter@example.com', '550 no such user spam.hunter@example.com'), 'refused')
  assert.equal(kindFor('', '550 no such user'), 'unavailable')
  assert.equal(kindFor('user@example.com', '554 no such user <user@example.com>'), 'unavailable')
})

test('no mailbox makes a refusal of us final, whatever it is called', () => {
  const reason = fc.constantFrom(
    'sender rejected',
    'blacklisted',
    'Greylisted',
    'relay not permitted',
    'message content denied',
    'not allowed to send to this address',
    'quota exceeded',
    'rate limited',
    'Administrative prohibition',
    'Verification failed',
  )
  const local = fc.oneof(
    fc.stringMatching(/^[a-z]{1,3}$/),
    fc.constantFrom('spam', 'list', 'sender', 'a', 'denied'),
  )
  const status = fc.constantFrom(
    '550',
    '551',
    '553',
    '554 5.7.1',
    '550 5.7.26',
    '550 5.4.5',
    '550 5.1.8',
    '550 5.1.0',
  )
  fc.assert(
    fc.property(status, reason, local, fc.constantFrom('RCPT TO', 'DATA'), (code, words, name, command) => {
      const mailbox = `${name}@example.com`
      for (const response of [`${code} <${mailbox}>: ${words}`, `${code} ${words} for ${mailbox} <${name}>`])
        assert.equal(deliveryErrorOf(answer(command, response), false, mailbox).kind, 'unavailable', response)
    }),
  )
})

test('what is answered before any word of a recipient is about us', () => {
  for (const [command, response] of [
    ['CONN', '554 5.7.1 Go away'],
    ['EHLO', '501 5.5.4 Bad name'],
    ['STARTTLS', '502 5.5.1 Not implemented'],
    ['AUTH PLAIN', '535 5.7.8 Wrong password'],
    ['AUTH LOGIN', '534 5.7.9 Too weak'],
    ['MAIL FROM', '550 5.1.1 Sender unknown'],
    ['MAIL FROM', '553 5.7.1 Not your address'],
  ] as const)
    assert.equal(kindOf(command, response), 'unavailable', response)
})

test('a temporary answer is a throttle where the same server takes it later, else merely unavailable', () => {
  for (const status of [421, 450, 451, 452]) {
    assert.equal(kindOf('RCPT TO', `${status} 4.2.0 Greylisted`), 'throttled')
    assert.equal(deliveryErrorOf(answer('DATA', `${status} later`), true, '').kind, 'throttled')
  }
  assert.equal(kindOf('AUTH PLAIN', '454 4.7.0 Try again'), 'unavailable')
})

test('without an answer the outcome is unknown only once the whole body was handed over', () => {
  for (const code of ['ECONNECTION', 'ESOCKET', 'ETIMEDOUT', 'EABORT']) {
    const lost = { code, command: 'CONN', message: 'Connection closed unexpectedly' }
    assert.equal(deliveryErrorOf(lost, true, '').kind, 'unknown')
    assert.equal(deliveryErrorOf(lost, false, '').kind, 'unavailable')
  }
  assert.equal(deliveryErrorOf(answer('CONN', '250 out of turn'), true, '').kind, 'unknown')
})

test('the words are the server’s own, status first, on one line', () => {
  const { providerCode } = deliveryErrorOf(
    answer('RCPT TO', '550-5.1.1 The account does\r\n550-5.1.1 not exist.\n550 5.1.1 Try\tanother'),
    false,
    '',
  )
  assert.equal(providerCode, '550-5.1.1 The account does 5.1.1 not exist. 5.1.1 Try another')
})

test('neither the address nor a code gets into the words, however the server puts them', () => {
  const mailbox = 'Li.Na+x@example.com'
  const shapes = [
    (part: string) => part,
    (part: string) => part.toLowerCase(),
    (part: string) => part.toUpperCase(),
    (part: string) => `<${part}>`,
    (part: string) => `"${part}":`,
  ]
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.constantFrom(...shapes.flatMap((shape) => [shape(mailbox), shape('li.na+x')])),
          fc.stringMatching(/^[0-9]{6,10}$/),
          fc.constantFrom('550 5.1.1', 'no such user', '\r\n550 ', '\u0000', '\u202E', 'x'.repeat(200)),
        ),
      ),
      fc.constantFrom(' ', '', ', '),
      (pieces, between) => {
        const { providerCode, message, cause } = deliveryErrorOf(
          answer('RCPT TO', `550 ${pieces.join(between)}`),
          false,
          mailbox,
        )
        assert.equal(/li\.na/i.test(message), false, message)
        assert.equal(/\d{6}/.test(message), false, message)
        assert.equal(/[\p{Cc}\p{Cf}]/u.test(message), false)
        assert.ok(providerCode.length <= 160)
        assert.equal(cause, undefined)
      },
    ),
  )
})

test('an address that the end of what is searched cuts in two is not shown by half', () => {
  const many = `${'x'.repeat(30)}@example.com `.repeat(46) // 1,978 of the 2,000 characters; marks of 92
  const words = withoutSecrets(`${many}somebody.with.a.long.name@example.com`, [])
  assert.equal(/some/.test(words), false, words)
})
