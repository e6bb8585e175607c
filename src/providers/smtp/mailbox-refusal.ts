/** Whether a mail server's refusal is about the mailbox, so that no other carrier would reach it either. */

/** An answer of 5xx to one command. */
export type Refusal = {
  readonly command: string | undefined
  readonly status: number
  /** All its lines, status included. */
  readonly response: string
}

/**
 * Codes of the mailbox itself: IANA's registry of enhanced status codes, RFC 3463 3.2 and 3.3, RFC 7505 4.2. All
 * others may be about us, our server or the moment: 5.1.0, 5.1.7 and 5.1.8 speak of the sender, 5.4.x of routes and
 * sending limits, 5.7.x of policy.
 */
const mailboxCodes: ReadonlySet<string> = new Set([
  '5.1.1', // no such mailbox
  '5.1.2', // no such domain
  '5.1.3', // not an address
  '5.1.6', // moved, and it is not known where to
  '5.1.10', // the domain takes no mail (RFC 7505); Exchange: no such recipient
  '5.2.1', // the mailbox takes no mail
])

/** Without an enhanced code (RFC 5321 4.2.2): no such mailbox, elsewhere, not allowed as a name. */
const mailboxStatuses: ReadonlySet<number> = new Set([550, 551, 553])

/**
 * Postfix answers RCPT with its refusals of client, HELO and sender too, named so (smtpd_check_int.h). Its tables may
 * give those any code. Gmail says 5.2.1 of a mailbox that gets too much at once (support.google.com/a/answer/3726730).
 */
const notOfTheMailbox =
  /\b(?:sender address|client host|client certificate|sasl login name|helo command) rejected\b|\brate that prevents\b/i

/** A server that asked the next one tells its answer behind these words (Postfix, reject_unverified_recipient). */
const answerOfAnother = /\bsaid: (?=\d{3}[ -])/i

/** Words of an answer without an enhanced code that names the recipient, and yet may refuse someone or something else. */
const perhapsOurs =
  /sender|relay|spam|polic|block|black|list|gr[ae]y|den[iy]|auth|allow|permi|prohib|limit|frequen|\brate\b|too many|quota|full|storage|spf|dkim|dmarc|reputation|abus|complain|unsolicit|content|virus|verif|loop|try again|later|temporar|\bip\b/

/** Answers longer than this are not looked at further. */
const maxSearched = 2_000

/** @param mailbox  Whom the message was to; '' if there is none. */
export function isOfTheMailbox({ command, status, response }: Refusal, mailbox: string): boolean {
  // Greeting, EHLO, STARTTLS, AUTH and MAIL FROM come before any word of a recipient.
  if (command !== 'RCPT TO' && command !== 'DATA') return false
  const words = response.slice(0, maxSearched)
  // What that one refused is what is refused, whatever code it is told by.
  const [, told] = words.split(answerOfAnother, 2)
  if (told !== undefined)
    return (
      !/\(in reply to (?!rcpt to)/i.test(told) &&
      isOfTheMailbox({ command, status: Number(told.slice(0, 3)), response: told }, mailbox)
    )
  if (notOfTheMailbox.test(words)) return false
  const code = enhancedCodeIn(words)
  if (code !== undefined) return mailboxCodes.has(code)
  if (command !== 'RCPT TO' || !mailboxStatuses.has(status)) return false
  const rest = withoutMailbox(words.toLowerCase(), mailbox.toLowerCase())
  return rest !== undefined && !perhapsOurs.test(rest)
}

/** After the status (RFC 2034 4); `#` before it is Cisco's way, `(#5.1.1)` behind the words that of qmail. */
function enhancedCodeIn(words: string): string | undefined {
  const form = /^\d{3}[ -]#?(\d\.\d{1,3}\.\d{1,3})(?![\d.])|\(#(\d\.\d{1,3}\.\d{1,3})(?![\d.])/
  const [, first, last] = form.exec(words) ?? []
  return first ?? last
}

/**
 * What is said beside the recipient, so that `spam.hunter@example.com` is not read as a word about spam.
 * @returns undefined if the recipient is not named: by the whole address, or its local part set apart, as in `<lina>`.
 */
function withoutMailbox(said: string, mailbox: string): string | undefined {
  if (mailbox === '') return undefined
  const local = mailbox.slice(0, mailbox.lastIndexOf('@'))
  const apart = ['<>', '""', "''", '[]', '()'].map((marks) => `${marks[0]}${local}${marks[1]}`)
  const rest = [mailbox, ...apart].reduce((left, name) => left.replaceAll(name, ' '), said)
  return rest === said ? undefined : rest
}
