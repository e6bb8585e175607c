/** One measurement of one subject: load on it, and what it and its engine spent meanwhile, by the request. */

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { floorScript, path, sendScript, takeNumbers, verifyScript } from './calls.ts'
import type { Installation } from './installations.ts'
import { closedLoop, type Load } from './load.ts'
import type { Measured } from './process.ts'

/** An installation by so many of its servers. */
export type Subject = {
  readonly name: string
  readonly installation: Installation
  readonly processes: 1 | 2
}

export const acts = ['send', 'verify'] as const
export type Act = (typeof acts)[number]

/** All but the load and `flushMs` is for one request. */
export type Measurement = Load & {
  readonly serverUs: number
  readonly postgresUs: number
  readonly redisUs: number
  readonly roundTrips: number
  readonly statements: number
  readonly writtenBytes: number
  /** That one flush of the log of PostgreSQL took. */
  readonly flushMs: number
}

const run = promisify(execFile)
/** More than a round enters. */
const mostCodes = 60_000

export function subjectsOf(installation: Installation): Subject[] {
  const { name, servers } = installation
  return servers.map((_, i) => ({
    name: servers.length === 1 ? name : `${name}, ${i === 0 ? 'one process' : 'two processes'}`,
    installation,
    processes: i === 0 ? 1 : 2,
  }))
}

/** As much as it takes. */
export async function atMost(
  { installation, processes }: Subject,
  act: Act,
  folder: string,
  seconds: number,
): Promise<Measurement> {
  const { token } = installation
  const targets = installation.servers.slice(0, processes).map(({ http }) => http)
  if (act === 'verify') {
    const script = verifyScript(folder, token, processes, await installation.codes(mostCodes))
    return spentOn(installation, processes, () => closedLoop(folder, targets, script, { seconds }))
  }
  const { from, script } = sendScript(token, processes)
  const spent = await spentOn(installation, processes, () => closedLoop(folder, targets, script, { seconds }))
  installation.sent({ from, threads: processes, count: spent.requests })
  return spent
}

/** At a steady rate, by an open loop. */
export async function atRate(
  { installation, processes }: Subject,
  act: Act,
  folder: string,
  { perSecond, seconds }: { readonly perSecond: number; readonly seconds: number },
): Promise<Measurement> {
  const urls = installation.servers
    .slice(0, processes)
    .map(({ http }) => http + path + (act === 'verify' ? '/verify' : ''))
  const count = perSecond * seconds
  const calls =
    act === 'send' ? { from: takeNumbers(count) } : { bodies: await bodiesFile(folder, installation) }
  const options = JSON.stringify({ urls, token: installation.token, perSecond, seconds, ...calls })
  const spent = await spentOn(installation, processes, () => openLoop(options))
  if ('from' in calls) installation.sent({ from: calls.from, threads: 1, count })
  return spent
}

async function openLoop(options: string): Promise<Load> {
  const { stdout } = await run(process.execPath, [join(import.meta.dirname, 'open-loop.ts'), options])
  return JSON.parse(stdout) as Load
}

export type FloorMeasurement = Load & { readonly serverUs: number }

export function floorAtMost(floor: Measured, folder: string, seconds: number): Promise<FloorMeasurement> {
  return spentOnFloor(floor, (url) => closedLoop(folder, [url], floorScript, { seconds }))
}

/** What of the times at a rate is the machine's and the generator's own. */
export function floorAtRate(
  floor: Measured,
  rate: { readonly perSecond: number; readonly seconds: number },
): Promise<FloorMeasurement> {
  return spentOnFloor(floor, (url) =>
    openLoop(JSON.stringify({ urls: [url], token: 'x'.repeat(40), from: 13_000_000_000, ...rate })),
  )
}

async function spentOnFloor(
  floor: Measured,
  load: (url: string) => Promise<Load>,
): Promise<FloorMeasurement> {
  const { http } = floor.told as unknown as { http: string }
  const before = floor.cpuMs()
  const told = await load(http)
  return { ...told, serverUs: ((floor.cpuMs() - before) * 1000) / told.requests }
}

async function bodiesFile(folder: string, installation: Installation): Promise<string> {
  const file = join(folder, `bodies-${Math.random().toString(36).slice(2)}.txt`)
  const codes = await installation.codes(mostCodes)
  writeFileSync(
    file,
    codes
      .map(([contact, code]) => JSON.stringify({ contact, country: 'chinaPR', verificationCode: code }))
      .join('\n'),
  )
  return file
}

/** Delivery goes on behind the last answer, so that the books are closed a moment later. */
const settlesMs = 300

async function spentOn(
  installation: Installation,
  processes: number,
  load: () => Promise<Load>,
): Promise<Measurement> {
  const servers = installation.servers.slice(0, processes)
  const spent = async () => {
    const counted = Object.values(await installation.counted())
    const { postgres, redis } = installation.engineCpuMs()
    return {
      serverMs: servers.reduce((sum, { process }) => sum + process.cpuMs(), 0),
      postgresMs: postgres,
      redisMs: redis,
      roundTrips: counted.reduce((sum, one) => sum + one.roundTrips, 0),
      statements: counted.reduce((sum, one) => sum + one.statements, 0),
      writtenBytes: await installation.writtenBytes(),
      flushes: await installation.flushed(),
    }
  }
  const before = await spent()
  const told = await load()
  await new Promise((resolve) => setTimeout(resolve, settlesMs))
  const after = await spent()
  const each = (name: Exclude<keyof typeof after, 'flushes'>) => (after[name] - before[name]) / told.requests
  return {
    ...told,
    serverUs: each('serverMs') * 1000,
    postgresUs: each('postgresMs') * 1000,
    redisUs: each('redisMs') * 1000,
    roundTrips: each('roundTrips'),
    statements: each('statements'),
    writtenBytes: each('writtenBytes'),
    flushMs: (after.flushes.ms - before.flushes.ms) / (after.flushes.count - before.flushes.count),
  }
}
