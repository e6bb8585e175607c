/**
 * The nearest peer, knadh/otpgateway, beside this server in one run and by turns: a send through the same webhook, and
 * the check of a right code. It keeps codes in Redis, whose log is flushed each second or at every write; this
 * server keeps them in SQLite and flushes before every answer.
 */

import type { Figures } from './aims.ts'
import type { Peers } from './carriers.ts'
import { fixed, heading, median, medianOf, row, spread } from './figures.ts'
import { type Installation, startEmbedded } from './installations.ts'
import { closedLoop, type Load } from './load.ts'
import { credentials, type Flushing, flushings, type Otpgateway, startOtpgateway } from './otpgateway.ts'
import { atMost } from './subjects.ts'

export type RivalOptions = {
  /** Its program. */
  readonly path: string
  readonly folder: string
  /** The check-out that is measured beside it. */
  readonly tree: string
  readonly peers: Peers
  readonly rounds: number
  readonly seconds: number
  readonly learnt: number
}

const acts = ['send', 'check'] as const
type Act = (typeof acts)[number]

type Side = Load & { readonly serverUs: number; readonly redisUs: number }
type Pair = { readonly flushing: Flushing; readonly act: Act; readonly ours: Side[]; readonly its: Side[] }

/** Lines of Markdown. */
export async function besideRival(options: RivalOptions, figures: Figures): Promise<string[]> {
  const { folder, tree, peers, rounds, seconds, learnt } = options
  await using stack = new AsyncDisposableStack()
  const ours = await startEmbedded(stack, {
    ...{ name: 'SQLite, beside otpgateway', folder, tree, peers, learnt },
    carrier: 'webhook',
  })
  const rest: string[] = []
  const pairs: Pair[] = []
  for (const flushing of flushings) {
    await using its = await startOtpgateway(options, flushing)
    rest.push(
      `At rest it has ${fixed(its.process.rssMb(), 0)} MB, with Redis flushing ${sayFlushing[flushing]}.`,
    )
    const of = acts.map((act): Pair => ({ flushing, act, ours: [], its: [] }))
    for (const { act } of of) {
      await oursOnce(ours, act, folder, 2)
      await itsOnce(its, act, options, 2)
    }
    for (let round = 0; round < rounds; round++)
      for (const pair of of) {
        const turns = [
          async () => pair.ours.push(await oursOnce(ours, pair.act, folder, seconds)),
          async () => pair.its.push(await itsOnce(its, pair.act, options, seconds)),
        ]
        for (const turn of round % 2 === 0 ? turns : turns.toReversed()) await turn()
      }
    pairs.push(...of)
  }
  return report(pairs, rest[0]!, figures)
}

const sayFlushing: Readonly<Record<Flushing, string>> = { everysec: 'each second', always: 'at every write' }
/** A second, more than either does. */
const mostChecks = 20_000

async function oursOnce(
  installation: Installation,
  act: Act,
  folder: string,
  seconds: number,
): Promise<Side> {
  const subject = { name: installation.name, installation, processes: 1 } as const
  return atMost(subject, act === 'send' ? 'send' : 'verify', folder, { perSecond: mostChecks, seconds })
}

const token = `Basic ${btoa(`${credentials.namespace}:${credentials.secret}`)}`
let made = 0

async function itsOnce(
  rival: Otpgateway,
  act: Act,
  { folder, peers, learnt }: RivalOptions,
  seconds: number,
): Promise<Side> {
  const script = act === 'send' ? itsSendScript() : await itsCheckScript(rival, learnt)
  const takenBefore = (await peers.taken('webhook'))!
  const before = { server: rival.process.cpuMs(), redis: rival.redisCpuMs() }
  const load = await closedLoop(folder, [rival.http], script, { seconds })
  const taken = (await peers.taken('webhook'))! - takenBefore
  const failures = act === 'send' ? Math.max(load.failures, load.requests - taken) : load.failures
  if (failures > load.requests / 100)
    throw new Error(`otpgateway: ${failures} of ${load.requests} requests of ${act} failed`)
  const each = (ms: number) => (ms * 1000) / load.requests
  return {
    ...load,
    serverUs: each(rival.process.cpuMs() - before.server),
    redisUs: each(rival.redisCpuMs() - before.redis),
  }
}

/** Each to an id and a number of its own. It answers once the webhook has. */
function itsSendScript(): string {
  const from = made
  made += 1_000_000
  return `
local n = ${from}
local headers = {["Content-Type"]="application/x-www-form-urlencoded", ["Authorization"]="${token}"}
request = function()
  n = n + 1
  return wrk.format("PUT", "/api/otp/bench-" .. n, headers, "to=%2B86" .. 13000000000 + n .. "&provider=webhook")
end`
}

/** Right codes that stay good, as those of a new contact do here. */
async function itsCheckScript({ http }: Otpgateway, count: number): Promise<string> {
  const from = made
  made += count
  const headers = { Authorization: token, 'Content-Type': 'application/x-www-form-urlencoded' }
  let left = count
  const caller = async () => {
    while (left > 0) {
      left--
      // Without an address nothing is sent.
      const body = 'provider=webhook&otp=012345&max_attempts=1000'
      const answer = await fetch(`${http}/api/otp/bench-${from + left}`, { method: 'PUT', headers, body })
      await answer.arrayBuffer()
      if (!answer.ok) throw new Error(`otpgateway took no code: ${answer.status}`)
    }
  }
  await Promise.all(Array.from({ length: 32 }, caller))
  return `
local n = 0
local headers = {["Content-Type"]="application/x-www-form-urlencoded", ["Authorization"]="${token}"}
request = function()
  n = n + 1
  return wrk.format("POST", "/api/otp/bench-" .. ${from} + n % ${count}, headers, "otp=012345&skip_delete=true")
end`
}

function report(pairs: readonly Pair[], rest: string, figures: Figures): string[] {
  const rows = pairs.map(({ flushing, act, ours, its }) => {
    const rate = (one: Side) => one.requestsPerSecond
    const ratios = ours.map((one, i) => rate(one) / rate(its[i]!))
    const p99 = [ours, its].map((all) => medianOf(all, (one) => one.p99Ms)) as [number, number]
    figures.set(`${act}, ${flushing}: toRival`, median(ratios))
    figures.set(`${act}, ${flushing}: p99ToRival`, p99[0] / p99[1])
    const of = (all: readonly Side[], part: (one: Side) => number) => fixed(medianOf(all, part), 0)
    return row(
      `${act}, flushing ${sayFlushing[flushing]}`,
      ...[of(ours, rate), of(its, rate), fixed(median(ratios)), spread(ratios)],
      ...p99.map((ms) => fixed(ms, 1)),
      ...[of(ours, (one) => one.serverUs), of(its, (one) => one.serverUs), of(its, (one) => one.redisUs)],
    )
  })
  return [
    '',
    '## Beside otpgateway',
    '',
    'The same webhook, the same load, by turns. otpgateway keeps codes in Redis beside it, whose log is flushed each second or',
    'at every write; this server keeps them in SQLite, and every answer waits for the disk. otpgateway calls the webhook before',
    'it answers; the rate of this server is counted until the webhook has the last message.',
    '',
    ...heading(
      ...[
        '',
        'ours, requests/s',
        'its',
        'ours to its',
        'spread',
        'our p99 ms',
        'its',
        'our CPU µs',
        'its',
        'its Redis µs',
      ],
    ),
    ...rows,
    '',
    rest,
  ]
}
