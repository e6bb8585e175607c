/** Load: wrk for the most a server does, and an open loop for how long it takes at a given rate. */

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type Load = {
  readonly requestsPerSecond: number
  readonly requests: number
  /** Answers that were not 2xx. */
  readonly failures: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}

const run = promisify(execFile)

const summary = `
done = function(summary, latency)
  io.write(string.format('RESULT {"requests":%d,"us":%d,"failures":%d,"p50":%d,"p99":%d,"p999":%d}\\n', summary.requests,
    summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
`

/** Closed loop by wrk: one thread, `connections` connections, each asking again once it is answered. */
export async function closedLoop(
  folder: string,
  url: string,
  lua: string,
  { connections = 96, seconds = 5 } = {},
): Promise<Load> {
  const script = join(folder, `load-${Math.random().toString(36).slice(2)}.lua`)
  writeFileSync(script, lua + summary)
  const { stdout } = await run('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, url])
  const told = JSON.parse(/RESULT (.*)/.exec(stdout)![1]!) as Record<string, number>
  return {
    requestsPerSecond: told.requests! / (told.us! / 1e6),
    requests: told.requests!,
    failures: told.failures!,
    p50Ms: told.p50! / 1000,
    p99Ms: told.p99! / 1000,
    p999Ms: told.p999! / 1000,
  }
}

/**
 * Open loop: asks at a steady rate whether or not answers come, and counts from the moment each
 * request was due, so that a stall is seen by all that it kept waiting.
 */
export async function openLoop(
  url: string,
  headers: Record<string, string>,
  body: (nth: number) => string,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Load> {
  const agent = new Agent({ keepAlive: true, maxSockets: 128, scheduling: 'fifo' })
  const times: number[] = []
  let failures = 0
  const one = (nth: number, dueAt: number) =>
    new Promise<void>((resolve) => {
      const text = body(nth)
      const call = request(url, {
        method: 'POST',
        agent,
        headers: { ...headers, 'Content-Length': String(Buffer.byteLength(text)) },
      })
      const end = (isGood: boolean) => {
        times.push(performance.now() - dueAt)
        if (!isGood) failures++
        resolve()
      }
      call.on('response', (answer) => answer.resume().on('end', () => end(answer.statusCode === 200)))
      call.on('error', () => end(false))
      call.end(text)
    })
  const startedAt = performance.now()
  const total = perSecond * seconds
  const calls: Promise<void>[] = []
  while (calls.length < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
    while (calls.length < due) calls.push(one(calls.length, startedAt + (calls.length / perSecond) * 1000))
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  await Promise.all(calls)
  const tookS = (performance.now() - startedAt) / 1000
  agent.destroy()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
  return {
    requestsPerSecond: total / tookS,
    requests: total,
    failures,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
  }
}
