/** Texts in a form that every engine can store: PostgreSQL accepts neither NUL nor an unpaired surrogate. */

/** Replaces characters that cannot be stored by U+FFFD, so that the text keeps its length and can be found again. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd').toWellFormed()
}

/** The JSON escapes of these characters. A text that contains the same letters matches too, which only costs time. */
const oddEscape = /\\u(?:0000|d[89a-f])/

/** `JSON.stringify` with storable texts. A replacer for every value would cost several times as much. */
export function storableJson(value: unknown): string {
  const json = JSON.stringify(value)
  if (!oddEscape.test(json)) return json
  return JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? storable(inner) : inner))
}
