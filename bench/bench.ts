/**
 * Measures the server on each engine, by one process and by two, against a bare handler in the same run and
 * by turns; then what stored records cost, and what a model made of the figures foretells.
 * `npm run bench [-- --quick] [--rounds 3] [--seconds 5] [--stored 10000000] [--write docs/bench.md]`
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { floorScript } from './calls.ts'
import { startMeasuredPostgres } from './engines.ts'
import { fixed, heading, median, medianOf, row, spread } from './figures.ts'
import { startEmbedded, startShared } from './installations.ts'
import { closedLoop, type Load } from './load.ts'
import { measured } from './process.ts'
import { type Act, acts, atMost, atRate, type Measurement, type Subject, subjectsOf } from './subjects.ts'

const { values } = parseArgs({
  options: {
    /** Short rounds and few records: to see that it works, not to quote. */
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    stored: { type: 'string' },
    /** Only engines whose names begin so, e.g. PostgreSQL. */
    only: { type: 'string', default: '' },
    write: { type: 'string' },
  },
})
const rounds = Number(values.rounds ?? (values.quick ? 1 : 3))
const seconds = Number(values.seconds ?? (values.quick ? 2 : 5))

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
const lines: string[] = []
const say = (...said: readonly string[]) => {
  for (const line of said.length === 0 ? [''] : said) {
    console.log(line)
    lines.push(line)
  }
}
const isWanted = (name: string) => name.toLowerCase().startsWith(values.only.toLowerCase())

export type Results = {
  readonly subject: Subject
  readonly act: Act
  readonly most: Measurement[]
  readonly ratios: number[]
  readonly half: Measurement[]
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  say(
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]!.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}.`,
    'Servers, engines and the load generator run on the same processors. Limits lifted, sandbox carrier, every send to a',
    'new number and handed over to the carrier. SQLite with `synchronous=full`, PostgreSQL with flushes on.',
    `${rounds} rounds of ${seconds} s by turns; medians, and the spread of the ratio.`,
    '',
  )
  const floor = stack.use(await measured([join(import.meta.dirname, 'floor.ts')]))
  const floorUrl = (floor.told as unknown as { http: string }).http
  const installations = []
  if (isWanted('SQLite')) installations.push(await startEmbedded(stack, folder))
  if (isWanted('PostgreSQL'))
    installations.push(await startShared(stack, folder, { postgres: await startMeasuredPostgres(stack) }))
  for (const { name, servers } of installations)
    say(
      `- ${name}: first start to listening ${servers.map(({ process }) => `${fixed(process.startMs, 0)} ms`).join(', of a second server ')}; at rest ${fixed(servers[0]!.process.rssMb(), 0)} MB`,
    )

  const results: Results[] = installations
    .flatMap(subjectsOf)
    .flatMap((subject) => acts.map((act) => ({ subject, act, most: [], ratios: [], half: [] })))
  const floors: (Load & { serverUs: number })[] = []
  const floorOnce = async () => {
    const before = floor.cpuMs()
    const load = await closedLoop(folder, [floorUrl], floorScript, { seconds })
    return { ...load, serverUs: ((floor.cpuMs() - before) * 1000) / load.requests }
  }
  await closedLoop(folder, [floorUrl], floorScript, { seconds: 1 })
  for (const { subject, act } of results) await atMost(subject, act, folder, act === 'send' ? 2 : 1)
  for (let round = 0; round < rounds; round++) {
    floors.push(await floorOnce())
    for (const { subject, act, most, ratios } of results) {
      const one = await atMost(subject, act, folder, seconds)
      most.push(one)
      ratios.push(one.requestsPerSecond / floors.at(-1)!.requestsPerSecond)
    }
  }
  for (let round = 0; round < Math.max(1, rounds - 1); round++)
    for (const { subject, act, most, half } of results) {
      const perSecond = Math.round(medianOf(most, (one) => one.requestsPerSecond) / 2)
      half.push(await atRate(subject, act, folder, { perSecond, seconds }))
    }
  for (const { name, servers } of installations)
    say(`- ${name}: under load ${servers.map(({ process }) => `${fixed(process.rssMb(), 0)} MB`).join(', ')}`)
  sayMost(floors, results)
  sayEach(results)
  sayHalf(results)
}

const nameOf = ({ subject, act }: Results) => `${act}, ${subject.name}`

function sayMost(floors: readonly Load[], results: readonly Results[]): void {
  say('', '## As much as it takes', '')
  say('A closed loop of 96 connections, shared by the processes.', '')
  say(...heading('', 'requests/s', 'ratio to the floor', 'spread', 'p50 ms', 'p99 ms', 'failed'))
  const times = (all: readonly Load[]) => [
    fixed(medianOf(all, (one) => one.p50Ms)),
    fixed(medianOf(all, (one) => one.p99Ms)),
    all.reduce((sum, one) => sum + one.failures, 0),
  ]
  const perSecond = (all: readonly Load[]) =>
    fixed(
      medianOf(all, (one) => one.requestsPerSecond),
      0,
    )
  say(row('floor', perSecond(floors), '1.00', '', ...times(floors)))
  for (const one of results)
    say(
      row(
        nameOf(one),
        perSecond(one.most),
        fixed(median(one.ratios)),
        spread(one.ratios),
        ...times(one.most),
      ),
    )
}

function sayEach(results: readonly Results[]): void {
  say('', '## What one request takes', '')
  say('CPU in µs, user and system. Round trips and statements are the server’s with its engines, those of')
  say('delivery among them; bytes are what the engine writes to its log.', '')
  say(
    ...heading(
      '',
      'server',
      'PostgreSQL',
      'Redis',
      'load generator',
      'round trips',
      'statements',
      'bytes written',
    ),
  )
  for (const one of results) {
    const of = (part: keyof Measurement, digits = 0) =>
      fixed(
        medianOf(one.most, (each) => each[part]),
        digits,
      )
    say(
      row(
        nameOf(one),
        of('serverUs'),
        of('postgresUs'),
        of('redisUs'),
        of('generatorUs'),
        of('roundTrips', 3),
        of('statements', 3),
        of('writtenBytes'),
      ),
    )
  }
}

function sayHalf(results: readonly Results[]): void {
  say('', '## At half of its top rate', '')
  say('An open loop, counted from when each request was due.', '')
  say(
    ...heading(
      '',
      'requests/s',
      'p50 ms',
      'p99 ms',
      'p99.9 ms',
      'server µs',
      'PostgreSQL µs',
      'Redis µs',
      'round trips',
      'failed',
    ),
  )
  for (const one of results) {
    const of = (part: keyof Measurement, digits = 2) =>
      fixed(
        medianOf(one.half, (each) => each[part]),
        digits,
      )
    say(
      row(
        nameOf(one),
        of('requestsPerSecond', 0),
        of('p50Ms'),
        of('p99Ms'),
        of('p999Ms'),
        of('serverUs', 0),
        of('postgresUs', 0),
        of('redisUs', 0),
        of('roundTrips', 3),
        one.half.reduce((sum, each) => sum + each.failures, 0),
      ),
    )
  }
}

try {
  await main()
  if (values.write) {
    const target = join(root, values.write)
    writeFileSync(
      target,
      `# Benchmark\n\nWritten by \`npm run bench -- --write ${values.write}\`.\n\n${lines.join('\n')}\n`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
