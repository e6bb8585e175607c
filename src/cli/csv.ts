/** CSV by RFC 4180: quoted fields, doubled quotes, line breaks within quotes, a byte order mark. */

export type CsvRow = {
  /** The line on which the row begins, counted from 1. */
  readonly line: number
  readonly fields: readonly string[]
  /** Whether there is text between a closing quote and the next comma. */
  readonly isMalformed: boolean
}

/** @returns The rows that are not empty; `unclosedAt` is the line of a quoted field that never ends. */
export function parseCsv(text: string): {
  readonly rows: readonly CsvRow[]
  readonly unclosedAt: number | null
} {
  const rows: CsvRow[] = []
  let fields: string[] = []
  let field = ''
  let isQuoted = false
  let wasQuoted = false
  let isMalformed = false
  let line = 1
  let rowLine = 1
  const endField = () => {
    fields.push(field)
    field = ''
    wasQuoted = false
  }
  const endRow = () => {
    endField()
    if (fields.length > 1 || fields[0] !== '') rows.push({ line: rowLine, fields, isMalformed })
    fields = []
    isMalformed = false
  }
  const source = text.replace(/^\uFEFF/, '')
  for (let i = 0; i < source.length; i++) {
    const character = source[i]!
    if (character === '\n') line++
    if (isQuoted) {
      if (character !== '"') field += character
      else if (source[i + 1] === '"') {
        field += '"'
        i++
      } else {
        isQuoted = false
        wasQuoted = true
      }
    } else if (character === '"' && field === '' && !wasQuoted) isQuoted = true
    else if (character === ',') endField()
    else if (character === '\n') {
      endRow()
      rowLine = line
    } else if (character !== '\r') {
      field += character
      isMalformed ||= wasQuoted
    }
  }
  if (isQuoted) return { rows, unclosedAt: rowLine }
  if (field !== '' || fields.length > 0) endRow()
  return { rows, unclosedAt: null }
}
