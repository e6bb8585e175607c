/** Load: wrk for the most that servers do, and an open loop for how long they take at a given rate. */

import { execFile, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
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
  /** Of the load generator itself, µs a request. */
  readonly generatorUs: number
}

const run = promisify(execFile)

/**
 * A thread for each target, which knows its own number, from 0, as `nth`. What a script defines as `begin` is
 * done before the clock of the generator's own processor time starts.
 */
const frame = (targets: readonly string[]) => `
local targets = {${targets.map((target) => `{"${new URL(target).hostname}", "${new URL(target).port}"}`).join(', ')}}
local threads = {}
function setup(thread)
  local target = targets[#threads + 1]
  thread:set("nth", #threads)
  thread.addr = wrk.lookup(target[1], target[2])[1]
  table.insert(threads, thread)
end
function init(args)
  if begin then begin() end
  began = os.clock()
end
function done(summary, latency)
  local cpu = os.clock() - threads[#threads]:get("began")
  io.write(string.format('RESULT {"requests":%d,"us":%d,"failures":%d,"p50":%d,"p99":%d,"p999":%d,"cpu":%d}\\n', summary.requests,
    summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), cpu * 1e6))
end
`

/** @throws Error with the way to get it, where it is missing. */
export function requireWrk(): void {
  if (spawnSync('wrk', ['-v']).error) throw new Error('needs wrk, the load generator: apt-get install wrk')
}

/** A load that has not ended by then will not. */
export const graceMs = 60_000

/** Of a closed loop, shared by its targets. */
export const connections = 96

/** Closed loop by wrk: connections shared among the targets, each asking again once it is answered. */
export async function closedLoop(
  folder: string,
  targets: readonly string[],
  lua: string,
  { seconds = 5 } = {},
): Promise<Load> {
  const script = join(folder, `load-${Math.random().toString(36).slice(2)}.lua`)
  writeFileSync(script, frame(targets) + lua)
  const { stdout } = await run(
    'wrk',
    [`-t${targets.length}`, `-c${connections}`, `-d${seconds}s`, '-s', script, targets[0]!],
    { timeout: seconds * 1000 + graceMs },
  )
  const told = JSON.parse(/RESULT (.*)/.exec(stdout)![1]!) as Record<string, number>
  return {
    requestsPerSecond: told.requests! / (told.us! / 1e6),
    requests: told.requests!,
    failures: told.failures!,
    p50Ms: told.p50! / 1000,
    p99Ms: told.p99! / 1000,
    p999Ms: told.p999! / 1000,
    generatorUs: told.cpu! / told.requests!,
  }
}

const connectionsOfEach = 64

/**
 * Open loop: asks at a steady rate whether or not answers come, and counts from the moment each request was
 * due, so that a stall is seen by all that it kept waiting. Speaks HTTP itself, over sockets: Node's client
 * takes more of the shared processors than the server that it asks.
 * @param targets  Asked in turn, each over connections of its own.
 * @param headers  Of the requests, in turn.
 */
export async function openLoop(
  targets: readonly string[],
  headers: readonly Readonly<Record<string, string>>[],
  body: (nth: number) => string,
  { perSecond, seconds }: { perSecond: number; seconds: number },
): Promise<Load> {
  const times: number[] = []
  let failures = 0
  const fleets = await Promise.all(targets.map(openFleet))
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const total = perSecond * seconds
  const heads = headers.map((all) =>
    Object.entries(all)
      .map(([name, value]) => `${name}: ${value}\r\n`)
      .join(''),
  )
  let asked = 0
  while (asked < total) {
    const due = Math.min(total, Math.floor(((performance.now() - startedAt) / 1000) * perSecond))
    for (; asked < due; asked++) {
      const dueAt = startedAt + (asked / perSecond) * 1000
      fleets[asked % fleets.length]!.ask(heads[asked % heads.length]!, body(asked), (isGood) => {
        times.push(performance.now() - dueAt)
        if (!isGood) failures++
      })
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  for (const end = performance.now() + 10_000; times.length < total && performance.now() < end; )
    await new Promise((resolve) => setTimeout(resolve, 5))
  const tookS = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(cpuBefore)
  for (const fleet of fleets) fleet.close()
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))]!
  return {
    requestsPerSecond: total / tookS,
    requests: total,
    failures: failures + total - times.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    generatorUs: (user + system) / total,
  }
}

type Ask = { readonly text: string; answered(isGood: boolean): void }
type Line = { readonly socket: Socket; asking: Ask | undefined; heard: string }

/** Connections to one server; what finds none idle waits its turn. */
async function openFleet(target: string) {
  const { hostname, port, pathname, host } = new URL(target)
  const idle: Line[] = []
  const waiting: Ask[] = []
  const lines = await Promise.all(Array.from({ length: connectionsOfEach }, open))

  function open(): Promise<Line> {
    return new Promise((resolve, reject) => {
      const socket = connect(Number(port), hostname)
      const line: Line = { socket, asking: undefined, heard: '' }
      socket.setNoDelay(true).setEncoding('latin1')
      socket.on('connect', () => {
        idle.push(line)
        resolve(line)
      })
      socket.on('error', reject)
      socket.on('data', (chunk) => hear(line, String(chunk)))
      socket.on('close', () => {
        line.asking?.answered(false)
        line.asking = undefined
        const at = idle.indexOf(line)
        if (at >= 0) idle.splice(at, 1)
      })
    })
  }

  function hear(line: Line, chunk: string): void {
    line.heard += chunk
    const end = line.heard.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = Number(/content-length: (\d+)/i.exec(line.heard)?.[1] ?? 0)
    if (line.heard.length < end + 4 + length) return
    const isGood = line.heard.startsWith('200', 9)
    const ask = line.asking
    line.heard = ''
    line.asking = undefined
    const next = waiting.shift()
    if (next) say(line, next)
    else idle.push(line)
    ask?.answered(isGood)
  }

  function say(line: Line, ask: Ask): void {
    line.asking = ask
    line.socket.write(ask.text, 'latin1')
  }

  return {
    ask(head: string, body: string, answered: Ask['answered']): void {
      const text = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\n${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
      const line = idle.shift()
      if (line) say(line, { text, answered })
      else waiting.push({ text, answered })
    },
    close(): void {
      for (const { socket } of lines) socket.destroy()
    },
  }
}
