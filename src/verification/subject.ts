/** The subjects of verifications: members by their ids, and anyone else by the caller's own word or by the address. */

import { type Address, addressKey, maskKey } from '../address/address.ts'

/**
 * The subject of someone who is no member, so that no two of them are the same: members' ids have no colon.
 * @param word  The caller's own word for the person; without one the address itself is the subject.
 */
export function subjectOf(word: string | undefined, address: Address): string {
  return word === undefined ? addressKey(address) : subjectOfWord(word)
}

export function subjectOfWord(word: string): string {
  return `${wordPrefix}${word}`
}

/** The caller's own word in a subject; undefined if it is an address or a member. */
export function wordOf(subject: string): string | undefined {
  return subject.startsWith(wordPrefix) ? subject.slice(wordPrefix.length) : undefined
}

/** A subject as people may see it: an address is masked. */
export function shownSubject(subject: string): string {
  return subject.includes(':') && wordOf(subject) === undefined ? maskKey(subject) : subject
}

const wordPrefix = 'sub:'

/** A subject as its app knows it: the word that it gave, or the id of the member; null if it is the address alone. */
export function subjectOfApp(subject: string): string | null {
  return wordOf(subject) ?? (subject.includes(':') ? null : subject)
}
