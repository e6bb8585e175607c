/** Joins words from several positions of an answer or a call-back, in the form that a record may keep. */

import { carrierWords, maxWords } from '../../carrier-words.ts'

/** A carrier's error code such as E200033: letters before the digits show that it is no verification code. */
const errorCode = /^[A-Z]{1,3}\d{6}$/

/**
 * @param parts  Each is searched by itself, so that a status followed by an error code is not taken for a number.
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
    .toWellFormed() // the cut may split a character
}
