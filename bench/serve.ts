/**
 * One server of a check-out, seen from outside alone: started by its own command, asked by HTTP, and known by what
 * the kernel counts of it. So one bench measures check-outs whose insides differ.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { appLogin, paths } from '../test/server.ts'
import { type Code, type Sender, type StartedCode, startPath, takeNumbers } from './calls.ts'
import type { Carrier, Peers } from './carriers.ts'
import { openLoop } from './load.ts'
import { type Measured, measured } from './process.ts'

export const root = join(import.meta.dirname, '..')

export type ServerOptions = {
  /** The check-out; this one if not stated. */
  readonly tree?: string
  /** Its data folder. */
  readonly data: string
  readonly peers: Peers
  readonly carrier?: Carrier
  /** True: the defaults of production, but for how much the app may send. Default: limits are lifted. */
  readonly hasLimits?: boolean
  /** Settings of the policy beside those of every bench. */
  readonly policy?: Readonly<Record<string, unknown>>
  /** Names the store. */
  readonly env?: Readonly<Record<string, string>>
  /** Protocols of its engines by port, if what is asked of them is to be counted. */
  readonly engines?: Readonly<Record<number, string>>
}

export type Served = AsyncDisposable & {
  readonly process: Measured
  readonly http: string
  /** Its data folder. */
  readonly data: string
  /** Of the demo member. */
  readonly token: string
  /** The demo app, with a key for the native API; no key in versions without that. */
  readonly app: { readonly id: string; readonly apiKey: string | undefined }
  /** New members, each with a token and a network of its own. */
  senders(count: number): Promise<Sender[]>
  /** Of sends made for it, as their addressees read them. */
  learnCodes(count: number): Promise<Code[]>
  /** The same by the native API. */
  startCodes(count: number): Promise<StartedCode[]>
}

/** One app sends for all members of a load; each member's own limits are those of production. */
const appLimits = { issues: { app: { perSecond: 100_000, burst: 1_000_000 } } }

export async function serve(options: ServerOptions): Promise<Served> {
  const {
    tree = root,
    data,
    peers,
    carrier = 'sandbox',
    hasLimits = false,
    policy,
    env = {},
    engines,
  } = options
  mkdirSync(data, { recursive: true })
  const config = join(data, 'bench.yaml')
  writeFileSync(
    config,
    stringify({
      limits: hasLimits ? 'on' : 'none',
      policy: {
        lifetime: { sms: '10m' },
        maxSubmissions: entriesOfCode,
        tellsClientIp: true,
        ...(hasLimits && { limits: appLimits }),
        ...policy,
      },
      providers: {
        carrier: peers.provider(carrier),
        learnt: peers.provider('webhook', { keeps: true }),
      },
      routes: { sms: [{ countries: ['IN'], providers: ['learnt'] }, { providers: ['carrier'] }] },
    }),
  )
  const process = await measured(
    [
      join(tree, 'bin/countersign.js'),
      ...['serve', '--dev', '--json', '--config', config, '--data', data],
      ...['--https', 'off', '--http', '127.0.0.1:0'],
    ],
    { env, ...(engines && { engines }) },
  )
  const told = process.told as Told
  const token = await memberToken(told)
  return {
    process,
    http: told.http,
    data,
    token,
    app: { id: told.app.id, apiKey: told.apiKey },
    senders: (count) => newSenders(told, count),
    learnCodes: (count) => learnCodes(told.http, token, peers, count),
    startCodes: (count) => startCodes(told, peers, count),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  }
}

type Told = {
  readonly http: string
  readonly app: { readonly id: string; readonly key: string }
  readonly apiKey?: string
  readonly member: { readonly account: string; readonly password: string }
}

async function memberToken({ http, member }: Told): Promise<string> {
  const answer = await fetch(http + paths.accountLogin, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Basic ${btoa(`${member.account}:${member.password}`)}`,
    },
    body: JSON.stringify({ account: member.account, clientType: 72 }),
  })
  return tokenOf(answer)
}

let made = 0
const loginsAtOnce = 32

/** App ID logins, each of which makes its member. */
async function newSenders({ http, app }: Told, count: number): Promise<Sender[]> {
  const all: Sender[] = []
  let left = count
  const caller = async () => {
    while (left > 0) {
      left--
      const nth = made++
      const { headers, body } = appLogin(app, { userId: `bench-${nth}` })
      const answer = await fetch(http + paths.appLogin, {
        method: 'POST',
        headers: { ...headers, 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      })
      const ip = `10.${(nth >> 16) & 255}.${(nth >> 8) & 255}.${nth & 255}`
      all.push({ token: await tokenOf(answer), ip })
    }
  }
  await Promise.all(Array.from({ length: loginsAtOnce }, caller))
  return all
}

async function tokenOf(answer: Response): Promise<string> {
  const { accessToken } = (await answer.json()) as { accessToken?: string }
  if (!accessToken) throw new Error(`a login was answered with ${answer.status}`)
  return accessToken
}

/** How often a right code of a new contact is good, as these servers are set. */
export const entriesOfCode = 10
const learntPerSecond = 4_000
/** Until the carrier has what was sent last. */
const arrivesMs = 10_000

/** Numbers of India, which these servers route to the peer that keeps what it is sent. */
async function learnCodes(http: string, token: string, peers: Peers, count: number): Promise<Code[]> {
  const from = takeNumbers(count, 'IN')
  const headers = { 'Content-Type': 'application/json', 'X-Access-Token': token }
  const seconds = Math.max(1, Math.round(count / learntPerSecond))
  await openLoop(
    [http + paths.send],
    [headers],
    (nth) => `{"contact":"+91${from + nth}","country":"india"}`,
    {
      perSecond: Math.ceil(count / seconds),
      seconds,
    },
  )
  return arrived(peers, count)
}

async function arrived(peers: Peers, count: number): Promise<Code[]> {
  const codes: Code[] = []
  for (const end = performance.now() + arrivesMs; codes.length < count && performance.now() < end; ) {
    codes.push(...(await peers.kept()))
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  if (codes.length < count / 2) throw new Error(`only ${codes.length} of ${count} codes arrived`)
  return codes
}

const startsAtOnce = 64

/** Verifications of numbers that are routed to the peer that keeps, each with the code that it was sent. */
async function startCodes({ http, apiKey }: Told, peers: Peers, count: number): Promise<StartedCode[]> {
  const from = takeNumbers(count, 'IN')
  const ids = new Map<string, string>()
  let next = 0
  const caller = async () => {
    while (next < count) {
      const to = `+91${from + next++}`
      const answer = await fetch(http + startPath, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Authorization: `Bearer ${apiKey}` },
        body: JSON.stringify({ to }),
      })
      if (answer.status !== 201) throw new Error(`a start was answered with ${answer.status}`)
      ids.set(to, ((await answer.json()) as { id: string }).id)
    }
  }
  await Promise.all(Array.from({ length: startsAtOnce }, caller))
  const codes = await arrived(peers, count)
  return codes.flatMap(([to, code]) => {
    const id = ids.get(to)
    return id === undefined ? [] : [[id, code] as const]
  })
}
