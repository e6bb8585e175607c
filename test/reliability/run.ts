/** Runs a scenario: an installation under load, a fault, its end, and the history of all of it. */

import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { type ScriptedCarrier, startScriptedCarrier } from '../scripted-carrier.ts'
import { type Server, startServer, temporaryFolder } from '../server.ts'
import { type Call, type History, isUnknown, type Rules } from './history.ts'
import { breachesOf, type InvariantName } from './invariants.ts'
import { pause, startPeople } from './people.ts'
import type { OpenedEngine, Scenario, Stage } from './scenario.ts'

const gapMs = 2_000
const rulesOf = ({ lifetimeMs = 60_000 }: Pick<Scenario<unknown>, 'lifetimeMs'>): Rules => ({
  lifetimeMs,
  issues: {
    address: [
      { max: 1, perMs: gapMs },
      { max: 5, perMs: 3_600_000 },
    ],
  },
  submissions: { memberAddress: [{ max: 5, perMs: 60_000 }] },
})

/** Limits of an address as in production, but for the gap; those of members, networks and apps are out of the way. */
const settingsOf = (carrier: ScriptedCarrier, rules: Rules) => `drain: 500ms
policy:
  lifetime: { sms: ${rules.lifetimeMs}ms }
  limits:
    issues:
      address: { gaps: [${gapMs}ms], windows: [5/1h] }
      holder: []
      memberAddress: []
      member: []
      memberAddresses: []
      network: []
      app: { perSecond: 10000, burst: 100000 }
    submissions: { memberAddress: [5/60s] }
    wrong: { address: [100/24h], memberAddress: [100/24h], member: [100/24h], network: [] }
providers:
  sandbox: { type: sandbox }
${carrier.settings('carrier')}
routes: { sms: [carrier], email: [sandbox] }
`

export type Timing = {
  /** Load before the fault and after its end. */
  readonly beforeMs: number
  readonly afterMs: number
  /** Times the scenario's own. */
  readonly lasting: number
}

export type Report = {
  readonly breaches: Partial<Record<InvariantName, string[]>>
  readonly accepted: number
  /** Refused with a limit, a wrong code or the like. */
  readonly refused: number
  /** Refused with 500 and `Retry-After`. */
  readonly unavailable: number
  /** No answer came. */
  readonly lost: number
  /** Messages of sends that were not accepted, but ended unknown. */
  readonly doneUntold: number
  readonly copies: number
  readonly failed: number
  /** Null: none was refused. */
  readonly slowestRefusalMs: number | null
  /** From the fault's begin to the end of the last call that was refused with 500; null: none was. */
  readonly refusingMs: number | null
  /** From the fault's end to the first accepted send, of the process that took longest; null: no outage, or never. */
  readonly backMs: number | null
}

export type RunOptions = {
  readonly timing: Timing
  /** Imported by every process: a planted fault. */
  readonly imports?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export async function runScenario<Engine>(
  opened: OpenedEngine<Engine>,
  scenario: Scenario<Engine>,
  { timing, ...planted }: RunOptions,
): Promise<Report> {
  const rules = rulesOf(scenario)
  await using installation = await install(opened, scenario, planted)
  const { stage, carrier, urls } = installation
  const people = await startPeople(
    { urls, app: stage.servers[0]!.app, taken: carrier.taken, lifetimeMs: rules.lifetimeMs },
    gapMs,
  )
  await pause(timing.beforeMs)
  const begunAt = performance.now()
  await scenario.begin(stage)
  if (scenario.lastsMs !== null) await pause(scenario.lastsMs * timing.lasting)
  await scenario.end(stage)
  const backAt = performance.now()
  const isBack = () => urls.every((_, process) => firstSuccess(people.calls, process, backAt))
  const end = backAt + Math.max(timing.afterMs, mostBackMs)
  await pause(timing.afterMs)
  while (!isBack() && performance.now() < end) await pause(50)
  await people.stop()
  const left = await drained(stage, rules.lifetimeMs)
  const holders = await people.holders()
  const deliveries = carrier.taken.map(({ id, to, code, at }) => ({
    id,
    to,
    code: code ?? '',
    at: at - performance.timeOrigin,
  }))
  const { calls } = people
  const unsent = missing(calls, deliveries)
  const failed = await failuresOf(stage, unsent)
  const killed = scenario.dies ?? []
  const history: History = { rules, killed, calls, deliveries, failed, holders, left }
  return reportOf(history, { begunAt, backAt: scenario.isOutage ? backAt : null, processes: urls.length })
}

/** So long a run waits for each process to be well again. */
const mostBackMs = 20_000

async function install<Engine>(
  { engine, env, folder: given }: OpenedEngine<Engine>,
  scenario: Scenario<Engine>,
  planted: Omit<RunOptions, 'timing'>,
) {
  const carrier = await startScriptedCarrier()
  // No carrier is always well: what it does not take is tried again, by whichever process.
  carrier.behaviour = (nth) => (nth % 9 === 8 ? '500' : 'accept')
  const folder = given ?? temporaryFolder()
  const config = join(folder, 'settings.yaml')
  writeFileSync(config, settingsOf(carrier, rulesOf(scenario)))
  const ports = await Promise.all(env.map(freePort))
  const servers: Server[] = []
  const folderOf = (nth: number) => join(folder, String(nth))

  async function start(nth: number, isFirst: boolean): Promise<Server> {
    const dataFolder = folderOf(nth)
    const own = isFirst ? scenario.options?.(nth, dataFolder) : undefined
    return startServer({
      dataFolder,
      args: ['--config', config, '--http', `127.0.0.1:${ports[nth]}`],
      imports: [...(planted.imports ?? []), ...(own?.imports ?? [])],
      env: { ...env[nth], ...planted.env, ...own?.env },
    })
  }

  async function dispose(): Promise<void> {
    for (const server of servers) {
      server.process.kill('SIGCONT')
      await server[Symbol.asyncDispose]()
    }
    await carrier[Symbol.asyncDispose]()
    if (given === undefined) rmSync(folder, { recursive: true, force: true })
  }

  try {
    for (const nth of env.keys()) {
      mkdirSync(folderOf(nth))
      // The same keys, as every process of an installation has.
      if (nth > 0)
        for (const file of ['master.key', 'demo.json'])
          cpSync(join(folderOf(0), file), join(folderOf(nth), file))
      servers.push(await start(nth, true))
    }
  } catch (error) {
    await dispose()
    throw error
  }
  const stage: Stage<Engine> = {
    engine,
    servers,
    async startAgain(nth) {
      servers[nth] = await start(nth, false)
    },
  }
  const urls = ports.map((port) => `http://127.0.0.1:${port}`)
  return { stage, carrier, urls, [Symbol.asyncDispose]: dispose }
}

const isRunning = ({ process }: Server) => process.exitCode === null && process.signalCode === null

/** Waits until nothing is on its way any more. @returns How much stayed. */
async function drained({ servers }: Stage<unknown>, lifetimeMs: number): Promise<number> {
  const server = servers.find(isRunning)!
  let left = Number.NaN
  for (const end = performance.now() + lifetimeMs + 10_000; performance.now() < end; await pause(100)) {
    const text = (await server.call('GET', '/metrics')).text
    left = Number(/^countersign_outbox_messages (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
    if (left === 0) return 0
  }
  return left
}

/** Addresses with fewer messages than accepted sends. */
function missing(calls: readonly Call[], deliveries: History['deliveries']): string[] {
  const arrived = Map.groupBy(deliveries, ({ to }) => to)
  const accepted = Map.groupBy(
    calls.filter(({ act, end }) => act === 'send' && end === 'done'),
    ({ address }) => address,
  )
  return [...accepted]
    .filter(([to, { length }]) => new Set(arrived.get(to)?.map(({ id }) => id)).size < length)
    .map(([to]) => to)
}

/** The timelines of all verifications of the address, as an operator reads them. */
async function failuresOf({ servers }: Stage<unknown>, addresses: readonly string[]) {
  const server = servers.find(isRunning)!
  const token = readFileSync(join(server.dataFolder, 'admin.token'), 'utf8').trim()
  const headers = { Authorization: `Bearer ${token}` }
  const failed = new Map<string, number>()
  for (const address of addresses) {
    const search = await server.call('POST', '/admin/v1/verifications/search', { headers, body: { address } })
    let count = 0
    for (const { id } of (search.json as { found: { id: string }[] }).found) {
      const { json } = await server.call('GET', `/admin/v1/verifications/${id}`, { headers })
      const { dispatches } = json as { dispatches: { next: string }[] }
      count += dispatches.filter(({ next }) => next === 'failed').length
    }
    failed.set(address, count)
  }
  return failed
}

function firstSuccess(calls: readonly Call[], process: number, afterAt: number): Call | undefined {
  return calls.find(
    (call) =>
      call.act === 'send' && call.end === 'done' && call.process === process && call.endedAt >= afterAt,
  )
}

function reportOf(
  history: History,
  run: { readonly begunAt: number; readonly backAt: number | null; readonly processes: number },
): Report {
  const { calls, deliveries, failed } = history
  const count = (isIt: (call: Call) => boolean) => calls.filter(isIt).length
  const refusals = calls.filter(({ end }) => end === 'unavailable')
  const messages = Map.groupBy(deliveries, ({ to }) => to)
  let doneUntold = 0
  for (const [to, sends] of Map.groupBy(
    calls.filter(({ act }) => act === 'send'),
    ({ address }) => address,
  )) {
    const ids = new Set(messages.get(to)?.map(({ id }) => id)).size
    if (sends.some(isUnknown))
      doneUntold += Math.max(0, ids - sends.filter(({ end }) => end === 'done').length)
  }
  const { backAt } = run
  const back =
    backAt === null
      ? []
      : Array.from({ length: run.processes }, (_, process) => {
          const first = firstSuccess(calls, process, backAt)
          return first ? first.endedAt - backAt : Number.POSITIVE_INFINITY
        })
  return {
    breaches: breachesOf(history),
    accepted: count(({ end }) => end === 'done'),
    refused: count(({ end }) => end === 'wrong' || end === 'matched' || end === 'throttled'),
    unavailable: refusals.length,
    lost: count(({ end }) => end === 'lost'),
    doneUntold,
    copies: deliveries.length - new Set(deliveries.map(({ id }) => id)).size,
    failed: [...failed.values()].reduce((sum, one) => sum + one, 0),
    slowestRefusalMs:
      refusals.length > 0 ? Math.max(...refusals.map(({ startedAt, endedAt }) => endedAt - startedAt)) : null,
    refusingMs:
      refusals.length > 0 ? Math.max(...refusals.map(({ endedAt }) => endedAt)) - run.begunAt : null,
    backMs: back.length > 0 ? Math.max(...back) : null,
  }
}
