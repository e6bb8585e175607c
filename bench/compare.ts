/**
 * An old check-out against a new one: the same load on both by turns, in both orders, and what each request cost.
 * Made for a machine with other work: compare the CPU of a request, and rates only of one run.
 * `npm run bench:compare -- [--old main] [--new .] [--store sqlite] [--acts send,verify] [--limits]`
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Carrier, type Peers, startPeers } from './carriers.ts'
import { checkOut } from './check-out.ts'
import { type Engines, startMeasuredPostgres } from './engines.ts'
import { fixed, heading, median, medianOf, row, spread } from './figures.ts'
import { startEmbedded, startShared } from './installations.ts'
import { requireWrk } from './load.ts'
import { watchOtherWork } from './process.ts'
import { startMeasuredRedis } from './redis-engine.ts'
import { root } from './serve.ts'
import { atMost, type Measurement, type Subject } from './subjects.ts'

const actNames = ['send', 'verify', 'start', 'check', 'webhook', 'smpp'] as const
type ActName = (typeof actNames)[number]
const stores = ['sqlite', 'postgres', 'redis'] as const
const sides = ['old', 'new'] as const
type Side = (typeof sides)[number]

const { values } = parseArgs({
  options: {
    /** A check-out with its node_modules, or a commit of this one. */
    old: { type: 'string', default: 'main' },
    new: { type: 'string', default: root },
    store: { type: 'string', default: 'sqlite' },
    acts: { type: 'string', default: 'send,verify' },
    /** Sends under the default limits, by members each with a network of its own. */
    limits: { type: 'boolean', default: false },
    /** Of each order in which the servers are started. */
    rounds: { type: 'string', default: '4' },
    /** Whole ones, as wrk counts. */
    seconds: { type: 'string', default: '1' },
  },
})

const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const folder = mkdtempSync(join(tmpdir(), 'countersign-compare-'))
const warmSeconds = 2
const codesOfLoad = 4_000
const lastRate = new Map<ActName, number>()
/** Codes and members are made ready for so many a second, and for more than were seen last. */
const leastExpected = 8_000
const headroom = 1.5

function named<T extends string>(given: readonly string[], known: readonly T[]): T[] {
  return given.map((name) => {
    const found = known.find((one) => one === name)
    if (found === undefined) throw new Error(`${name}: is none of ${known.join(', ')}`)
    return found
  })
}

async function compare(act: ActName, old: string): Promise<void> {
  const all: Record<Side, Measurement[]> = { old: [], new: [] }
  // What was started later did up to a tenth better, so each side is the later one once.
  for (const order of [sides, sides.toReversed()]) {
    await using stack = new AsyncDisposableStack()
    const peers = await startPeers(stack)
    const subjects = {} as Record<Side, Subject>
    for (const side of order)
      subjects[side] = await start(stack, side === 'old' ? old : resolve(values.new), act, peers)
    for (const side of order) await measure(subjects[side], act, warmSeconds)
    for (let round = 0; round < rounds; round++)
      for (const side of round % 2 === 0 ? order : order.toReversed())
        all[side].push(await measure(subjects[side], act, seconds))
  }
  report(act, all)
}

async function start(
  stack: AsyncDisposableStack,
  tree: string,
  act: ActName,
  peers: Peers,
): Promise<Subject> {
  const [store] = named([values.store], stores)
  const carrier: Carrier = act === 'webhook' || act === 'smpp' ? act : 'sandbox'
  const options = {
    ...{ tree, peers, name: store!, folder: mkdtempSync(join(folder, 'data-')), learnt: codesOfLoad },
    ...{ carrier, hasLimits: values.limits && act !== 'verify' && act !== 'check' },
  }
  const installation =
    store === 'sqlite'
      ? await startEmbedded(stack, options)
      : await startShared(stack, { ...options, processes: 1 }, await startEngines(stack, store === 'redis'))
  return { name: store!, installation, processes: 1 }
}

/** Each server gets engines of its own: two versions may not get on with one schema. */
async function startEngines(stack: AsyncDisposableStack, hasRedis: boolean): Promise<Engines> {
  const postgres = await startMeasuredPostgres(stack, 8)
  if (!hasRedis) return { postgres }
  const redis = await startMeasuredRedis(stack, (why) => console.error(why))
  if (!redis) throw new Error('there is no Redis to compare on')
  return { postgres, redis }
}

async function measure(subject: Subject, act: ActName, forSeconds: number): Promise<Measurement> {
  const perSecond = Math.max(leastExpected, (lastRate.get(act) ?? 0) * headroom)
  const one = await atMost(subject, act === 'webhook' || act === 'smpp' ? 'send' : act, folder, {
    perSecond,
    seconds: forSeconds,
  })
  if (one.failures > one.requests / 2)
    throw new Error(`${act}: ${one.failures} of ${one.requests} requests were refused or failed`)
  lastRate.set(act, one.requestsPerSecond)
  return one
}

function report(act: ActName, all: Readonly<Record<Side, readonly Measurement[]>>): void {
  const how = `${values.store}${values.limits ? ', limits on' : ''}`
  console.log(`\n${act}, ${how}: ${2 * rounds} rounds of ${seconds} s, medians; new to old of each round\n`)
  const parts = {
    'server µs': (one: Measurement) => one.serverUs,
    'main thread µs': (one: Measurement) => one.mainUs,
    'other threads µs': (one: Measurement) => one.serverUs - one.mainUs,
    'engine µs': (one: Measurement) => one.postgresUs + one.redisUs,
    'bytes written': (one: Measurement) => one.writtenBytes,
    'requests/s': (one: Measurement) => one.requestsPerSecond,
    'p50 ms': (one: Measurement) => one.p50Ms,
    'p99 ms': (one: Measurement) => one.p99Ms,
    failed: (one: Measurement) => one.failures,
  }
  for (const line of heading('', 'old', 'new', 'new / old', 'spread')) console.log(line)
  for (const [name, part] of Object.entries(parts)) {
    const [old, fresh] = [medianOf(all.old, part), medianOf(all.new, part)]
    if (old === 0 && fresh === 0) continue
    const ratios = all.new.map((one, i) => part(one) / part(all.old[i]!)).filter(Number.isFinite)
    const digits = name.endsWith('ms') ? 1 : 0
    const ratio = ratios.length > 0 ? [fixed(median(ratios)), spread(ratios)] : ['', '']
    console.log(row(name, fixed(old, digits), fixed(fresh, digits), ...ratio))
  }
}

try {
  requireWrk()
  const old = checkOut(values.old, folder)
  using others = watchOtherWork()
  for (const act of named(values.acts.split(','), actNames)) await compare(act, old)
  console.log(`\nOther work on the machine: ${fixed(others.average())} processors on average.`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
