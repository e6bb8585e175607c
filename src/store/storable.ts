/** Texts in a form that every engine can store: PostgreSQL takes neither NUL nor half of a surrogate pair. */

/** Replaces characters that cannot be stored by U+FFFD, so that the text keeps its length and is found again. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}

/** The escapes that JSON writes for them. A text that contains these letters matches too, which only costs a look. */
const oddEscape = /\\u(?:0000|d[89a-f])/

/** `JSON.stringify`, of storable texts. A replacer for all would cost several times as much. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value)
  if (!oddEscape.test(json)) return json
  return JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? storable(inner) : inner))
}
