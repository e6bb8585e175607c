/** What a run is to reach, and the table that shows whether it did. */

import { fixed, heading, row } from './figures.ts'

/** By name, as each part of a run finds them. */
export type Figures = Map<string, number>

type Aim = {
  readonly what: string
  /** The figure's name. */
  readonly of: string
  readonly digits?: number
} & ({ readonly atLeast: number } | { readonly atMost: number })

const engines = [
  ['SQLite', 0.5, 0.6],
  ['PostgreSQL, one process', 0.28, 0.3],
  ['Redis, one process', 0.25, 0.32],
] as const

const aims: readonly Aim[] = [
  ...engines.flatMap(([name, send, verify]): Aim[] => [
    { what: `send, ${name}: rate, to the floor’s`, of: `send, ${name}: ratio`, atLeast: send },
    { what: `verify, ${name}: rate, to the floor’s`, of: `verify, ${name}: ratio`, atLeast: verify },
  ]),
  { what: 'send, SQLite: server CPU, µs', of: 'send, SQLite: serverUs', atMost: 70, digits: 0 },
  { what: 'verify, SQLite: server CPU, µs', of: 'verify, SQLite: serverUs', atMost: 55, digits: 0 },
  { what: 'send, SQLite: bytes written', of: 'send, SQLite: writtenBytes', atMost: 2_500, digits: 0 },
  { what: 'send by webhook: rate, to the floor’s', of: 'send, SQLite, webhook: ratio', atLeast: 0.22 },
  { what: 'send by webhook: server CPU, µs', of: 'send, SQLite, webhook: serverUs', atMost: 200, digits: 0 },
  { what: 'send by SMPP: server CPU, µs', of: 'send, SQLite, SMPP: serverUs', atMost: 120, digits: 0 },
  ...[
    'send, SQLite',
    'verify, SQLite',
    ...engines.slice(1).flatMap(([name]) => [`send, ${name}`, `verify, ${name}`]),
  ].map(
    (of): Aim => ({
      what: `${of}: p99 at half of its top rate, to the floor’s at that rate`,
      of: `${of}: p99ToFloor`,
      atMost: 3,
    }),
  ),
  { what: 'start: CPU, to a send’s of the wire', of: 'start, nobody: cpuToWire', atMost: 1.1 },
  { what: 'check: CPU, to a verify’s of the wire', of: 'check, nobody: cpuToWire', atMost: 1.1 },
  {
    what: 'check without a proof token: CPU, to a verify’s',
    of: 'check, without a proof: cpuToWire',
    atMost: 1.1,
  },
  {
    what: 'send by webhook: rate, to otpgateway’s, Redis flushing each second',
    of: 'send, everysec: toRival',
    atLeast: 2.5,
  },
  {
    what: 'check: rate, to otpgateway’s, Redis flushing each second',
    of: 'check, everysec: toRival',
    atLeast: 2,
  },
  {
    what: 'check: p99, to otpgateway’s, Redis flushing each second',
    of: 'check, everysec: p99ToRival',
    atMost: 1,
  },
  { what: 'start to first answer, from the second on, ms', of: 'startMs', atMost: 500, digits: 0 },
  { what: 'memory at rest, empty, MB', of: 'restMb', atMost: 110, digits: 0 },
  { what: 'memory at rest, 1,000,000 stored, MB', of: 'manyMb', atMost: 200, digits: 0 },
  { what: 'memory under full load, at its peak, MB', of: 'loadMb', atMost: 250, digits: 0 },
  { what: 'processor at rest, %', of: 'idlePercent', atMost: 0.3 },
  { what: 'full speed after a start, s', of: 'fullSpeedS', atMost: 5, digits: 0 },
  { what: 'lives with 10,000,000 stored in PostgreSQL, to those with few', of: 'storedRatio', atLeast: 0.9 },
]

/** Lines of Markdown. */
export function sayAims(figures: Figures): string[] {
  const rows = aims.map((aim) => {
    const { what, of, digits = 2 } = aim
    const [sign, wanted] = 'atLeast' in aim ? ['≥', aim.atLeast] : ['≤', aim.atMost]
    const found = figures.get(of)
    if (found === undefined || Number.isNaN(found))
      return { cells: [what, `${sign} ${wanted}`, '', 'not measured'], is: null }
    const is = 'atLeast' in aim ? found >= wanted : found <= wanted
    return {
      cells: [
        what,
        `${sign} ${wanted}`,
        Number.isFinite(found) ? fixed(found, digits) : 'never',
        is ? 'reached' : '**not reached**',
      ],
      is,
    }
  })
  const count = (is: boolean | null) => rows.filter((one) => one.is === is).length
  return [
    '',
    '## Aims',
    '',
    `Reached: ${count(true)}. Not reached: ${count(false)}. Not measured in this run: ${count(null)}.`,
    '',
    ...heading('', 'aim', 'measured', ''),
    ...rows.map(({ cells }) => row(...cells)),
  ]
}
