/** A process under measurement: started, known by what the kernel counts of it, stopped. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { endWithUs } from '../test/hard-end.ts'
import type { Counted } from './count-messages.ts'

/** What the kernel counts of a process. */
export type Watched = {
  readonly pid: number
  /** User and system time of all its threads so far, ms. */
  cpuMs(): number
  /** Of its main thread alone. */
  mainMs(): number
  writtenBytes(): number
  rssMb(): number
  /** The most that it ever had. */
  peakRssMb(): number
}

export type Measured = AsyncDisposable &
  Watched & {
    /** The first line it printed, as JSON. */
    readonly told: unknown
    /** To that line. */
    readonly startMs: number
    /** What it asked of its engines so far, by protocol; only if it was started with `engines`. */
    counted(): Promise<Readonly<Record<string, Counted>>>
  }

const msPerTick = 10 // USER_HZ is 100 on every Linux that Node runs on

export type MeasuredOptions = {
  readonly env?: Readonly<Record<string, string>>
  /** Protocols by port, to count what is asked of them. */
  readonly engines?: Readonly<Record<number, string>>
}

const startsWithinMs = 60_000

/** Starts a program for Node and waits for its first line. */
export async function measured(
  args: readonly string[],
  { env = {}, engines }: MeasuredOptions = {},
): Promise<Measured> {
  const startedAt = performance.now()
  const imports = engines ? ['--import', join(import.meta.dirname, 'count-messages.ts')] : []
  const child = spawn(process.execPath, [...imports, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', ...(engines ? ['ipc' as const] : [])],
    env: {
      ...process.env,
      // What an operator does not set, either.
      NODE_COMPILE_CACHE: undefined,
      COUNTERSIGN_LOG_LEVEL: 'warn',
      ...env,
      ...(engines && { BENCH_ENGINES: JSON.stringify(engines) }),
    },
  })
  endWithUs(child)
  const timer = new AbortController()
  const late = setTimeout(startsWithinMs, undefined, { signal: timer.signal }).then(
    () => [undefined],
    () => [undefined],
  )
  let printed = ''
  while (!printed.includes('\n')) {
    const [chunk] = await Promise.race([
      once(child.stdout!, 'data'),
      once(child, 'exit').then(() => [undefined]),
      late,
    ])
    if (chunk === undefined) {
      child.kill('SIGKILL')
      throw new Error(`${args.join(' ')} did not get so far as to listen`)
    }
    printed += chunk
  }
  timer.abort()
  return {
    ...watch(child.pid!),
    told: JSON.parse(printed.split('\n')[0]!) as unknown,
    startMs: performance.now() - startedAt,
    async counted() {
      child.send('count')
      const [counts] = await once(child, 'message')
      return counts as Record<string, Counted>
    },
    [Symbol.asyncDispose]: () => ended(child),
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

export function watch(pid: number): Watched {
  const status = (field: string) =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1])
  return {
    pid,
    cpuMs: () => cpuMsOf(pid),
    mainMs: () => threadMsOf(pid, pid),
    writtenBytes: () => Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))![1]),
    rssMb: () => status('VmRSS') / 1024,
    peakRssMb: () => status('VmHWM') / 1024,
  }
}

/** What comes behind the name in /proc/PID/stat, which may hold anything. */
function statOf(pid: number | string): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
}

const [parentAt, userAt, systemAt, childrenUserAt, childrenSystemAt] = [1, 11, 12, 13, 14] as const

export function cpuMsOf(pid: number): number {
  const fields = statOf(pid)
  return (fields[userAt]! + fields[systemAt]!) * msPerTick
}

/** Of one thread, to the nanosecond where the kernel counts it; the main one has the id of its process. */
function threadMsOf(pid: number, thread: number): number {
  const folder = `/proc/${pid}/task/${thread}`
  try {
    return Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  } catch {
    const fields = statOf(`${pid}/task/${thread}`)
    return (fields[userAt]! + fields[systemAt]!) * msPerTick
  }
}

/** Of all threads that are there now: finer than `cpuMs`, for what does next to nothing. */
export function fineCpuMsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`)
    .map((thread) => threadMsOf(pid, Number(thread)))
    .reduce((sum, ms) => sum + ms, 0)
}

/** Of a process and all that descend from it, those that have ended and were waited for among them. */
export function familyCpuMs(root: number): number {
  const all = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      all.set(Number(name), statOf(name))
    } catch {
      // ended in the meantime
    }
  }
  const isOfFamily = (pid: number): boolean =>
    pid === root || (all.has(pid) && isOfFamily(all.get(pid)![parentAt]!))
  let ticks = 0
  for (const [pid, fields] of all)
    if (isOfFamily(pid))
      for (const at of [userAt, systemAt, childrenUserAt, childrenSystemAt]) ticks += fields[at]!
  return ticks * msPerTick
}

/** Of the whole machine so far, and of what shares it with others. */
function busyMs(): number {
  const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
    .map(Number) as [number, number, number, number, number, number, number, number]
  return (user + nice + system + irq + softirq + steal) * msPerTick
}

export type OtherWork = {
  /** Processors that were busy with what is not of this process and its descendants, on average so far. */
  average(): number
  /** The busiest ten seconds. */
  most(): number
  [Symbol.dispose](): void
}

const sampleMs = 10_000

/** Watches the machine from now on. */
export function watchOtherWork(): OtherWork {
  const now = () => ({ at: performance.now(), otherMs: busyMs() - familyCpuMs(process.pid) })
  const first = now()
  let last = first
  let most = 0
  const since = (from: typeof first, to: typeof first) =>
    Math.max(0, (to.otherMs - from.otherMs) / (to.at - from.at))
  const timer = setInterval(() => {
    const sample = now()
    most = Math.max(most, since(last, sample))
    last = sample
  }, sampleMs)
  timer.unref()
  return {
    average: () => since(first, now()),
    most: () => Math.max(most, since(first, now())),
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
