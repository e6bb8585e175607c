/** One measurement of one subject: load on it, and what it and its engine spent meanwhile, by the request. */

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  checkScript,
  floorScript,
  limitedSendScript,
  path,
  sendScript,
  sendsOfMember,
  startScript,
  takeNumbers,
  verifyScript,
} from './calls.ts'
import type { Installation } from './installations.ts'
import { closedLoop, graceMs, type Load } from './load.ts'
import type { Measured } from './process.ts'

/** An installation by so many of its servers. */
export type Subject = {
  readonly name: string
  readonly installation: Installation
  readonly processes: 1 | 2
}

/** Of the wire of members. */
export type WireAct = 'send' | 'verify'
/** Those, and of the native API. */
export type Act = WireAct | 'start' | 'check'

/** All but the load, `flushMs` and `handOverMs` is for one request. */
export type Measurement = Load & {
  readonly serverUs: number
  readonly mainUs: number
  readonly postgresUs: number
  readonly redisUs: number
  readonly roundTrips: number
  readonly statements: number
  readonly writtenBytes: number
  /** That one flush of the log of PostgreSQL took. */
  readonly flushMs: number
  /** The bucket of 99 in 100 messages, from commit to acceptance; NaN: nothing was handed over. */
  readonly handOverMs: number
}

type Rate = { readonly perSecond: number; readonly seconds: number }

const run = promisify(execFile)

export function subjectsOf(installation: Installation): Subject[] {
  const { name, servers } = installation
  return servers.map((_, i) => ({
    name: servers.length === 1 ? name : `${name}, ${i === 0 ? 'one process' : 'two processes'}`,
    installation,
    processes: i === 0 ? 1 : 2,
  }))
}

/**
 * As much as it takes.
 * @param expected  Requests a second, at most: so many codes and members are made ready for.
 * @param ready  Called when all is, before the load.
 */
export async function atMost(
  subject: Subject,
  act: Act,
  folder: string,
  { perSecond: expected, seconds }: Rate,
  ready: () => Promise<void> = async () => undefined,
): Promise<Measurement> {
  const { installation, processes } = subject
  const targets = installation.servers.slice(0, processes).map(({ http }) => http)
  const script = await scriptOf(subject, act, folder, expected * seconds)
  await ready()
  return spentOn(subject, act, () => closedLoop(folder, targets, script, { seconds }))
}

async function scriptOf(
  { installation, processes }: Subject,
  act: Act,
  folder: string,
  most: number,
): Promise<string> {
  const { token, hasLimits, servers } = installation
  const { apiKey } = servers[0]!.app
  if (act === 'start' || act === 'check') {
    if (apiKey === undefined) throw new Error('this version has no native API')
    if (act === 'start') return startScript(apiKey, processes)
    return checkScript(folder, apiKey, await servers[0]!.startCodes(Math.ceil(most)))
  }
  if (act === 'verify') return verifyScript(folder, token, processes, await installation.codes.for(most))
  if (!hasLimits) return sendScript(token, processes)
  return limitedSendScript(folder, await installation.servers[0]!.senders(Math.ceil(most / sendsOfMember)))
}

/** At a steady rate, by an open loop. */
export async function atRate(
  subject: Subject,
  act: WireAct,
  folder: string,
  rate: Rate,
): Promise<Measurement> {
  const { installation, processes } = subject
  const urls = installation.servers
    .slice(0, processes)
    .map(({ http }) => http + path + (act === 'verify' ? '/verify' : ''))
  const count = rate.perSecond * rate.seconds
  const calls =
    act === 'send' ? { from: takeNumbers(count) } : { bodies: await bodiesFile(folder, installation, count) }
  const callers = installation.hasLimits
    ? await installation.servers[0]!.senders(Math.ceil(count / sendsOfMember))
    : [{ token: installation.token, ip: '127.0.0.1' }]
  const options = join(folder, `open-loop-${Math.random().toString(36).slice(2)}.json`)
  writeFileSync(options, JSON.stringify({ urls, callers, ...rate, ...calls }))
  return spentOn(subject, act, () => openLoop(options, rate))
}

async function openLoop(options: string, { seconds }: Rate): Promise<Load> {
  const program = join(import.meta.dirname, 'open-loop.ts')
  const { stdout } = await run(process.execPath, [program, options], { timeout: seconds * 1000 + graceMs })
  return JSON.parse(stdout) as Load
}

export type FloorMeasurement = Load & { readonly serverUs: number }

export function floorAtMost(floor: Measured, folder: string, seconds: number): Promise<FloorMeasurement> {
  return spentOnFloor(floor, (url) => closedLoop(folder, [url], floorScript, { seconds }))
}

/** What of the times at a rate is the machine's and the generator's own. */
export function floorAtRate(floor: Measured, folder: string, rate: Rate): Promise<FloorMeasurement> {
  const options = join(folder, 'open-loop-floor.json')
  return spentOnFloor(floor, (url) => {
    const callers = [{ token: 'x'.repeat(40), ip: '127.0.0.1' }]
    writeFileSync(options, JSON.stringify({ urls: [url], callers, from: 13_000_000_000, ...rate }))
    return openLoop(options, rate)
  })
}

async function spentOnFloor(
  floor: Measured,
  load: (url: string) => Promise<Load>,
): Promise<FloorMeasurement> {
  const { http } = floor.told as { http: string }
  const before = floor.cpuMs()
  const told = await load(http)
  return { ...told, serverUs: ((floor.cpuMs() - before) * 1000) / told.requests }
}

async function bodiesFile(folder: string, installation: Installation, entries: number): Promise<string> {
  const file = join(folder, `bodies-${Math.random().toString(36).slice(2)}.txt`)
  const codes = await installation.codes.for(entries)
  writeFileSync(
    file,
    codes
      .map(([contact, code]) => JSON.stringify({ contact, country: 'india', verificationCode: code }))
      .join('\n'),
  )
  return file
}

/** Delivery goes on behind the last answer, so that the books are closed a moment later. */
const settlesMs = 300
/** Until a carrier has all that was sent; after that, what it has not counts as failed. */
const handedOverMs = 20_000

async function spentOn(
  { installation, processes }: Subject,
  act: Act,
  load: () => Promise<Load>,
): Promise<Measurement> {
  const servers = installation.servers.slice(0, processes)
  const spent = async () => {
    const counted = Object.values(await installation.counted())
    const { postgres, redis } = installation.engineCpuMs()
    return {
      serverMs: servers.reduce((sum, { process }) => sum + process.cpuMs(), 0),
      mainMs: servers.reduce((sum, { process }) => sum + process.mainMs(), 0),
      postgresMs: postgres,
      redisMs: redis,
      roundTrips: counted.reduce((sum, one) => sum + one.roundTrips, 0),
      statements: counted.reduce((sum, one) => sum + one.statements, 0),
      writtenBytes: await installation.writtenBytes(),
      flushes: await installation.flushed(),
    }
  }
  const handOvers = () => Promise.all(servers.map(({ http }) => buckets(http)))
  const [handedBefore, takenBefore] = [await handOvers(), await installation.taken()]
  const before = await spent()
  const told = await load()
  const handed =
    (act === 'send' || act === 'start') && takenBefore !== undefined
      ? await untilTaken(installation, takenBefore + told.requests - told.failures)
      : { waitedMs: 0, missing: 0 }
  await new Promise((resolve) => setTimeout(resolve, settlesMs))
  const after = await spent()
  if (act === 'verify') installation.codes.entered(told.requests)
  const each = (name: Exclude<keyof typeof after, 'flushes'>) => (after[name] - before[name]) / told.requests
  return {
    ...told,
    failures: told.failures + handed.missing,
    // What is sent and not handed over is not done.
    requestsPerSecond: told.requests / (told.requests / told.requestsPerSecond + handed.waitedMs / 1000),
    serverUs: each('serverMs') * 1000,
    mainUs: each('mainMs') * 1000,
    postgresUs: each('postgresMs') * 1000,
    redisUs: each('redisMs') * 1000,
    roundTrips: each('roundTrips'),
    statements: each('statements'),
    writtenBytes: each('writtenBytes'),
    flushMs: (after.flushes.ms - before.flushes.ms) / (after.flushes.count - before.flushes.count),
    handOverMs: quantile(handedBefore, await handOvers(), 0.99) * 1000,
  }
}

async function untilTaken({ taken }: Installation, count: number) {
  const startedAt = performance.now()
  for (;;) {
    const missing = Math.max(0, count - (await taken())!)
    const waitedMs = performance.now() - startedAt
    if (missing === 0 || waitedMs > handedOverMs) return { waitedMs, missing }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

type Buckets = ReadonlyMap<number, number>

/** Of the histogram of hand-overs, by their upper bounds in seconds: how many lay at or below each. */
async function buckets(http: string): Promise<Buckets> {
  const text = await (await fetch(`${http}/metrics`)).text()
  const sums = new Map<number, number>()
  for (const [, labels, count] of text.matchAll(
    /^countersign_hand_over_seconds_bucket\{([^}]*)\} (\d+)$/gm,
  )) {
    const bound = /le="([^"]+)"/.exec(labels!)![1]!
    const upper = bound === '+Inf' ? Number.POSITIVE_INFINITY : Number(bound)
    sums.set(upper, (sums.get(upper) ?? 0) + Number(count))
  }
  return sums
}

/** The bucket that a share of what came between lies in. */
function quantile(before: readonly Buckets[], after: readonly Buckets[], share: number): number {
  const between = (upper: number) =>
    after.reduce((sum, all, i) => sum + (all.get(upper) ?? 0) - (before[i]!.get(upper) ?? 0), 0)
  const bounds = [...new Set(after.flatMap((all) => [...all.keys()]))].sort((a, b) => a - b)
  const total = between(Number.POSITIVE_INFINITY)
  if (total === 0) return Number.NaN
  return bounds.find((upper) => between(upper) >= total * share) ?? Number.NaN
}
