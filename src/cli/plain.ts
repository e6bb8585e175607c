/** Makes text from outside, such as a member's name, safe for a terminal: it cannot move the cursor or hide text. */

/** Controls of C0 and C1, line and paragraph separators, and characters that change or join the direction of writing. */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/gu

/** @returns Its text on one line, each such character as `\uXXXX`. */
export function plain(text: string): string {
  return text.replace(unprintable, escaped)
}

/** The same for our own lines: line ends and tabs stay. Within JSON the escapes stand for the same characters. */
export function plainLines(text: string): string {
  return text.replace(unprintable, (one) => (one === '\n' || one === '\t' ? one : escaped(one)))
}

function escaped(one: string): string {
  return `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
}
