/** The text of a delivery receipt: SMPP 3.4 leaves its form to the carrier (appendix B), so it is read leniently. */

/** The fields of a text, in its own words. */
export type ReceiptWords = {
  /** The likeliest first. There are two if a carrier adds another id of its own. */
  readonly ids: readonly string[]
  /** In capitals: a word of letters, or a number of at most three digits. */
  readonly stat: string | undefined
  readonly err: string | undefined
  /** Whether it begins like a receipt; a message from a phone does not. */
  readonly isReceiptLike: boolean
}

/**
 * A name before a colon or an equals sign, at the beginning or after a blank or another separator. Seen at carriers:
 * `ID:… STAT:…`, missing fields, several blanks, tabs and line ends (jSMPP issues 62 and 67, php-smpp issue 29, Vumi's
 * patterns).
 */
const field =
  /(?:^|[\s;,|&])(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|status|state|err|error|text)\s{0,8}[:=]/gi

type Field = { readonly name: string; readonly value: string }

/**
 * @param text  At most a few thousand characters, because the time grows with its length.
 * @returns Words cut to their possible length, so that nothing of the message's own text gets through.
 */
export function readReceiptText(text: string): ReceiptWords {
  const marks = [...text.matchAll(field)]
  const fields = marks.map((mark, i): Field => {
    const value = text.slice(mark.index + mark[0].length, marks[i + 1]?.index ?? text.length)
    return { name: mark[1]!.toLowerCase(), value: value.trim() }
  })
  const own = fieldsOfCarrier(fields)
  const firstOf = (...names: readonly string[]) => own.find(({ name }) => names.includes(name))?.value
  return {
    ids: [...new Set(own.filter(({ name }) => name === 'id').map(({ value }) => idOf(value)))]
      .filter((id) => id !== '')
      .slice(0, 3),
    stat: statOf(firstOf('stat', 'status', 'state')),
    // At most five characters, so that no code fits.
    err: /^[a-z0-9]{1,5}(?![a-z0-9])/i.exec(firstOf('err', 'error') ?? '')?.[0],
    isReceiptLike: text.slice(0, marks[0]?.index).trim() === '' && marks.length > 0,
  }
}

/** message_id, SMPP 3.4, 4.4.2: 64 characters and a NUL. */
const maxId = 65

/**
 * All after `text:` is the message's own, whatever fields it seems to hold. But some carriers write `text:` first: their
 * fields follow it, and the last field of each name is the carrier's.
 */
function fieldsOfCarrier(fields: readonly Field[]): readonly Field[] {
  const text = fields.findIndex(({ name }) => name === 'text')
  if (text < 0) return fields
  return text > 0 ? fields.slice(0, text) : fields.slice(1).reverse()
}

/** An id may hold colons and commas but no blanks, and does not end in a separator. */
function idOf(value: string): string {
  return value
    .slice(0, maxId)
    .split(/\s/, 1)[0]!
    .replace(/[;,|&]$/, '')
}

function statOf(value: string | undefined): string | undefined {
  return /^(?:[a-z]{1,20}|\d{1,3}(?!\d))/i.exec(value ?? '')?.[0].toUpperCase()
}

/** Names of fields stay in a shape, because a receipt is recognised by them. */
const kept = /^(?:id|sub|dlvrd|submit|done|date|stat|status|state|err|error|text)$/i

/**
 * The shape of a text, for a log: letters become `a` and digits `9`, so that its contents do not show. At most 120
 * characters, none from after `text:`.
 */
export function shapeOf(text: string): string {
  const looked = text.slice(0, 120)
  const own = looked.split(/\btext\s?[:=]/i, 1)[0]!
  const rest = own.length < looked.length ? 'text:…' : ''
  return own
    .replace(/[A-Za-z]+/g, (word) => (kept.test(word) ? word : 'a'.repeat(word.length)))
    .replace(/\p{L}/gu, (letter) => (/[A-Za-z]/.test(letter) ? letter : 'a'))
    .replace(/\p{N}/gu, '9')
    .replace(/[^\x20-\x7e]/g, '?')
    .concat(rest)
}
