/** What the figures of one process foretell: for two, checked against what two did, and for many, which nobody measured. */

import { fixed, heading, medianOf, row } from './figures.ts'
import { connections } from './load.ts'
import type { Measurement, WireAct } from './subjects.ts'

/** One act on one engine: medians over the rounds. */
export type Cost = Pick<
  Measurement,
  | 'requestsPerSecond'
  | 'serverUs'
  | 'postgresUs'
  | 'redisUs'
  | 'generatorUs'
  | 'roundTrips'
  | 'writtenBytes'
  | 'flushMs'
>

export function costOf(all: readonly Measurement[]): Cost {
  const of = (part: keyof Cost) => medianOf(all, (one) => one[part])
  return {
    requestsPerSecond: of('requestsPerSecond'),
    serverUs: of('serverUs'),
    postgresUs: of('postgresUs'),
    redisUs: of('redisUs'),
    generatorUs: of('generatorUs'),
    roundTrips: of('roundTrips'),
    writtenBytes: of('writtenBytes'),
    flushMs: of('flushMs'),
  }
}

export type Foretold = {
  readonly requestsPerSecond: number
  readonly bound: 'processors' | 'processes' | 'flushes'
}

/** One after the other, for one request: a send commits once, a verify counts and then uses. */
const commitsOf = { send: 1, verify: 2 } as const
/** A commit that comes while a flush is under way waits for the rest of it, half on average, and for the next. */
const flushesOfCommit = 1.5

/**
 * The same connections over two processes: each gathers batches half as large, so a request takes twice the
 * round trips, and what they cost is on the line through the two rates that one process was measured at.
 * All stand on the same processors, the load generator too, and each connection waits for its commits.
 */
export function foretellTwo(
  act: WireAct,
  { most, half }: { readonly most: Cost; readonly half: Cost },
  processors: number,
): Foretold {
  const roundTrips = most.roundTrips * 2
  const at = (part: 'serverUs' | 'postgresUs' | 'redisUs') => {
    const more = half.roundTrips - most.roundTrips
    const slope = more > 0 ? Math.max(0, (half[part] - most[part]) / more) : 0
    return most[part] + slope * (roundTrips - most.roundTrips)
  }
  const ofProcessors =
    (processors * 1e6) / (at('serverUs') + at('postgresUs') + at('redisUs') + most.generatorUs)
  const bounds: Foretold[] = [
    { bound: 'processors', requestsPerSecond: ofProcessors },
    { bound: 'processes', requestsPerSecond: 2 * most.requestsPerSecond },
  ]
  // With Redis the callers' commits are there, and PostgreSQL's come behind them.
  if (most.flushMs > 0 && most.redisUs === 0)
    bounds.push({
      bound: 'flushes',
      requestsPerSecond: (connections * 1000) / (commitsOf[act] * flushesOfCommit * most.flushMs),
    })
  return bounds.reduce((least, one) => (one.requestsPerSecond < least.requestsPerSecond ? one : least))
}

/** A whole life of a code on one engine, a send and a verify, as it costs at the most that one process does. */
export type Life = { readonly engine: string; readonly send: Cost; readonly verify: Cost }

/** Processes with a processor each, beside the engine's. */
const processCounts = [1, 2, 10, 100, 1_000]
/** A large server of today. */
const largePostgresCores = 64
/** A process's pool, and the connection that listens. */
const connectionsOfProcess = 11

/** Lines of Markdown. */
export function sayScaling(lives: readonly Life[]): string[] {
  return lives.flatMap((life) => [
    '',
    ...(life.engine === 'Redis' ? redisScaling(life) : postgresScaling(life)),
  ])
}

const both = ({ send, verify }: Life, part: keyof Cost) => send[part] + verify[part]
const whole = (value: number) => Math.round(value).toLocaleString('en')
/** Two digits that count; the rest would pretend. */
const rough = (value: number) => Number(value.toPrecision(2)).toLocaleString('en')

function postgresScaling(life: Life): string[] {
  const perProcess = 1e6 / both(life, 'serverUs')
  const wall = (largePostgresCores * 1e6) / both(life, 'postgresUs')
  return [
    '### One PostgreSQL',
    '',
    ...heading('processes', 'lives/s', 'PostgreSQL, processors', 'log MB/s', 'connections without a pooler'),
    ...processCounts.map((count) => {
      const rate = count * perProcess
      return row(
        whole(count),
        rough(rate),
        rough((rate * both(life, 'postgresUs')) / 1e6),
        rough((rate * both(life, 'writtenBytes')) / 1e6),
        whole(count * connectionsOfProcess),
      )
    }),
    '',
    `A server of ${largePostgresCores} such processors ends at ${rough(wall)} lives a second, which ${rough(wall / perProcess)} processes ask of it,`,
    `while its log grows by ${rough((wall * both(life, 'writtenBytes')) / 1e6)} MB a second. That is the first wall; the next is the one writer of that log.`,
  ]
}

function redisScaling(life: Life): string[] {
  const perProcess = 1e6 / both(life, 'serverUs')
  const perShard = 1e6 / both(life, 'redisUs')
  const wall = (largePostgresCores * 1e6) / both(life, 'postgresUs')
  return [
    '### Redis shards beside one PostgreSQL',
    '',
    ...heading('processes', 'lives/s', 'shards, each with a processor', 'PostgreSQL, processors'),
    ...processCounts.map((count) => {
      const rate = count * perProcess
      return row(
        whole(count),
        rough(rate),
        whole(Math.ceil(rate / perShard)),
        rough((rate * both(life, 'postgresUs')) / 1e6),
      )
    }),
    '',
    `A shard ends at ${rough(perShard)} lives a second, which ${fixed(perShard / perProcess, 1)} processes ask of it. PostgreSQL of ${largePostgresCores} such`,
    `processors, which keeps directory and journal, ends at ${rough(wall)} lives a second: that is the next wall.`,
  ]
}
