/** Decides whether a mail server's refusal is about the mailbox. If so, no other carrier would reach it either. */

/** An answer of 5xx to one command. */
export type Refusal = {
  readonly command: string | undefined
  readonly status: number
  /** All lines of the answer, with the status. */
  readonly response: string
}

/**
 * Codes about the mailbox itself: IANA's registry of enhanced status codes, RFC 3463 3.2 and 3.3, RFC 7505 4.2. All
 * others may be about us, our server or the moment: 5.1.0, 5.1.7 and 5.1.8 are about the sender, 5.4.x about routes and
 * sending limits, 5.7.x about policy.
 */
const mailboxCodes: ReadonlySet<string> = new Set([
  '5.1.1', // no such mailbox
  '5.1.2', // no such domain
  '5.1.3', // not an address
  '5.1.6', // moved, to an unknown address
  '5.1.10', // the domain takes no mail (RFC 7505); Exchange: no such recipient
  '5.2.1', // the mailbox takes no mail
])

/** Statuses about the mailbox, for answers without an enhanced code (RFC 5321 4.2.2): unknown, elsewhere, not allowed. */
const mailboxStatuses: ReadonlySet<number> = new Set([550, 551, 553])

/**
 * Words of answers to RCPT that are not about the mailbox. Postfix refuses client, HELO and sender there too, with these
 * names (smtpd_check_int.h); its tables may give such refusals any code. Gmail answers 5.2.1 for a mailbox that gets too
 * much mail at once (support.google.com/a/answer/3726730).
 */
const notOfTheMailbox =
  /\b(?:sender address|client host|client certificate|sasl login name|helo command) rejected\b|\brate that prevents\b/i

/** The words before another server's answer that is passed on (Postfix, reject_unverified_recipient). */
const answerOfAnother = /\bsaid: (?=\d{3}[ -])/i

/** In an answer without an enhanced code: words that may refuse us or the message, although it names the recipient. */
const perhapsOurs =
  /sender|relay|spam|polic|block|black|list|gr[ae]y|den[iy]|auth|allow|permi|prohib|limit|frequen|\brate\b|too many|quota|full|storage|spf|dkim|dmarc|reputation|abus|complain|unsolicit|content|virus|verif|loop|try again|later|temporar|\bip\b/

/** The most characters of an answer that are searched. */
const maxSearched = 2_000

/** @param mailbox  The recipient of the message; '' if there is none. */
export function isOfTheMailbox({ command, status, response }: Refusal, mailbox: string): boolean {
  // Greeting, EHLO, STARTTLS, AUTH and MAIL FROM come before the server knows the recipient.
  if (command !== 'RCPT TO' && command !== 'DATA') return false
  const words = response.slice(0, maxSearched)
  // The next server's own answer counts, whatever code this server put before it.
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

/** It follows the status (RFC 2034 4). Cisco puts `#` before it, qmail puts `(#5.1.1)` after the words. */
function enhancedCodeIn(words: string): string | undefined {
  const form = /^\d{3}[ -]#?(\d\.\d{1,3}\.\d{1,3})(?![\d.])|\(#(\d\.\d{1,3}\.\d{1,3})(?![\d.])/
  const [, first, last] = form.exec(words) ?? []
  return first ?? last
}

/**
 * The words without the recipient's address, so that `spam.hunter@example.com` is not read as a word about spam.
 * @returns undefined if the answer does not name the recipient, by the whole address or by a separate local part, as in
 *   `<lina>`.
 */
function withoutMailbox(said: string, mailbox: string): string | undefined {
  if (mailbox === '') return undefined
  const local = mailbox.slice(0, mailbox.lastIndexOf('@'))
  const apart = ['<>', '""', "''", '[]', '()'].map((marks) => `${marks[0]}${local}${marks[1]}`)
  const rest = [mailbox, ...apart].reduce((left, name) => left.replaceAll(name, ' '), said)
  return rest === said ? undefined : rest
}
