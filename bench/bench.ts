/**
 * Measures the server on each engine, by one process and by two, against a bare handler in the same run and
 * by turns; then what stored records cost, and what a model made of the figures foretells.
 * `npm run bench [-- --quick] [--rounds 3] [--seconds 4] [--stored 10000000] [--write docs/bench.md]`
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startMeasuredPostgres } from './engines.ts'
import { medianOf } from './figures.ts'
import { type Installation, openAs, startEmbedded, startShared } from './installations.ts'
import { busyProcessors, measured } from './process.ts'
import { startMeasuredRedis } from './redis-engine.ts'
import { type Floor, type Results, report, sayLive, storedRows } from './report.ts'
import { liveInRedis, storedInPostgres, storedInSqlite } from './stored.ts'
import { acts, atMost, atRate, floorAtMost, floorAtRate, subjectsOf } from './subjects.ts'

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
const seconds = Number(values.seconds ?? (values.quick ? 1 : 4))

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
const stored = Number(values.stored ?? (values.quick ? 100_000 : 10_000_000))

async function main(): Promise<void> {
  say(
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]!.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}.`,
    'Servers, engines and the load generator run on the same processors. Limits lifted, sandbox carrier, every send to a',
    'new number and handed over to the carrier. SQLite with `synchronous=full`, PostgreSQL with flushes on.',
    `${rounds} rounds of ${seconds} s by turns; medians, and the spread of the ratio.`,
  )
  if (values.quick) say('', '**A quick run: to see that it works, not to quote.**')
  say()
  const before = await busyProcessors()
  await servers()
  const after = await busyProcessors()
  await records()
  say(
    '',
    `Other work on the machine: ${before.toFixed(2)} processors before the run, ${after.toFixed(2)} between its parts.`,
  )
}

async function servers(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const installations = await started(stack)
  if (installations.length === 0) return
  const floor: Floor = {
    process: stack.use(await measured([join(import.meta.dirname, 'floor.ts')])),
    most: [],
    half: [],
  }
  const results: Results[] = installations
    .flatMap(subjectsOf)
    .flatMap((subject) => acts.map((act) => ({ subject, act, most: [], ratios: [], half: [] })))

  await floorAtMost(floor.process, folder, 1)
  for (const { subject, act } of results) await atMost(subject, act, folder, act === 'send' ? 2 : 1)
  for (let round = 0; round < rounds; round++) {
    const asFloor = await floorAtMost(floor.process, folder, seconds)
    floor.most.push(asFloor)
    for (const { subject, act, most, ratios } of results) {
      const one = await atMost(subject, act, folder, seconds)
      most.push(one)
      ratios.push(one.requestsPerSecond / asFloor.requestsPerSecond)
    }
  }
  for (let round = 0; round < Math.max(1, rounds - 1); round++) {
    const rates = results.map(({ most }) => Math.round(medianOf(most, (one) => one.requestsPerSecond) / 2))
    floor.half.push(await floorAtRate(floor.process, { perSecond: Math.max(...rates), seconds }))
    for (const [i, { subject, act, half }] of results.entries())
      half.push(await atRate(subject, act, folder, { perSecond: rates[i]!, seconds }))
  }
  for (const { name, servers } of installations)
    say(
      `- ${name}, under load: ${servers.map(({ process }) => `${process.rssMb().toFixed(0)} MB`).join(', ')}; hand-over, commit to accepted, p99 ${await quantile(servers[0]!.http, 'countersign_hand_over_seconds', 0.99)}`,
    )
  say(...report(floor, results, cpus().length))
}

async function started(stack: AsyncDisposableStack): Promise<Installation[]> {
  const installations: Installation[] = []
  if (isWanted('SQLite')) installations.push(await startEmbedded(stack, folder))
  if (isWanted('PostgreSQL') || isWanted('Redis')) {
    const postgres = await startMeasuredPostgres(stack, values.quick ? 8 : 128)
    if (isWanted('PostgreSQL')) installations.push(await startShared(stack, folder, { postgres }))
    const redis = isWanted('Redis')
      ? await startMeasuredRedis(stack, (why) => say(`- Redis, left out: ${why}`))
      : null
    if (redis) installations.push(await startShared(stack, folder, { postgres, redis }))
  }
  for (const { name, servers } of installations)
    say(
      `- ${name}: first start to listening ${servers.map(({ process }) => `${process.startMs.toFixed(0)} ms`).join(', of a second server ')}; at rest ${servers[0]!.process.rssMb().toFixed(0)} MB`,
    )
  return installations
}

/** The bucket of a histogram that a share of its observations lies in. */
async function quantile(http: string, name: string, share: number): Promise<string> {
  const text = await (await fetch(`${http}/metrics`)).text()
  const buckets = [...text.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)".*\\} (\\d+)$`, 'gm'))]
  const total = Number(buckets.at(-1)?.[2] ?? 0)
  const bucket = buckets.find((one) => Number(one[2]) >= total * share)
  return `≤ ${(Number(bucket?.[1]) * 1000).toFixed(1)} ms`
}

const few = 1_000
const livesOfRedis = 1_000_000

async function records(): Promise<void> {
  if (stored === 0) return
  const turns = { rounds: values.quick ? 1 : 4, seconds: values.quick ? 2 : 4 }
  say('', '## What stored verifications cost', '')
  say('The engine alone, without the server: whole lives of codes by 96 callers, on a store with many ended')
  say('verifications and their dispatches against one with few, by turns.', '')
  if (isWanted('SQLite') || isWanted('PostgreSQL')) say(...storedRows.heading)
  if (isWanted('SQLite')) {
    const cost = await storedInSqlite(folder, few, stored / 10, turns)
    say(storedRows.row('SQLite', cost))
  }
  if (isWanted('PostgreSQL')) say(storedRows.row('PostgreSQL', await storedInPostgres(few, stored, turns)))
  if (!isWanted('Redis')) return
  await using stack = new AsyncDisposableStack()
  const redis = await startMeasuredRedis(stack, () => undefined)
  if (!redis) return
  const postgres = await startMeasuredPostgres(stack, 0)
  const { env } = await postgres.newDatabase()
  const store = stack.use(await openAs(folder, { ...env, ...redis.env }))
  const most = Math.min(livesOfRedis, stored / 10)
  const cost = await liveInRedis(store, redis, few, most, turns)
  say(...sayLive(cost))
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
