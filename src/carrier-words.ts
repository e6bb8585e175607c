/** Makes a carrier's own words fit for a record: short, on one line, without addresses, codes and secrets. */

/** The most characters that a record keeps. */
export const maxWords = 160
/** The most characters that are searched. The text is a stranger's, so the time for it must have a bound. */
const maxSearched = 2_000
/** A possible number or code: at least six digits with anything but letters between them, `415-555-2671` or `0, 1, 2`. */
const digits = /\p{Nd}(?:[^\p{L}\p{N}]{0,3}\p{Nd}){5,}/gu
/** The sign of a mailbox, also as a URL encodes it. */
const at = /@|%40/
/** Possible base64 in either alphabet of RFC 4648. Eight characters can hold six digits. */
const base64 = /[A-Za-z0-9+/_-]{8,}/g
/** A mailbox within decoded text. An `@` and a domain with a dot hardly appear by chance when ordinary words are decoded. */
const mailboxIn = /[\w.+-]{2}@[\w-]{1,63}\.[a-z]{2}/i

/**
 * @param hidden  Texts that carriers are known to echo, such as passwords and local parts, in any case of letters.
 * @param isMailServer  Whether to keep the status that mail servers begin with, such as `550 5.1.1`, and IP addresses.
 */
export function carrierWords(
  told: string,
  hidden: readonly string[],
  { isMailServer = false }: { readonly isMailServer?: boolean } = {},
): string {
  const hide = hider(hidden)
  // Compatibility forms become plain ones: full-width digits and signs, digits in circles, superscripts.
  const text = hide(normalized(hide(searched(told))))
    .replace(/\S+/g, (word) => (at.test(word) ? '…' : word))
    .replace(base64, (word) => (isTelling(word, hide) ? '…' : word))
  const head = isMailServer ? (statuses.exec(text)?.[0] ?? '') : ''
  const rest = text.slice(head.length)
  return (
    head + rest.replace(digits, (run) => (isMailServer && countDigits(run.replace(quad, '')) < 6 ? run : '…'))
  )
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, maxWords)
    .toWellFormed() // the cut may split a character
}

/** The beginning of a mail server's answer (RFC 5321 4.2, RFC 3463), also with the status field of a report before it. */
const statuses = /^(?:[245]\.\d{1,3}\.\d{1,3} )?[245]\d\d[ -](?:[245]\.\d{1,3}\.\d{1,3}(?!\d))?/
const quad = /(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.])/

function countDigits(text: string): number {
  return text.replace(/\P{Nd}/gu, '').length
}

function normalized(text: string): string {
  return text
    .split('…')
    .map((part) => part.normalize('NFKC'))
    .join('…') // which would become three dots
}

/** The searched part, without the word that the cut splits: it could be half of an address. */
function searched(told: string): string {
  if (told.length <= maxSearched) return told
  const words = told.slice(0, maxSearched).split(/\s/)
  return words.length === 1 ? '…' : words.slice(0, -1).join(' ')
}

function hider(hidden: readonly string[]): (text: string) => string {
  const written = hidden
    .filter((one) => one.length > 2)
    .flatMap((one) => [
      RegExp.escape(one),
      RegExp.escape(encodeURIComponent(one.toWellFormed())),
      ...(one.length > 3 ? [encoded(one)] : []),
    ])
    .map((one) => new RegExp(one, 'giu'))
  return (text) => written.reduce((rest, one) => rest.replace(one, '…'), text)
}

/** An expression that finds a text encoded in either base64 alphabet: its whole groups, and all base64 after them. */
function encoded(text: string): string {
  const bytes = Buffer.from(text)
  const groups = bytes.toString('base64url', 0, bytes.length - (bytes.length % 3))
  return `${RegExp.escape(groups.replaceAll('-', '+').replaceAll('_', '/'))
    .replaceAll('\\+', '[+-]')
    .replaceAll('\\/', '[/_]')}[A-Za-z0-9+/_-]*`
}

/** Whether a word, decoded from any of its characters on, holds a number, a code, a mailbox or a hidden text. */
function isTelling(word: string, hide: (text: string) => string): boolean {
  return [0, 1, 2, 3].some((from) => {
    const text = Buffer.from(word.slice(from), 'base64').toString('utf8').normalize('NFKC')
    return text.search(digits) >= 0 || mailboxIn.test(text) || hide(text) !== text
  })
}
