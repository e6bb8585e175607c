/** A server under measurement: started, asked for what the kernel counted of it, stopped. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'

export type Measured = AsyncDisposable & {
  /** The first line it printed, as JSON. */
  readonly told: Record<string, never>
  readonly startMs: number
  /** User and system time of all its threads so far, ms. */
  cpuMs(): number
  rssMb(): number
}

const msPerTick = 10 // USER_HZ is 100 on every Linux that Node runs on

export async function measured(args: readonly string[], env: Record<string, string> = {}): Promise<Measured> {
  const startedAt = performance.now()
  const child: ChildProcess = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
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
    startMs: performance.now() - startedAt,
    cpuMs() {
      const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
      return (Number(fields[11]) + Number(fields[12])) * msPerTick
    },
    rssMb: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))![1]) / 1024,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await once(child, 'exit')
    },
  }
}
