/**
 * The native API beside the wire of members, on SQLite and by turns: what a start costs beside a send, and a check beside
 * a verify. And what it costs more if somebody reads the app's events, or they are posted to an endpoint.
 */

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseKeyRing } from '../src/code/key-ring.ts'
import { seal } from '../src/code/seal.ts'
import { newWebhookSecret } from '../src/code/webhook-signature.ts'
import { secretContext } from '../src/delivery/webhooks/post-event.ts'
import type { Figures } from './aims.ts'
import { type Peers, startPeers } from './carriers.ts'
import { binOf } from './check-out.ts'
import { fixed, heading, median, medianOf, row, spread } from './figures.ts'
import { type Installation, openAs, startEmbedded } from './installations.ts'
import type { Served } from './serve.ts'
import { type Act, atMost, type Measurement } from './subjects.ts'

export type NativeOptions = {
  readonly folder: string
  /** The check-out that is measured. */
  readonly tree: string
  readonly rounds: number
  readonly seconds: number
  readonly learnt: number
}

type Listener = 'nobody' | 'a reader' | 'an endpoint'
type Row = {
  readonly installation: Installation
  readonly listener: Listener
  readonly act: Act
  readonly note?: string
  readonly most: NativeMeasurement[]
}

type NativeMeasurement = Measurement & {
  /** CPU of the server by the request until its endpoint had all events, µs. */
  readonly postedUs: number
}

/** The act of the wire that an act of the native API is compared with. */
const likeOf = { start: 'send', check: 'verify' } as const

/** Lines of Markdown. */
export async function besideWire(options: NativeOptions, figures: Figures): Promise<string[]> {
  const { rounds } = options
  await using stack = new AsyncDisposableStack()
  const peers = await startPeers(stack)
  const installations = {
    nobody: await startOne(stack, options, peers, 'nobody'),
    'a reader': await startOne(stack, options, peers, 'a reader'),
    'an endpoint': await startOne(stack, options, peers, 'an endpoint'),
  }
  const acts = (listener: Listener, names: readonly Act[]): Row[] =>
    names.map((act) => ({ installation: installations[listener], listener, act, most: [] }))
  const rows: Row[] = [
    ...acts('nobody', ['send', 'start', 'verify', 'check']),
    {
      ...{ installation: await startOne(stack, options, peers, 'nobody', { proofToken: { form: 'none' } }) },
      ...{ listener: 'nobody', act: 'check', note: 'without a proof', most: [] },
    },
    ...acts('a reader', ['start', 'check']),
    ...acts('an endpoint', ['start', 'check']),
  ]
  for (const one of rows) await measure(one, options, peers, 1, leastExpected)
  for (let round = 0; round < rounds; round++)
    for (const one of round % 2 === 0 ? rows : rows.toReversed()) {
      const last = one.most.at(-1)?.requestsPerSecond ?? 0
      one.most.push(
        await measure(one, options, peers, options.seconds, Math.max(leastExpected, last * headroom)),
      )
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
  policy?: Readonly<Record<string, unknown>>,
): Promise<Installation> {
  const name = `native, ${listener}${policy ? ', of another policy' : ''}`
  const installation = await startEmbedded(stack, {
    ...{ name, folder, tree, peers, learnt },
    ...(policy && { policy }),
  })
  const [server] = installation.servers
  if (listener === 'a reader') addReader(tree, server!)
  if (listener === 'an endpoint') await addEndpoint(server!, peers.webhook)
  if (listener !== 'nobody') await setTimeout(knownWithinMs)
  return installation
}

/** The server asks its store for readers that others added. */
const knownWithinMs = 5_000

function addReader(tree: string, { app, data }: Served): void {
  execFileSync(
    process.execPath,
    [
      ...[binOf(tree), 'key', 'create', '--app', app.id, '--name', 'reader'],
      ...['--scope', 'events:read', '--data', data],
    ],
    { stdio: 'ignore' },
  )
}

async function addEndpoint({ app, data }: Served, url: string): Promise<void> {
  const ring = parseKeyRing(readFileSync(join(data, 'master.key'), 'utf8'))
  await using store = await openAs(data, {})
  const id = 'b'.repeat(32)
  const createdAt = await store.now()
  const sealed = seal(ring, newWebhookSecret(), secretContext(id))
  await store.webhooks.add(
    {
      ...{ id, tenant: 'demo', app: app.id, url, description: '', types: null },
      ...{ isEnabled: true, disabledBy: null, secrets: [{ sealed, createdAt }], signingKey: null, createdAt },
    },
    1,
  )
}

async function measure(
  { installation, listener, act }: Row,
  { folder }: NativeOptions,
  peers: Peers,
  seconds: number,
  perSecond: number,
): Promise<NativeMeasurement> {
  const { process } = installation.servers[0]!
  const subject = { name: installation.name, installation, processes: 1 } as const
  // Codes of checks are started before: what their events cost is not the check's.
  let before = 0
  const one = await atMost(subject, act, folder, { perSecond, seconds }, async () => {
    if (listener === 'an endpoint') await untilPosted(peers)
    before = process.cpuMs()
  })
  if (listener === 'an endpoint') await untilPosted(peers)
  return { ...one, postedUs: ((process.cpuMs() - before) * 1000) / one.requests }
}

const quietMs = 1_500
const postedWithinMs = 60_000

/** Until the endpoint gets no more. */
async function untilPosted(peers: Peers): Promise<void> {
  const end = performance.now() + postedWithinMs
  for (let last = -1; performance.now() < end; ) {
    const taken = (await peers.taken('webhook'))!
    if (taken === last) return
    last = taken
    await setTimeout(quietMs)
  }
}

function report(rows: readonly Row[], figures: Figures): string[] {
  const lines = rows.map((one) => {
    const { act, listener, note = '', most } = one
    const like = act === 'start' || act === 'check' ? rows.find((other) => other.act === likeOf[act])! : one
    const ratios = (part: (each: Measurement) => number) =>
      most.map((each, i) => part(each) / part(like.most[i]!))
    const cpu = ratios((each) => each.serverUs)
    figures.set(`${act}, ${note || listener}: cpuToWire`, median(cpu))
    const of = (part: (each: NativeMeasurement) => number, digits = 0) => fixed(medianOf(most, part), digits)
    return row(
      note ? `${act}, ${note}` : act,
      listener,
      of((each) => each.requestsPerSecond),
      fixed(median(ratios((each) => each.requestsPerSecond))),
      of((each) => each.serverUs),
      fixed(median(cpu)),
      spread(cpu),
      listener === 'an endpoint' ? of((each) => each.postedUs) : '',
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
    'new contact does not, and is repeated. Events are written only for an app that somebody reads. An endpoint is on loopback.',
    '',
    ...heading(
      '',
      'events are read by',
      'requests/s',
      'to the wire’s',
      'server µs',
      'to the wire’s',
      'spread',
      'with all events posted, µs',
      'its main thread',
      'bytes written',
      'p50 ms',
      'p99 ms',
      'failed',
    ),
    ...lines,
  ]
}
