/**
 * An old check-out against a new one: the same load on both by turns, in both orders, and what each request cost.
 * Made for a machine with other work: compare the CPU of a request, and rates only of one run.
 * `npm run bench:compare -- [--old main] [--new .] [--store sqlite] [--acts send,verify] [--limits]`
 */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { limitedSendScript, path, sendScript, sendsOfMember, takeNumbers, verifyScript } from './calls.ts'
import { type Carrier, type Peers, startPeers } from './carriers.ts'
import { startMeasuredPostgres } from './engines.ts'
import { fixed, heading, median, medianOf, row, spread } from './figures.ts'
import { closedLoop, type Load, openLoop } from './load.ts'
import { busyProcessors } from './process.ts'
import { startMeasuredRedis } from './redis-engine.ts'
import { startTree, type TreeServer } from './trees.ts'

const acts = ['send', 'verify', 'webhook', 'smpp'] as const
type Act = (typeof acts)[number]
const stores = ['sqlite', 'postgres', 'redis'] as const
type StoreName = (typeof stores)[number]
const sides = ['old', 'new'] as const
type Side = (typeof sides)[number]

const root = join(import.meta.dirname, '..')
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

type Engine = {
  readonly env: Readonly<Record<string, string>>
  cpuMs(): number
  writtenBytes(): Promise<number>
}

type Subject = {
  readonly server: TreeServer
  /** Undefined: the server is its own engine. */
  readonly engine: Engine | undefined
}

/** All but the load is for one request. */
type Measurement = Load & {
  readonly mainUs: number
  readonly otherUs: number
  readonly serverUs: number
  readonly engineUs: number
  readonly bytes: number
}

const seconds = Number(values.seconds)
const rounds = Number(values.rounds)
const folder = mkdtempSync(join(tmpdir(), 'countersign-compare-'))
/** Delivery goes on behind the last answer. */
const settlesMs = 300
const warmSeconds = 2
/** Each is entered a few times: the right code of a new contact stays good, ten times at most. */
const codesOfSecond = 2_500

function named<T extends string>(given: readonly string[], known: readonly T[]): T[] {
  return given.map((name) => {
    const found = known.find((one) => one === name)
    if (found === undefined) throw new Error(`${name}: is none of ${known.join(', ')}`)
    return found
  })
}

/** @returns The folder of a check-out; of a commit, its files beside the packages that are here. */
function checkOut(named: string): string {
  if (existsSync(join(named, 'bin/countersign.js'))) return resolve(named)
  const tree = join(folder, 'old')
  mkdirSync(tree)
  const files = execFileSync('git', ['archive', named], { cwd: root, maxBuffer: 2 ** 30 })
  execFileSync('tar', ['-x', '-C', tree], { input: files })
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

async function compare(act: Act, old: string): Promise<void> {
  const all: Record<Side, Measurement[]> = { old: [], new: [] }
  // What was started later did up to a tenth better, so each side is the later one once.
  for (const order of [sides, sides.toReversed()]) {
    await using stack = new AsyncDisposableStack()
    const peers = await startPeers(stack)
    const subjects = {} as Record<Side, Subject>
    for (const side of order)
      subjects[side] = await start(stack, side === 'old' ? old : resolve(values.new), act, peers)
    for (const side of order) await measure(subjects[side], act, peers, warmSeconds)
    for (let round = 0; round < rounds; round++)
      for (const side of round % 2 === 0 ? order : order.toReversed())
        all[side].push(await measure(subjects[side], act, peers, seconds))
  }
  report(act, all)
}

async function start(stack: AsyncDisposableStack, tree: string, act: Act, peers: Peers): Promise<Subject> {
  const engine = await startEngine(stack, named([values.store], stores)[0]!)
  // Codes are learnt from a carrier, as their addressee learns them.
  const carrier: Carrier = act === 'send' ? 'sandbox' : act === 'verify' ? 'webhook' : act
  const server = stack.use(
    await startTree({
      tree,
      data: mkdtempSync(join(folder, 'data-')),
      providers: peers.providers(carrier, { keeps: act === 'verify' }),
      hasLimits: values.limits,
      env: engine?.env ?? {},
    }),
  )
  return { server, engine }
}

/** Each server gets engines of its own: two versions may not get on with one schema. */
async function startEngine(stack: AsyncDisposableStack, store: StoreName): Promise<Engine | undefined> {
  if (store === 'sqlite') return undefined
  const postgres = await startMeasuredPostgres(stack, 8)
  const { env } = await postgres.newDatabase()
  const redis = store === 'redis' ? await startMeasuredRedis(stack, (why) => console.error(why)) : null
  return {
    env: { ...env, ...redis?.env },
    cpuMs: () => postgres.cpuMs() + (redis?.cpuMs() ?? 0),
    writtenBytes: async () => (await postgres.writtenBytes()) + ((await redis?.writtenBytes()) ?? 0),
  }
}

async function measure(subject: Subject, act: Act, peers: Peers, forSeconds: number): Promise<Measurement> {
  const { server, engine } = subject
  const script = await scriptOf(subject, act, peers, forSeconds)
  const spent = async () => ({
    server: server.process.cpuMs(),
    main: server.process.mainMs(),
    engine: engine?.cpuMs() ?? 0,
    bytes: engine ? await engine.writtenBytes() : server.process.writtenBytes(),
  })
  const before = await spent()
  const load = await closedLoop(folder, [server.http], script, { seconds: forSeconds })
  await new Promise((resolve) => setTimeout(resolve, settlesMs))
  const after = await spent()
  if (load.failures > load.requests / 100)
    throw new Error(`${act}: ${load.failures} of ${load.requests} requests were refused or failed`)
  lastRate.set(act, load.requestsPerSecond)
  const each = (part: keyof typeof after) => (after[part] - before[part]) / load.requests
  const [serverUs, mainUs] = [each('server') * 1000, each('main') * 1000]
  return {
    ...load,
    ...{
      serverUs,
      mainUs,
      otherUs: serverUs - mainUs,
      engineUs: each('engine') * 1000,
      bytes: each('bytes'),
    },
  }
}

const lastRate = new Map<Act, number>()
/** Until a rate is known. */
const highRate = 12_000
const headroom = 1.5

async function scriptOf({ server }: Subject, act: Act, peers: Peers, forSeconds: number): Promise<string> {
  if (act === 'verify')
    return verifyScript(
      folder,
      server.token,
      1,
      await codes(server, peers, Math.ceil(forSeconds * codesOfSecond)),
    )
  if (!values.limits) return sendScript(server.token, 1).script
  const sends = (lastRate.get(act) ?? highRate) * headroom * forSeconds
  return limitedSendScript(folder, await server.senders(Math.ceil(sends / sendsOfMember)))
}

/** Of sends just before. */
async function codes(server: TreeServer, peers: Peers, count: number): Promise<[string, string][]> {
  const from = takeNumbers(count)
  const headers = { 'Content-Type': 'application/json', 'X-Access-Token': server.token }
  const all: [string, string][] = []
  const bodyOf = (nth: number) => `{"contact":"+86${from + nth}","country":"chinaPR"}`
  await openLoop([server.http + path], headers, bodyOf, { perSecond: count, seconds: 1 })
  for (let tries = 0; all.length < count && tries < 50; tries++) {
    all.push(...(await peers.kept()))
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return all
}

function report(act: Act, all: Readonly<Record<Side, readonly Measurement[]>>): void {
  const how = `${values.store}${values.limits ? ', limits on' : ''}`
  console.log(`\n${act}, ${how}: ${2 * rounds} rounds of ${seconds} s, medians; new to old of each round\n`)
  const parts = {
    'server µs': (one: Measurement) => one.serverUs,
    'main thread µs': (one: Measurement) => one.mainUs,
    'other threads µs': (one: Measurement) => one.otherUs,
    'engine µs': (one: Measurement) => one.engineUs,
    'bytes written': (one: Measurement) => one.bytes,
    'requests/s': (one: Measurement) => one.requestsPerSecond,
    'p50 ms': (one: Measurement) => one.p50Ms,
    'p99 ms': (one: Measurement) => one.p99Ms,
    failed: (one: Measurement) => one.failures,
  }
  for (const line of heading('', 'old', 'new', 'new / old', 'spread')) console.log(line)
  for (const [name, part] of Object.entries(parts)) {
    const [old, fresh] = [medianOf(all.old, part), medianOf(all.new, part)]
    if (old === 0 && fresh === 0) continue
    const ratios = all.new.map((one, i) => part(one) / part(all.old[i]!))
    const digits = name.endsWith('ms') ? 1 : 0
    console.log(row(name, fixed(old, digits), fixed(fresh, digits), fixed(median(ratios)), spread(ratios)))
  }
}

try {
  const old = checkOut(values.old)
  const before = await busyProcessors()
  for (const act of named(values.acts.split(','), acts)) await compare(act, old)
  console.log(`\nOther work on the machine: ${fixed(before)} processors before the run.`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
