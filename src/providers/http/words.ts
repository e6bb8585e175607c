/** A carrier's own words as a record may keep them: short, without addresses, codes and secrets. */

const mostWords = 160
/** Digits of a number or a code, also in groups such as `415-555-2671`, or one by one as a voice says them. */
const digits = /\d(?:[ .,，()-]{0,2}\d){5,}/g
/** Also as it stands in a URL. */
const mailbox = /\S*(?:@|%40)\S*/gi

/** Such as E200033: a letter in front, and nothing else, is no code of ours. */
const errorCode = /^[A-Z]{1,3}\d{6}$/

/**
 * @param parts  Each is searched by itself, so that a status and a code in a row are no number.
 * @param hidden  Texts that carriers are known to echo: mailboxes, passwords.
 */
export function wordsOf(parts: readonly (string | number | null)[], hidden: readonly string[]): string {
  const own = parts.map((part) => {
    let text = String(part ?? '')
    for (const one of hidden)
      if (one.length > 2)
        text = text.replaceAll(one, '…').replaceAll(encodeURIComponent(one.toWellFormed()), '…')
    if (errorCode.test(text)) return text
    return text
      .replace(mailbox, '…')
      .replace(digits, '…')
      .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
      .trim()
  })
  return own
    .filter((one) => one !== '')
    .join(' ')
    .slice(0, mostWords)
    .toWellFormed() // the cut may be within a character
}
