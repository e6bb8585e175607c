/**
 * Measures every aim of speed in one run: the server on each engine, by one process and by two, through carriers and
 * with limits, against a bare handler in the same run and by turns; what a server takes at start and at rest; what
 * stored records cost; otpgateway beside it, if its program is named; and what a model made of the figures foretells.
 * `npm run bench [-- --quick | --short] [--parts servers,life] [--otpgateway PATH] [--write docs/bench.md]`
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Figures, sayAims } from './aims.ts'
import { startPeers } from './carriers.ts'
import { checkOut } from './check-out.ts'
import { startMeasuredPostgres } from './engines.ts'
import { fixed, median } from './figures.ts'
import { openAs } from './installations.ts'
import { fullSpeedS, measureLife, sayLife } from './life.ts'
import { requireWrk } from './load.ts'
import { besideWire } from './native.ts'
import { watchOtherWork } from './process.ts'
import { startMeasuredRedis } from './redis-engine.ts'
import { sayLive, storedRows } from './report.ts'
import { besideRival } from './rival.ts'
import { root } from './serve.ts'
import { isNamed, servers } from './servers.ts'
import { liveInRedis, storedInPostgres, storedInSqlite } from './stored.ts'

/** How long each size of a run measures. */
const sizes = {
  /** To see that it works, not to quote. */
  quick: {
    ...{ rounds: 1, seconds: 1, halfRounds: 1, warmSeconds: 1, learnt: 1_500, logFiles: 8 },
    ...{ stored: 20_000, live: 10_000, storedRounds: 1, storedSeconds: 1 },
    ...{ starts: 1, restMs: 1_000, climbSeconds: 3 },
  },
  /** A quarter of an hour. */
  short: {
    ...{ rounds: 3, seconds: 2, halfRounds: 2, warmSeconds: 2, learnt: 15_000, logFiles: 64 },
    ...{ stored: 10_000_000, live: 100_000, storedRounds: 4, storedSeconds: 2 },
    ...{ starts: 5, restMs: 20_000, climbSeconds: 12 },
  },
  full: {
    ...{ rounds: 3, seconds: 4, halfRounds: 3, warmSeconds: 4, learnt: 20_000, logFiles: 128 },
    ...{ stored: 10_000_000, live: 1_000_000, storedRounds: 4, storedSeconds: 4 },
    ...{ starts: 9, restMs: 20_000, climbSeconds: 30 },
  },
} as const

const partNames = ['life', 'servers', 'native', 'rival', 'stored'] as const
type Part = (typeof partNames)[number]

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    short: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    stored: { type: 'string' },
    parts: { type: 'string', default: partNames.join(',') },
    /** Only engines whose names begin so, e.g. PostgreSQL. */
    only: { type: 'string', default: '' },
    /** A check-out or a commit to be measured in place of this one, but for what it stores. */
    tree: { type: 'string' },
    /** The program of knadh/otpgateway, to be measured beside the server. */
    otpgateway: { type: 'string' },
    write: { type: 'string' },
  },
})
const sizeName = values.quick ? 'quick' : values.short ? 'short' : 'full'
const size = {
  ...sizes[sizeName],
  ...(values.rounds && { rounds: Number(values.rounds), halfRounds: Number(values.rounds) }),
  ...(values.seconds && { seconds: Number(values.seconds) }),
  ...(values.stored && { stored: Number(values.stored) }),
}

const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
const figures: Figures = new Map()
const lines: string[] = []
const say = (...said: readonly string[]) => {
  for (const line of said.length === 0 ? [''] : said) {
    console.log(line)
    lines.push(line)
  }
}
const tree = values.tree === undefined ? root : checkOut(values.tree, folder)
/** The contract of the store is this version's. */
const parts = values.parts.split(',').filter((name) => tree === root || name !== 'stored')
const isWanted = (name: string) => isNamed(name, values.only)

async function main(): Promise<void> {
  for (const part of parts)
    if (!partNames.some((name) => name === part))
      throw new Error(`${part}: is no part; name some of ${partNames.join(', ')}`)
  requireWrk()
  using others = watchOtherWork()
  const startedAt = performance.now()
  say(
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]!.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}.`,
    'Servers, engines, carriers and the load generator run on the same processors. Unless a row is named for it, limits are',
    'lifted and the carrier is the sandbox in the server. Every send is to a new number and handed over to the carrier.',
    'SQLite with `synchronous=full`, PostgreSQL with flushes on, Redis flushing each second.',
    `${size.rounds} rounds of ${size.seconds} s by turns; medians, and the spread of the ratio.`,
  )
  if (values.tree !== undefined) say('', `**Of the version ${values.tree}.**`)
  if (values.quick) say('', '**A quick run: to see that it works, not to quote.**')
  say()
  let sayStart: ((top: number | undefined) => string[]) | undefined
  await part('life', async () => {
    sayStart = await life()
  })
  await part('servers', () => servers({ ...size, folder, tree, only: values.only }, figures, say))
  if (sayStart) say(...sayStart(figures.get('send, SQLite: requestsPerSecond')))
  await part('native', async () => say(...(await besideWire({ ...size, folder, tree }, figures))))
  await part('rival', rival)
  await part('stored', records)
  say(
    ...sayAims(figures),
    '',
    `The run took ${fixed((performance.now() - startedAt) / 60_000, 0)} minutes. Other work on the machine meanwhile: ${fixed(others.average())} processors on average,`,
    `${fixed(others.most())} in its busiest ten seconds.`,
  )
}

/** A part that fails leaves its aims unmeasured, and the others measured. */
async function part(name: Part, run: () => Promise<void>): Promise<void> {
  if (!parts.includes(name)) return
  try {
    await run()
  } catch (error) {
    say('', `**The part *${name}* failed: ${error instanceof Error ? error.message : String(error)}**`)
    console.error(error)
    process.exitCode = 1
  }
}

async function life(): Promise<(top: number | undefined) => string[]> {
  await using stack = new AsyncDisposableStack()
  const found = await measureLife({
    ...{ folder, peers: await startPeers(stack), tree, many: tree === root ? size.stored / 10 : null },
    ...{ starts: size.starts, restMs: size.restMs, climbSeconds: size.climbSeconds },
  })
  figures.set('startMs', found.later.wallMs)
  figures.set('restMb', found.empty.restMb)
  if (found.stored) figures.set('manyMb', found.stored.restMb)
  figures.set('idlePercent', found.empty.idlePercent)
  return (top) => {
    figures.set('fullSpeedS', fullSpeedS(found.climb, top ?? median(found.climb.slice(-5))))
    return sayLife(found, top)
  }
}

async function rival(): Promise<void> {
  if (values.otpgateway === undefined) return
  await using stack = new AsyncDisposableStack()
  const { rounds, seconds, learnt } = size
  const options = {
    path: values.otpgateway,
    folder,
    tree,
    peers: await startPeers(stack),
    rounds,
    seconds,
    learnt,
  }
  say(...(await besideRival(options, figures)))
}

const few = 1_000

async function records(): Promise<void> {
  const { stored, live, storedRounds, storedSeconds } = size
  if (stored === 0) return
  const turns = { rounds: storedRounds, seconds: storedSeconds }
  say('', '## What stored verifications cost', '')
  say('The engine alone, without the server: whole lives of codes by 96 callers, on a store with many ended')
  say('verifications and their dispatches against one with few, by turns.', '')
  if (isWanted('SQLite') || isWanted('PostgreSQL')) say(...storedRows.heading)
  if (isWanted('SQLite')) say(storedRows.row('SQLite', await storedInSqlite(folder, few, stored / 10, turns)))
  if (isWanted('PostgreSQL')) {
    const cost = await storedInPostgres(few, stored, turns)
    figures.set('storedRatio', median(cost.ratios))
    say(storedRows.row('PostgreSQL', cost))
  }
  if (!isWanted('Redis')) return
  await using stack = new AsyncDisposableStack()
  const redis = await startMeasuredRedis(stack, () => undefined)
  if (!redis) return
  const postgres = await startMeasuredPostgres(stack, 0)
  const { env } = await postgres.newDatabase()
  const store = stack.use(await openAs(folder, { ...env, ...redis.env }))
  say(...sayLive(await liveInRedis(store, redis, few, live, turns)))
}

// So that what was started ends with it, on whatever way: see endWithUs.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

try {
  await main()
  if (values.write)
    writeFileSync(
      join(root, values.write),
      `# Benchmark\n\nWritten by \`npm run bench -- ${sizeName === 'full' ? '' : `--${sizeName} `}--write ${values.write}\`.\n\n${lines.join('\n')}\n`,
    )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
