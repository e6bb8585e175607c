/** The words of a carrier's answer or call-back, of several places, as a record may keep them. */

import { carrierWords, maxWords } from '../../carrier-words.ts'

/** Such as E200033: a letter in front, and nothing else, is no code of ours. */
const errorCode = /^[A-Z]{1,3}\d{6}$/

/**
 * @param parts  Each is searched by itself, so that a status and a code in a row are no number.
 * @param hidden  Texts that carriers are known to echo: mailboxes, passwords.
 */
export function wordsOf(parts: readonly (string | number | null)[], hidden: readonly string[]): string {
  return parts
    .map((part) => {
      const text = String(part ?? '')
      return errorCode.test(text) && !hidden.includes(text) ? text : carrierWords(text, hidden)
    })
    .filter((one) => one !== '')
    .join(' ')
    .slice(0, maxWords)
    .toWellFormed() // the cut may be within a character
}
