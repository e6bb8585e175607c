/** CSV by RFC 4180: quoted fields, doubled quotes, line breaks within quotes, a byte order mark. */

export type CsvRow = { readonly line: number; readonly fields: readonly string[] }

/** @returns Rows with the line each begins on, counted from 1; an unclosed quote is a problem of its row. */
export function parseCsv(text: string): {
  readonly rows: readonly CsvRow[]
  readonly unclosedAt: number | null
} {
  const rows: CsvRow[] = []
  let fields: string[] = []
  let field = ''
  let isQuoted = false
  let line = 1
  let rowLine = 1
  const endField = () => {
    fields.push(field)
    field = ''
  }
  const endRow = () => {
    endField()
    if (fields.length > 1 || fields[0] !== '') rows.push({ line: rowLine, fields })
    fields = []
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
      } else isQuoted = false
    } else if (character === '"' && field === '') isQuoted = true
    else if (character === ',') endField()
    else if (character === '\n') {
      endRow()
      rowLine = line
    } else if (character !== '\r') field += character
  }
  if (isQuoted) return { rows, unclosedAt: rowLine }
  if (field !== '' || fields.length > 0) endRow()
  return { rows, unclosedAt: null }
}
