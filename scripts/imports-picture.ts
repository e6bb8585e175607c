/** docs/imports.svg: which room may import which, a row for each room, from the table in CONTRIBUTING.md. */

import { type Room, readRooms } from './rooms.ts'
import { svg, text } from './svg.ts'

type Extent = 'all' | 'types' | 'files' | 'files and types' | 'none'

const cell = 32
const left = 190
const top = 124
const meanings: readonly (readonly [Extent, string])[] = [
  ['all', 'all of the room'],
  ['files', 'the files that the table names'],
  ['types', 'types alone, erased before the program runs'],
]

export function importsPicture(): string {
  const rooms = readRooms()
  const imported = rooms.filter(({ name }) => rooms.some((one) => extentOf(one, name) !== 'none'))
  const rows = rooms.toReversed()
  const width = Math.max(left + imported.length * cell + 60, 640)
  const bottom = top + rows.length * cell
  const body: string[] = []
  rows.forEach(({ name }, i) => {
    const y = top + i * cell
    if (i % 2 === 0)
      body.push(`<rect x="24" y="${y}" width="${width - 48}" height="${cell}" rx="6" fill="var(--card)"/>`)
    body.push(text(left - 18, y + 21, 13.5, 'mono end', `${name}/`))
  })
  imported.forEach(({ name }, i) => {
    const x = left + i * cell + cell / 2
    body.push(
      `<g transform="translate(${x + 3} ${top - 12}) rotate(-52)">${text(0, 0, 13.5, 'mono', `${name}/`)}</g>`,
      `<path d="M${x} ${top}V${bottom}" stroke="var(--line)" stroke-dasharray="1 5" stroke-linecap="round"/>`,
    )
  })
  rows.forEach((room, i) => {
    imported.forEach(({ name }, j) => {
      const [x, y] = [left + j * cell + cell / 2, top + i * cell + cell / 2]
      body.push(...dot(x, y, extentOf(room, name)))
    })
  })
  meanings.forEach(([extent, meaning], i) => {
    const y = bottom + 34 + i * 24
    body.push(...dot(left + cell / 2, y - 4, extent), text(left + cell + 8, y, 12.5, 'soft', meaning))
  })
  return svg({
    width,
    height: bottom + 34 + meanings.length * 24,
    title: 'Which room may import which',
    description: rooms
      .map(({ name, imports }) => `${name} imports ${imports.join(', ') || 'nothing of ours'}`)
      .join('. '),
    body,
  })
}

function dot(x: number, y: number, extent: Extent): string[] {
  const hasTypes = extent === 'types' || extent === 'files and types'
  const hasFiles = extent === 'files' || extent === 'files and types'
  return [
    ...(extent === 'all' ? [`<circle cx="${x}" cy="${y}" r="7.5" fill="var(--way)"/>`] : []),
    ...(hasTypes
      ? [`<circle cx="${x}" cy="${y}" r="6.75" fill="none" stroke="var(--far)" stroke-width="1.75"/>`]
      : []),
    ...(hasFiles ? [`<circle cx="${x}" cy="${y}" r="3.5" fill="var(--way)"/>`] : []),
  ]
}

function extentOf({ imports }: Room, other: string): Extent {
  if (imports.includes(other)) return 'all'
  const hasTypes = imports.includes(`${other} (types)`)
  const hasFiles = imports.some((one) => one.startsWith(`${other}/`))
  return hasFiles ? (hasTypes ? 'files and types' : 'files') : hasTypes ? 'types' : 'none'
}
