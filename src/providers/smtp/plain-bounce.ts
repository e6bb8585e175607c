/** Reads bounces in words: those of qmail, Exim, OpenSMTPD, Exchange, Yahoo and others without a delivery status. */

import type { ReceiptState } from '../../message/receipt-state.ts'

/** The most characters that are read; a copy of the message follows. */
const maxRead = 4_000

/**
 * Words of a delay. They are searched first: for a bounce with words of both kinds, "enroute" is the safe reading.
 * Exim's warning, Sendmail, OpenSMTPD, Gmail, PowerMTA, in this order; samples at github.com/sisimai/set-of-emails.
 */
const delay =
  /has not yet been delivered|message .{0,80}delayed|transient non-fatal errors|warning message only|will (?:keep|continue|be) (?:trying|to try|retried)|still being retried|been delayed|delivery .{0,20}delay|temporary failures? .{0,40}retr/i

/**
 * Words of a failure. In this order: QSBMF 2 (cr.yp.to/proto/qsbmf.txt), Exim (spec 50), OpenSMTPD, Sendmail, Exchange 2003,
 * Gmail, Yahoo, QQ and 163 (help of QQ Mail on bounces, support of Coremail), and words of others.
 */
const failure = [
  /^\s*hi\. this is the/i,
  /could not be delivered/i,
  /an error has occurred while attempting to deliver/i,
  /permanent fatal errors|permanent error/i,
  /did not reach (?:some or all of )?the (?:intended|following) recipient/i,
  /deliver(?:y|ed)? .{0,60}failed|failed (?:permanently|delivery)|failure notice|delivery failure/i,
  /unable to deliver|undeliver(?:able|ed)|not (?:be )?delivered|returned mail|returning (?:message )?to sender/i,
  /退信|被退回|无法投递|投递失败|未能(?:投递|送达)/,
  /was rejected|user unknown|unknown user|delivery status notification/i,
] as const

export type BounceInWords = {
  readonly state: ReceiptState
  readonly words: string
  readonly mailboxes: readonly string[]
}

/** The words before the copy of the message, in which all words are our own. */
const copyBegins =
  /\n[ \t-]{0,20}(?:below (?:this line )?is a copy|below this line|this is a copy|original message|the header of the original)/i

/**
 * @param subject  Decoded.
 * @param text  The first part that is meant for people.
 * @returns undefined if it reports neither a failure nor a delay.
 */
export function bounceInWords(subject: string, text: string): BounceInWords | undefined {
  const [head = ''] = text.slice(0, maxRead).split(copyBegins, 1)
  // On one line: a phrase may be wrapped anywhere.
  const said = `${subject}\n${head.replace(/\s+/g, ' ')}`
  const state = delay.test(said)
    ? 'enroute'
    : failure.some((one) => one.test(subject) || one.test(said))
      ? 'undeliverable'
      : undefined
  if (state === undefined) return undefined
  return { state, words: reasonIn(head) ?? subject, mailboxes: mailboxesIn(head) }
}

/** The line with a code. Without one, the last line with an address, if it has other words, or the line after it. */
function reasonIn(head: string): string | undefined {
  const lines = head.split('\n').map((line) => line.trim())
  const coded =
    lines.find((line) => /\b[45]\.\d{1,3}\.\d{1,3}\b/.test(line)) ??
    lines.find((line) => /\b[45]\d\d[ -]/.test(line))
  if (coded !== undefined) return coded
  const at = lines.findLastIndex((line) => line.includes('@'))
  if (at < 0) return undefined
  const says = lines[at]!.split(' ').filter((word) => !word.includes('@'))
  return says.length > 1 ? lines[at] : lines[at + 1]
}

/** The mailboxes that it may be about, to be removed from the words. */
function mailboxesIn(head: string): string[] {
  return [...head.matchAll(/[^\s<>:;,"'()]{1,64}@[^\s<>:;,"'()]{1,190}/g)].slice(0, 3).map(([one]) => one)
}
