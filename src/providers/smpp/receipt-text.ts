/** The text of a delivery receipt: SMPP 3.4 leaves its form to the carrier (appendix B), so it is read leniently. */

/** What a text says, each as it is written there. */
export type ReceiptWords = {
  /** The likeliest first; there may be two where a carrier adds an id of its own. */
  readonly ids: readonly string[]
  /** In capitals: a word of letters, or a number of at most three digits. */
  readonly stat: string | undefined
  readonly err: string | undefined
  /** Whether it begins as a receipt does. What a phone sends begins otherwise. */
  readonly isReceiptLike: boolean
}

/**
 * A name, a colon or an equals sign; before it the beginning, a blank or another separator. Seen: `ID:… STAT:…`,
 * fields left out, several blanks, tabs and line ends (jSMPP issues 62 and 67, php-smpp issue 29, Vumi's patterns).
 */
const field =
  /(?:^|[\s;,|&])(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|status|state|err|error|text)\s{0,8}[:=]/gi

type Field = { readonly name: string; readonly value: string }

/**
 * @param text  At most some thousand characters: the time it takes grows with its length.
 * @returns Words cut to what they can be, so that nothing of the message's own text gets any further.
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
    // Five characters at most, so that no code fits.
    err: /^[a-z0-9]{1,5}(?![a-z0-9])/i.exec(firstOf('err', 'error') ?? '')?.[0],
    isReceiptLike: text.slice(0, marks[0]?.index).trim() === '' && marks.length > 0,
  }
}

/** message_id, SMPP 3.4, 4.4.2: 64 characters and a NUL. */
const maxId = 65

/**
 * What follows `text:` is the message's own, whatever fields it may hold. Only where a carrier writes `text:` first
 * its fields follow, and then the last of each name is the carrier's.
 */
function fieldsOfCarrier(fields: readonly Field[]): readonly Field[] {
  const text = fields.findIndex(({ name }) => name === 'text')
  if (text < 0) return fields
  return text > 0 ? fields.slice(0, text) : fields.slice(1).reverse()
}

/** An id may hold colons and commas, but no blanks, and it does not end in what separates it from the next field. */
function idOf(value: string): string {
  return value
    .slice(0, maxId)
    .split(/\s/, 1)[0]!
    .replace(/[;,|&]$/, '')
}

function statOf(value: string | undefined): string | undefined {
  return /^(?:[a-z]{1,20}|\d{1,3}(?!\d))/i.exec(value ?? '')?.[0].toUpperCase()
}

/** Names of fields stay: they are what a receipt is known by. */
const kept = /^(?:id|sub|dlvrd|submit|done|date|stat|status|state|err|error|text)$/i

/**
 * How a text is built, for a log: letters as `a`, digits as `9`, without what it says. At most 120 characters, none
 * of them from behind `text:`.
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
