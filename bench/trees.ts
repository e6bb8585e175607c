/**
 * One server of a check-out, seen from outside alone: started by its own command, asked by HTTP, and known by what
 * the kernel counts of it. So one bench measures check-outs whose insides differ.
 */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { appLogin, paths } from '../test/server.ts'
import type { Sender } from './calls.ts'
import { type Measured, measured } from './process.ts'

export type ServerOptions = {
  /** The check-out. */
  readonly tree: string
  /** Its data folder. */
  readonly data: string
  readonly providers: Readonly<Record<string, unknown>>
  /** True: the defaults of production, but for how much the app may send. */
  readonly hasLimits: boolean
  /** Names the store. */
  readonly env: Readonly<Record<string, string>>
}

export type TreeServer = AsyncDisposable & {
  readonly process: Measured
  readonly http: string
  /** Of the demo member. */
  readonly token: string
  /** New members, each with a token and a network of its own. */
  senders(count: number): Promise<Sender[]>
}

/** One app sends for all members of a load; each member's own limits are those of production. */
const appLimits = { issues: { app: { perSecond: 100_000, burst: 1_000_000 } } }

export async function startTree(options: ServerOptions): Promise<TreeServer> {
  const { tree, data, providers, hasLimits, env } = options
  mkdirSync(data, { recursive: true })
  const config = join(data, 'bench.yaml')
  // JSON would do, too; YAML is what an operator writes.
  writeFileSync(
    config,
    stringify({
      limits: hasLimits ? 'on' : 'none',
      policy: {
        ...{ lifetime: { sms: '10m' }, maxSubmissions: 10, tellsClientIp: true },
        ...(hasLimits && { limits: appLimits }),
      },
      providers,
    }),
  )
  const server = await measured(
    [
      join(tree, 'bin/countersign.js'),
      ...['serve', '--dev', '--json', '--config', config, '--data', data],
      ...['--https', 'off', '--http', '127.0.0.1:0'],
    ],
    env,
  )
  const told = server.told as unknown as Told
  return {
    process: server,
    http: told.http,
    token: await memberToken(told),
    senders: (count) => newSenders(told, count),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

type Told = {
  readonly http: string
  readonly app: { readonly id: string; readonly key: string }
  readonly member: { readonly account: string; readonly password: string }
}

async function memberToken({ http, member }: Told): Promise<string> {
  return tokenOf(
    await fetch(http + paths.accountLogin, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        Authorization: `Basic ${btoa(`${member.account}:${member.password}`)}`,
      },
      body: JSON.stringify({ account: member.account, clientType: 72 }),
    }),
  )
}

let made = 0
const loginsAtOnce = 32

/** App ID logins, each of which makes its member. */
async function newSenders({ http, app }: Told, count: number): Promise<Sender[]> {
  const all: Sender[] = []
  let left = count
  const caller = async () => {
    for (; left > 0; ) {
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
