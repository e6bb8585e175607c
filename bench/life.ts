/**
 * What a server takes by itself, on SQLite and set up as in production: to start, at rest, with many records
 * stored, and until it is at full speed.
 */

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { openSqliteStore } from '../src/store/sqlite/sqlite-store.ts'
import { sendScript } from './calls.ts'
import type { Peers } from './carriers.ts'
import { binOf } from './check-out.ts'
import { fixed, heading, median, row } from './figures.ts'
import { fillSqlite } from './fill.ts'
import { closedLoop } from './load.ts'
import { fineCpuMsOf, type Measured, measured } from './process.ts'
import { serve } from './serve.ts'

type Start = { readonly wallMs: number; readonly cpuMs: number }

/** At rest. */
type Rest = { readonly restMb: number; readonly idlePercent: number }

export type Life = {
  readonly first: Start
  /** On the same folder, medians. */
  readonly later: Start
  readonly empty: Rest
  /** With many records. */
  readonly stored: (Rest & { readonly count: number }) | null
  /** Requests in each second from the beginning of load. */
  readonly climb: readonly number[]
}

export type LifeOptions = {
  readonly folder: string
  readonly peers: Peers
  /** The check-out that is measured. */
  readonly tree: string
  /** Records to be stored; null: the check-out has another contract of its store. */
  readonly many: number | null
  readonly starts: number
  /** Until a server that has just started is at rest, and as long again to look at it. */
  readonly restMs: number
  readonly climbSeconds: number
}

export async function measureLife(options: LifeOptions): Promise<Life> {
  const { folder, tree, many } = options
  const empty = prepare(folder, 'production', options)
  const first = await startAndStop(tree, empty)
  const later: Start[] = []
  for (let i = 0; i < options.starts; i++) later.push(await startAndStop(tree, empty))
  const folders = [empty]
  if (many !== null) {
    const full = prepare(folder, 'many', options)
    await fill(join(full, 'countersign.db'), many)
    folders.push(full)
  }
  const [rest, restStored] = await rests(folders, options)
  return {
    first,
    later: { wallMs: median(later.map((one) => one.wallMs)), cpuMs: median(later.map((one) => one.cpuMs)) },
    empty: rest!,
    stored: restStored && many !== null ? { ...restStored, count: many } : null,
    climb: await climb(options),
  }
}

/** Of a server on each folder, all at once. */
async function rests(folders: readonly string[], { tree, restMs }: LifeOptions): Promise<Rest[]> {
  await using stack = new AsyncDisposableStack()
  const servers: Measured[] = []
  for (const folder of folders) servers.push(stack.use(await start(tree, folder)))
  await pause(restMs)
  const before = servers.map(({ pid }) => fineCpuMsOf(pid))
  await pause(restMs)
  return servers.map((server, i) => ({
    restMb: server.rssMb(),
    idlePercent: ((fineCpuMsOf(server.pid) - before[i]!) / restMs) * 100,
  }))
}

/** The default of `retention`, so that nothing is removed. */
const retentionMs = 30 * 86_400_000

/** The share of the speed at its best that counts as full. */
const fullShare = 0.9

/** The first second at full speed, counted from 1; infinite: none was. @param top  Of a server that has run for long. */
export function fullSpeedS(climb: readonly number[], top: number): number {
  const nth = climb.findIndex((rate) => rate >= top * fullShare)
  return nth < 0 ? Number.POSITIVE_INFINITY : nth + 1
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** @returns A data folder for a server of production, behind a proxy that ends TLS. */
function prepare(folder: string, name: string, { peers, tree }: LifeOptions): string {
  const data = join(folder, name)
  mkdirSync(data)
  writeFileSync(
    join(data, 'bench.yaml'),
    stringify({
      ...{ behindProxy: true, https: 'off', http: '127.0.0.1:0' },
      policy: { countries: ['CN'] },
      providers: { carrier: peers.provider('webhook') },
    }),
  )
  execFileSync(process.execPath, [binOf(tree), 'keys', 'rotate', '--data', data], { stdio: 'ignore' })
  return data
}

function start(tree: string, data: string): Promise<Measured> {
  return measured([binOf(tree), 'serve', '--json', '--config', join(data, 'bench.yaml'), '--data', data])
}

/** To its first answer. */
async function startAndStop(tree: string, data: string): Promise<Start> {
  const startedAt = performance.now()
  await using server = await start(tree, data)
  const { http } = server.told as { http: string }
  const { ok } = await fetch(`${http}/livez`)
  if (!ok) throw new Error('a server that had just started did not answer')
  return { wallMs: performance.now() - startedAt, cpuMs: fineCpuMsOf(server.pid) }
}

async function fill(path: string, count: number): Promise<void> {
  // Makes the schema, and one whole life to copy.
  const store = await openSqliteStore({ path })
  try {
    await fillSqlite(path, store, count)
    // A server that had run all the time would have swept each record in its time.
    await store.sweep(retentionMs)
  } finally {
    await store[Symbol.asyncDispose]()
  }
}

/** Loads a server that has started for the second time, from its first second on. */
async function climb({ folder, tree, peers, climbSeconds }: LifeOptions): Promise<number[]> {
  const data = join(folder, 'climb')
  await (await serve({ tree, data, peers }))[Symbol.asyncDispose]()
  await using server = await serve({ tree, data, peers })
  const rates: number[] = []
  for (let second = 0; second < climbSeconds; second++) {
    const load = await closedLoop(folder, [server.http], sendScript(server.token, 1), { seconds: 1 })
    rates.push(load.requestsPerSecond)
  }
  return rates
}

/** Lines of Markdown. @param top  Sends a second of a server that has run for long; undefined: not measured. */
export function sayLife(life: Life, top: number | undefined): string[] {
  const { first, later, empty, stored } = life
  const best = top ?? median(life.climb.slice(-5))
  const fullAt = fullSpeedS(life.climb, best)
  return [
    '',
    '## Start, rest, full speed',
    '',
    'SQLite, with the settings of production. From the start of the command to the first answer by HTTP; medians of the later',
    'starts. At rest: after as long as it is looked at.',
    '',
    ...heading('', 'first start', 'later starts'),
    row('to the first answer, ms', fixed(first.wallMs, 0), fixed(later.wallMs, 0)),
    row('CPU until then, ms', fixed(first.cpuMs, 0), fixed(later.cpuMs, 0)),
    '',
    ...heading('at rest', 'memory, MB', 'share of a processor, %'),
    row('empty', fixed(empty.restMb, 0), fixed(empty.idlePercent)),
    ...(stored
      ? [
          row(
            `${stored.count.toLocaleString('en')} stored`,
            fixed(stored.restMb, 0),
            fixed(stored.idlePercent),
          ),
        ]
      : []),
    '',
    `Sends in each second after a start: ${life.climb.map((rate) => fixed(rate, 0)).join(', ')}. Full speed, ${fullShare * 100} % of ${fixed(best, 0)},`,
    Number.isFinite(fullAt) ? `was reached in second ${fullAt}.` : 'was not reached in this time.',
  ]
}
