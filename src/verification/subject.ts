/** The subjects of verifications: members by their ids, also without a login, and anyone else by the caller's word or the address. */

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

/**
 * A member who has forgotten the password, as asked for from one network: what others enter from elsewhere, without any
 * login, must not use up the owner's code.
 * @param network  A digest of it.
 */
export function resetSubject(member: string, network: string): string {
  return `${resetPrefix}${member}:${network}`
}

/** The member of a reset; undefined if it is no such subject. */
function memberOfReset(subject: string): string | undefined {
  return subject.startsWith(resetPrefix) ? subject.split(':')[1] : undefined
}

/** Whether it is of a test key. */
export function isTestSubject(subject: string): boolean {
  return subject.startsWith(testPrefix)
}

/** A subject as people may see it: an address is masked. */
export function shownSubject(subject: string): string {
  if (!subject.includes(':') || wordOf(subject) !== undefined) return subject
  const member = memberOfReset(subject)
  if (member !== undefined) return member
  return isTestSubject(subject)
    ? `${testPrefix}${maskKey(subject.slice(testPrefix.length))}`
    : maskKey(subject)
}

const wordPrefix = 'sub:'
const testPrefix = 'test:'
const resetPrefix = 'reset:'

/** A subject as its app knows it: the word that it gave, or the id of the member; null if it is the address alone. */
export function subjectOfApp(subject: string): string | null {
  return wordOf(subject) ?? memberOfReset(subject) ?? (subject.includes(':') ? null : subject)
}
