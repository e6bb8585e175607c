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

test('a refusal of the recipient or of the message is final', () => {
  for (const [command, response] of [
    ['RCPT TO', '550 5.1.1 No such user'],
    ['RCPT TO', '550 5.7.1 The recipient takes no mail from you'],
    ['RCPT TO', '552 5.2.2 Mailbox full'],
    ['RCPT TO', '553 5.1.3 Bad address syntax'],
    ['DATA', '554 5.7.1 Looks like spam'],
    ['DATA', '552 5.3.4 Too big'],
  ] as const)
    assert.equal(kindOf(command, response), 'refused', response)
})

test('a refusal of us is not the recipient’s: another provider may do better', () => {
  for (const [command, response] of [
    ['CONN', '554 5.7.1 Go away'],
    ['EHLO', '501 5.5.4 Bad name'],
    ['STARTTLS', '502 5.5.1 Not implemented'],
    ['AUTH PLAIN', '535 5.7.8 Wrong password'],
    ['AUTH LOGIN', '534 5.7.9 Too weak'],
    ['MAIL FROM', '550 5.1.8 Sender unknown'],
    ['MAIL FROM', '553 5.7.1 Not your address'],
    ['RCPT TO', '530 5.7.0 Authentication required'],
    ['RCPT TO', '554 5.7.1 <a@example.com>: Relay access denied'],
    ['RCPT TO', '550 5.7.54 Unable to relay'],
    ['DATA', '550-5.7.26 This mail has no DKIM signature\n550 5.7.26 that holds'],
    ['DATA', '503 5.5.1 Bad sequence'],
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
