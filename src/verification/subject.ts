/** The subjects of verifications: members by their ids, and anyone else by the caller's own word or by the address. */

import { type Address, addressKey, maskKey } from '../address/address.ts'

/**
 * The subject of someone who is no member, so that no two of them are the same: members' ids have no colon.
 * @param word  The caller's own word for the person; without one the address itself is the subject.
 * @param isTest  Asked for with a test key: what such keys do meets nobody else's codes and limits.
 */
export function subjectOf(word: string | undefined, address: Address, isTest: boolean): string {
  return word === undefined
    ? `${isTest ? testPrefix : ''}${addressKey(address)}`
    : subjectOfWord(word, isTest)
}

export function subjectOfWord(word: string, isTest: boolean): string {
  return `${isTest ? testPrefix : ''}${wordPrefix}${word}`
}

/** The caller's own word in a subject; undefined if it is an address or a member. */
export function wordOf(subject: string): string | undefined {
  const rest = isTestSubject(subject) ? subject.slice(testPrefix.length) : subject
  return rest.startsWith(wordPrefix) ? rest.slice(wordPrefix.length) : undefined
}

/** Whether it is of a test key. */
export function isTestSubject(subject: string): boolean {
  return subject.startsWith(testPrefix)
}

/** A subject as people may see it: an address is masked. */
export function shownSubject(subject: string): string {
  if (!subject.includes(':') || wordOf(subject) !== undefined) return subject
  return isTestSubject(subject)
    ? `${testPrefix}${maskKey(subject.slice(testPrefix.length))}`
    : maskKey(subject)
}

const wordPrefix = 'sub:'
const testPrefix = 'test:'

/** A subject as its app knows it: the word that it gave, or the id of the member; null if it is the address alone. */
export function subjectOfApp(subject: string): string | null {
  return wordOf(subject) ?? (subject.includes(':') ? null : subject)
}
