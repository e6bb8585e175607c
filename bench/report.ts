/** The tables of a run, as lines of Markdown. */

import type { Figures } from './aims.ts'
import { fixed, heading, median, medianOf, row, spread } from './figures.ts'
import type { Load } from './load.ts'
import { costOf, foretellTwo, type Life, sayScaling } from './model.ts'
import type { Measured } from './process.ts'
import type { LiveCost, StoredCost } from './stored.ts'
import type { FloorMeasurement, Measurement, Subject, WireAct } from './subjects.ts'

export type Floor = {
  readonly process: Measured
  readonly most: FloorMeasurement[]
}

/** Of one act on one subject, in the order of the rounds. */
export type Results = {
  readonly subject: Subject
  readonly act: WireAct
  readonly most: Measurement[]
  /** To the floor of the same round. */
  readonly ratios: number[]
  /** At half of its top rate, and the floor at that rate. */
  readonly half: Measurement[]
  readonly floorAtHalf: FloorMeasurement[]
}

/** @param processors  Of the machine, which all share. */
export function report(floor: Floor, results: readonly Results[], processors: number): string[] {
  return [...most(floor, results), ...each(results), ...half(results), ...model(results, processors)]
}

/** What the aims are about. */
export function putFigures(results: readonly Results[], figures: Figures): void {
  for (const one of results) {
    const name = nameOf(one)
    figures.set(`${name}: ratio`, median(one.ratios))
    for (const part of ['serverUs', 'writtenBytes', 'requestsPerSecond'] as const)
      figures.set(
        `${name}: ${part}`,
        medianOf(one.most, (each) => each[part]),
      )
    figures.set(`${name}: p99ToFloor`, p99ToFloor(one))
  }
}

export const nameOf = ({ subject, act }: Pick<Results, 'subject' | 'act'>) => `${act}, ${subject.name}`
const failuresOf = (all: readonly Load[]) => all.reduce((sum, one) => sum + one.failures, 0)

function p99ToFloor({ half, floorAtHalf }: Results): number {
  const p99Of = (all: readonly Load[]) => medianOf(all, (one) => one.p99Ms)
  return p99Of(half) / p99Of(floorAtHalf)
}

/** The median of a part, in so many digits. */
function of<T>(all: readonly T[], part: (one: T) => number, digits = 2): string {
  return fixed(medianOf(all, part), digits)
}

function most(floor: Floor, results: readonly Results[]): string[] {
  const cells = (all: readonly Load[], ratio: string, spread: string) => [
    of(all, (one) => one.requestsPerSecond, 0),
    ratio,
    spread,
    of(all, (one) => one.p50Ms),
    of(all, (one) => one.p99Ms),
    failuresOf(all),
  ]
  return [
    '',
    '## As much as it takes',
    '',
    'A closed loop of 96 connections, shared by the processes. Where a carrier is another process, a send counts when the',
    'carrier has it. With limits on, as in production, each member sends five times, from a network of its own.',
    '',
    ...heading('', 'requests/s', 'ratio to the floor', 'spread', 'p50 ms', 'p99 ms', 'failed'),
    row('floor', ...cells(floor.most, '1.00', '')),
    ...results.map((one) =>
      row(nameOf(one), ...cells(one.most, fixed(median(one.ratios)), spread(one.ratios))),
    ),
  ]
}

function each(results: readonly Results[]): string[] {
  return [
    '',
    '## What one request takes',
    '',
    'CPU in µs, user and system, at the most it does. Round trips and statements are the server’s with its engines, those',
    'of delivery among them; bytes are what the engine writes to its log, for SQLite to all its files.',
    '',
    ...heading(
      '',
      'server',
      'its main thread',
      'its other threads',
      'PostgreSQL',
      'Redis',
      'load generator',
      'round trips',
      'statements',
      'bytes written',
    ),
    ...results.map((one) =>
      row(
        nameOf(one),
        of(one.most, (each) => each.serverUs, 0),
        of(one.most, (each) => each.mainUs, 0),
        of(one.most, (each) => each.serverUs - each.mainUs, 0),
        of(one.most, (each) => each.postgresUs, 0),
        of(one.most, (each) => each.redisUs, 0),
        of(one.most, (each) => each.generatorUs, 0),
        of(one.most, (each) => each.roundTrips, 3),
        of(one.most, (each) => each.statements, 3),
        of(one.most, (each) => each.writtenBytes, 0),
      ),
    ),
  ]
}

function half(results: readonly Results[]): string[] {
  const measured = results.filter((one) => one.half.length > 0)
  const handOver = ({ act, half }: Results) => {
    const ms = medianOf(half, (one) => one.handOverMs)
    return act === 'send' && !Number.isNaN(ms) ? `≤ ${fixed(ms, 1)}` : ''
  }
  return [
    '',
    '## At half of its top rate',
    '',
    'An open loop, counted from when each request was due. The floor at the same rate shows what of the times is the',
    'machine’s. Hand-over is from commit to acceptance by the carrier, as the server’s own histogram has it.',
    '',
    ...heading(
      '',
      'requests/s',
      'p50 ms',
      'p99 ms',
      'floor’s p99 ms',
      'to the floor’s',
      'p99.9 ms',
      'hand-over p99 ms',
      'failed',
      'server µs',
      'PostgreSQL µs',
      'Redis µs',
      'round trips',
    ),
    ...measured.map((one) =>
      row(
        nameOf(one),
        of(one.half, (each) => each.requestsPerSecond, 0),
        of(one.half, (each) => each.p50Ms),
        of(one.half, (each) => each.p99Ms),
        of(one.floorAtHalf, (each) => each.p99Ms),
        fixed(p99ToFloor(one), 1),
        of(one.half, (each) => each.p999Ms),
        handOver(one),
        failuresOf(one.half),
        of(one.half, (each) => each.serverUs, 0),
        of(one.half, (each) => each.postgresUs, 0),
        of(one.half, (each) => each.redisUs, 0),
        of(one.half, (each) => each.roundTrips, 3),
      ),
    ),
  ]
}

function model(results: readonly Results[], processors: number): string[] {
  const ones = results.filter(
    ({ subject }) => subject.processes === 1 && subject.installation.servers.length > 1,
  )
  if (ones.length === 0) return []
  const rows = ones.map((one) => {
    const two = results.find(
      (other) =>
        other.act === one.act &&
        other.subject.processes === 2 &&
        other.subject.installation === one.subject.installation,
    )!
    const foretold = foretellTwo(one.act, { most: costOf(one.most), half: costOf(one.half) }, processors)
    const was = medianOf(two.most, (each) => each.requestsPerSecond)
    return row(
      `${one.act}, ${one.subject.installation.name}`,
      of(one.most, (each) => each.flushMs),
      of(one.most, (each) => each.requestsPerSecond, 0),
      fixed(foretold.requestsPerSecond, 0),
      `the ${foretold.bound}`,
      fixed(was, 0),
      fixed(foretold.requestsPerSecond / was),
    )
  })
  const lives: Life[] = ones
    .filter(({ act }) => act === 'send')
    .map((send) => {
      const verify = ones.find(({ act, subject }) => act === 'verify' && subject === send.subject)!
      return {
        engine: send.subject.installation.name,
        send: costOf(send.most),
        verify: costOf(verify.most),
      }
    })
  return [
    '',
    '## The model',
    '',
    `[scaling-model.md](scaling-model.md) says how it reckons. Two processes on the same ${processors} processors, foretold from one and measured:`,
    '',
    ...heading('', 'ms a flush', 'one', 'two, foretold', 'bound by', 'two, measured', 'foretold to measured'),
    ...rows,
    '',
    'More, foretold only: nobody measured them. A life is one send and one verify; each process has a processor of this kind.',
    ...sayScaling(lives),
  ]
}

export const storedRows = {
  heading: heading(
    '',
    'few',
    'many',
    'GiB',
    'lives/s with few',
    'with many',
    'ratio',
    'spread',
    'engine µs a life with few',
    'with many',
    'filled in s',
  ),
  row: (name: string, cost: StoredCost) =>
    row(
      name,
      cost.few.toLocaleString('en'),
      cost.many.toLocaleString('en'),
      fixed(cost.gibibytes, 1),
      fixed(cost.perSecondFew, 0),
      fixed(cost.perSecondMany, 0),
      fixed(median(cost.ratios)),
      spread(cost.ratios),
      cost.engineUsFew === null ? '' : fixed(cost.engineUsFew, 0),
      cost.engineUsMany === null ? '' : fixed(cost.engineUsMany, 0),
      fixed(cost.fillMs / 1000, 0),
    ),
}

export function sayLive({ few, many, withFew, withMany, bytesEach }: LiveCost): string[] {
  const count = (value: number) => value.toLocaleString('en')
  return [
    '',
    `Redis keeps only what is alive, ${fixed(bytesEach, 0)} bytes of memory each. With ${count(many)} live it did ${fixed(withMany.perSecond, 0)} lives/s, of ${fixed(withMany.redisUs, 0)} µs of its`,
    `CPU each; with ${count(few)} before that ${fixed(withFew.perSecond, 0)}, of ${fixed(withFew.redisUs, 0)} µs.`,
  ]
}
