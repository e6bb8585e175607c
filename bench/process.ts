/** A server under measurement: started, asked for what the kernel counted of it, stopped. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Counted } from './count-messages.ts'

export type Measured = AsyncDisposable & {
  /** The first line it printed, as JSON. */
  readonly told: Record<string, never>
  readonly startMs: number
  readonly pid: number
  /** User and system time of all its threads so far, ms. */
  cpuMs(): number
  /** Of its main thread alone. */
  mainMs(): number
  writtenBytes(): number
  rssMb(): number
  /** What it asked of its engines so far, by protocol; only if it was started with `engines`. */
  counted(): Promise<Readonly<Record<string, Counted>>>
}

const msPerTick = 10 // USER_HZ is 100 on every Linux that Node runs on

/** @param engines  Protocols by port, to count what is asked of them. */
export async function measured(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  engines?: Readonly<Record<number, string>>,
): Promise<Measured> {
  const startedAt = performance.now()
  const imports = engines ? ['--import', join(import.meta.dirname, 'count-messages.ts')] : []
  const child: ChildProcess = spawn(process.execPath, [...imports, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', ...(engines ? ['ipc' as const] : [])],
    env: { ...process.env, ...env, ...(engines && { BENCH_ENGINES: JSON.stringify(engines) }) },
  })
  let printed = ''
  while (!printed.includes('\n')) {
    const [chunk] = await Promise.race([
      once(child.stdout!, 'data'),
      once(child, 'exit').then(() => [undefined]),
    ])
    if (chunk === undefined) throw new Error(`${args.join(' ')} ended before it listened`)
    printed += chunk
  }
  const told = JSON.parse(printed.split('\n')[0]!) as Record<string, never>
  return {
    told,
    pid: child.pid!,
    startMs: performance.now() - startedAt,
    cpuMs: () => cpuMsOf(child.pid!),
    mainMs: () => threadMsOf(child.pid!, child.pid!),
    writtenBytes: () =>
      Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${child.pid}/io`, 'utf8'))![1]),
    rssMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024,
    async counted() {
      child.send('count')
      const [counts] = await once(child, 'message')
      return counts as Record<string, Counted>
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** What comes behind the name in /proc/PID/stat, which may hold anything. */
function statOf(pid: number | string): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

export function cpuMsOf(pid: number): number {
  const fields = statOf(pid)
  return (Number(fields[11]) + Number(fields[12])) * msPerTick
}

/** Of one thread, to the nanosecond where the kernel counts it; the main one has the id of its process. */
export function threadMsOf(pid: number, thread: number): number {
  const folder = `/proc/${pid}/task/${thread}`
  try {
    return Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / 1e6
  } catch {
    const fields = statOf(`${pid}/task/${thread}`)
    return (Number(fields[11]) + Number(fields[12])) * msPerTick
  }
}

/** Of a process, those it has started, and those of them that have ended. */
export function familyCpuMs(parent: number): number {
  const own = statOf(parent)
  let ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(own[at]), 0)
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const fields = statOf(name)
      if (Number(fields[1]) === parent) ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // ended in the meantime
    }
  }
  return ticks * msPerTick
}

/** Processors that are busy with anything at all, over a second. */
export async function busyProcessors(): Promise<number> {
  const busyTicks = () => {
    const [user, nice, system, , , irq, softirq, steal] = readFileSync('/proc/stat', 'utf8')
      .split('\n')[0]!
      .trim()
      .split(/\s+/)
      .slice(1)
      .map(Number) as [number, number, number, number, number, number, number, number]
    return user + nice + system + irq + softirq + steal
  }
  const [startedAt, before] = [performance.now(), busyTicks()]
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  return ((busyTicks() - before) * msPerTick) / (performance.now() - startedAt)
}
