/** Texts as every engine can keep them: PostgreSQL knows no NUL, and no half of a surrogate pair. */

/** What has no place becomes U+FFFD, so that the same text is found again and as long as it was. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}

/** What JSON writes for either; also for the same letters behind a backslash of their own, which costs a look. */
const oddEscape = /\\u(?:0000|d[89a-f])/

/** `JSON.stringify`, of storable texts. A replacer for all would cost several times as much. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value)
  if (!oddEscape.test(json)) return json
  return JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? storable(inner) : inner))
}
