/**
 * The server on each engine, by one process and by two, through carriers and with limits, against the floor: as much as
 * it takes, and at half of that.
 */

import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Figures } from './aims.ts'
import { type Peers, startPeers } from './carriers.ts'
import { startMeasuredPostgres } from './engines.ts'
import { fixed, medianOf } from './figures.ts'
import { type Installation, startEmbedded, startShared } from './installations.ts'
import { measured } from './process.ts'
import { startMeasuredRedis } from './redis-engine.ts'
import { type Floor, nameOf, putFigures, type Results, report } from './report.ts'
import { atMost, atRate, floorAtMost, floorAtRate, subjectsOf, type WireAct } from './subjects.ts'

export type ServersOptions = {
  readonly folder: string
  /** The check-out whose servers they are. */
  readonly tree: string
  readonly rounds: number
  readonly seconds: number
  /** At half of the top rate. */
  readonly halfRounds: number
  readonly warmSeconds: number
  /** Codes learnt at once. */
  readonly learnt: number
  /** Of PostgreSQL, made beforehand. */
  readonly logFiles: number
  /** Engines whose names begin so. */
  readonly only: string
}

type Say = (...lines: readonly string[]) => void

export function isNamed(name: string, start: string): boolean {
  return name.toLowerCase().startsWith(start.toLowerCase())
}

export async function servers(size: ServersOptions, figures: Figures, say: Say): Promise<void> {
  const { folder } = size
  await using stack = new AsyncDisposableStack()
  const peers = await startPeers(stack)
  const installations = await started(stack, peers, size, say)
  if (installations.length === 0) return
  const floor: Floor = {
    process: stack.use(await measured([join(import.meta.dirname, 'floor.ts')])),
    most: [],
  }
  const results: Results[] = installations.flatMap(subjectsOf).flatMap((subject) =>
    actsOn(subject.installation).map((act) => ({
      ...{ subject, act, most: [], ratios: [], half: [], floorAtHalf: [] },
    })),
  )
  const warm = { perSecond: mostRate, seconds: size.warmSeconds }
  await floorAtMost(floor.process, folder, 1)
  const expected = new Map<Results, number>()
  for (const one of results) {
    const { requestsPerSecond } = await atMost(one.subject, one.act, folder, warm)
    expected.set(one, Math.max(leastExpected, requestsPerSecond * headroom))
  }
  for (let round = 0; round < size.rounds; round++) {
    const asFloor = await floorAtMost(floor.process, folder, size.seconds)
    floor.most.push(asFloor)
    for (const result of results) {
      const rate = { perSecond: expected.get(result)!, seconds: size.seconds }
      const one = await atMost(result.subject, result.act, folder, rate)
      result.most.push(one)
      result.ratios.push(one.requestsPerSecond / asFloor.requestsPerSecond)
    }
  }
  // Of two processes the top rate is enough: no aim and no model asks for more.
  const ones = results.filter(({ subject }) => subject.processes === 1)
  for (let round = 0; round < size.halfRounds; round++)
    for (const { subject, act, most, half, floorAtHalf } of ones) {
      const perSecond = Math.round(medianOf(most, (one) => one.requestsPerSecond) / 2)
      const rate = { perSecond, seconds: size.seconds }
      floorAtHalf.push(await floorAtRate(floor.process, folder, rate))
      half.push(await atRate(subject, act, folder, rate))
    }
  putFigures(results, figures)
  for (const { name, servers } of installations)
    say(
      `- ${name}: memory at its peak ${servers.map(({ process }) => `${fixed(process.peakRssMb(), 0)} MB`).join(', ')}`,
    )
  const embedded = installations.find(({ name }) => name === 'SQLite')
  if (embedded) figures.set('loadMb', embedded.servers[0]!.process.peakRssMb())
  const failed = results.filter(({ most }) => most.some((one) => one.failures > one.requests / 100))
  if (failed.length > 0) say(`- **More than one in a hundred failed: ${failed.map(nameOf).join('; ')}.**`)
  say(...report(floor, results, cpus().length))
}

/** Codes and members are made ready for so many a second: at first, then for more than were seen. */
const mostRate = 15_000
const leastExpected = 8_000
const headroom = 1.6

/** Carriers and limits of sends change nothing for a verify. */
function actsOn({ name }: Installation): readonly WireAct[] {
  return name.startsWith('SQLite, ') ? ['send'] : ['send', 'verify']
}

async function started(
  stack: AsyncDisposableStack,
  peers: Peers,
  { folder, tree, learnt, logFiles, only }: ServersOptions,
  say: Say,
): Promise<Installation[]> {
  const options = { folder, tree, peers, learnt }
  const isWanted = (name: string) => isNamed(name, only)
  const installations: Installation[] = []
  if (isWanted('SQLite'))
    for (const one of [
      { name: 'SQLite' },
      { name: 'SQLite, limits on', hasLimits: true },
      { name: 'SQLite, webhook', carrier: 'webhook' },
      { name: 'SQLite, SMPP', carrier: 'smpp' },
    ] as const)
      installations.push(await startEmbedded(stack, { ...options, ...one }))
  if (!isWanted('PostgreSQL') && !isWanted('Redis')) return installations
  const postgres = await startMeasuredPostgres(stack, logFiles)
  if (isWanted('PostgreSQL'))
    installations.push(await startShared(stack, { ...options, name: 'PostgreSQL' }, { postgres }))
  const redis = isWanted('Redis')
    ? await startMeasuredRedis(stack, (why) => say(`- Redis, left out: ${why}`))
    : null
  if (redis) installations.push(await startShared(stack, { ...options, name: 'Redis' }, { postgres, redis }))
  return installations
}
