/**
 * The native API beside the wire of members, on SQLite and by turns: what a start costs beside a send, and a check beside
 * a verify. And what it costs more if somebody reads the app's events.
 */

import { execFileSync } from 'node:child_process'
import type { Figures } from './aims.ts'
import { type Peers, startPeers } from './carriers.ts'
import { binOf } from './check-out.ts'
import { fixed, heading, median, medianOf, row, spread } from './figures.ts'
import { type Installation, startEmbedded } from './installations.ts'
import { type Act, atMost, type Measurement } from './subjects.ts'

export type NativeOptions = {
  readonly folder: string
  /** The check-out that is measured. */
  readonly tree: string
  readonly rounds: number
  readonly seconds: number
  readonly learnt: number
}

type Listener = 'nobody' | 'a reader'
type Row = {
  readonly installation: Installation
  readonly listener: Listener
  readonly act: Act
  readonly most: Measurement[]
}

/** The act of the wire that an act of the native API is compared with. */
const likeOf = { start: 'send', check: 'verify' } as const

/** Lines of Markdown. */
export async function besideWire(options: NativeOptions, figures: Figures): Promise<string[]> {
  const { rounds } = options
  await using stack = new AsyncDisposableStack()
  const peers = await startPeers(stack)
  const alone = await startOne(stack, options, peers, 'nobody')
  const withReader = await startOne(stack, options, peers, 'a reader')
  const acts = (installation: Installation, listener: Listener, names: readonly Act[]): Row[] =>
    names.map((act) => ({ installation, listener, act, most: [] }))
  const rows = [
    ...acts(alone, 'nobody', ['send', 'start', 'verify', 'check']),
    ...acts(withReader, 'a reader', ['start', 'check']),
  ]
  for (const one of rows) await measure(one, options, 1, leastExpected)
  for (let round = 0; round < rounds; round++)
    for (const one of round % 2 === 0 ? rows : rows.toReversed()) {
      const last = one.most.at(-1)?.requestsPerSecond ?? 0
      one.most.push(await measure(one, options, options.seconds, Math.max(leastExpected, last * headroom)))
    }
  return report(rows, figures)
}

/** Codes are made ready for so many checks a second: at first, then for more than were seen. */
const leastExpected = 8_000
const headroom = 1.5

async function startOne(
  stack: AsyncDisposableStack,
  { folder, tree, learnt }: NativeOptions,
  peers: Peers,
  listener: Listener,
): Promise<Installation> {
  const name = `native, ${listener}`
  const installation = await startEmbedded(stack, { name, folder, tree, peers, learnt })
  const [server] = installation.servers
  if (listener === 'a reader')
    execFileSync(
      process.execPath,
      [
        ...[binOf(tree), 'key', 'create', '--app', server!.app.id, '--name', 'reader'],
        ...['--scope', 'events:read', '--data', server!.data],
      ],
      { stdio: 'ignore' },
    )
  return installation
}

function measure(
  { installation, act }: Row,
  { folder }: NativeOptions,
  seconds: number,
  perSecond: number,
): Promise<Measurement> {
  return atMost({ name: installation.name, installation, processes: 1 }, act, folder, { perSecond, seconds })
}

function report(rows: readonly Row[], figures: Figures): string[] {
  const lines = rows.map((one) => {
    const { act, listener, most } = one
    const like = act === 'start' || act === 'check' ? rows.find((other) => other.act === likeOf[act])! : one
    const ratios = (part: (each: Measurement) => number) =>
      most.map((each, i) => part(each) / part(like.most[i]!))
    const cpu = ratios((each) => each.serverUs)
    figures.set(`${act}, ${listener}: cpuToWire`, median(cpu))
    const of = (part: (each: Measurement) => number, digits = 0) => fixed(medianOf(most, part), digits)
    return row(
      act,
      listener,
      of((each) => each.requestsPerSecond),
      fixed(median(ratios((each) => each.requestsPerSecond))),
      of((each) => each.serverUs),
      fixed(median(cpu)),
      spread(cpu),
      of((each) => each.mainUs),
      of((each) => each.writtenBytes),
      of((each) => each.p50Ms, 1),
      of((each) => each.p99Ms, 1),
      most.reduce((sum, each) => sum + each.failures, 0),
    )
  })
  return [
    '',
    '## The native API',
    '',
    'On SQLite through the sandbox, with limits lifted, by turns. A send and a verify are those of the wire of members; a',
    'start and a check those of the native API, compared with them in each round. A check uses its code up, a verify of a',
    'new contact does not. Events are written only for an app that somebody reads.',
    '',
    ...heading(
      '',
      'events are read by',
      'requests/s',
      'to the wire’s',
      'server µs',
      'to the wire’s',
      'spread',
      'its main thread',
      'bytes written',
      'p50 ms',
      'p99 ms',
      'failed',
    ),
    ...lines,
  ]
}
