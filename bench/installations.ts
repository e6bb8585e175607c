/** What is measured: installations of the server, each on an engine, with one process or two. */

import { cpSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { loadSettings } from '../src/config/load-settings.ts'
import { AppError } from '../src/errors.ts'
import { openStore } from '../src/store/open-store.ts'
import type { Store } from '../src/store/store.ts'
import type { Code } from './calls.ts'
import type { Carrier, Peers } from './carriers.ts'
import type { Counted } from './count-messages.ts'
import type { Engines } from './engines.ts'
import { entriesOfCode, type Served, serve } from './serve.ts'

export type Installation = {
  readonly name: string
  readonly servers: readonly Served[]
  readonly hasLimits: boolean
  /** A token for each of them, though one would do for all. */
  readonly token: string
  /** Of those that its servers use: user and system time so far, ms. */
  engineCpuMs(): { readonly postgres: number; readonly redis: number }
  /** What its servers asked of their engines so far; empty for the embedded one. */
  counted(): Promise<Readonly<Record<string, Counted>>>
  /** Of records, written to logs and files so far. */
  writtenBytes(): Promise<number>
  /** Flushes of the log of PostgreSQL so far, and the time they took together. */
  flushed(): Promise<{ readonly count: number; readonly ms: number }>
  /** Messages that its carrier took so far; undefined: it is in the server. */
  taken(): Promise<number | undefined>
  readonly codes: Codes
}

export type Codes = {
  /** Right for so many entries from now on. */
  for(entries: number): Promise<readonly Code[]>
  /** Entered so often since, one after the other and then from the first again. */
  entered(entries: number): void
}

export type InstallationOptions = {
  readonly name: string
  readonly folder: string
  readonly peers: Peers
  /** The check-out; this one if not stated. */
  readonly tree?: string
  readonly carrier?: Carrier
  readonly hasLimits?: boolean
  readonly policy?: Readonly<Record<string, unknown>>
  /** Codes learnt at once, for several loads. */
  readonly learnt: number
}

/** As it comes: an embedded store in the data folder. */
export async function startEmbedded(
  stack: AsyncDisposableStack,
  options: InstallationOptions,
): Promise<Installation> {
  const { name, folder, peers, learnt, carrier = 'sandbox', hasLimits = false } = options
  const data = join(folder, name.replaceAll(/\W+/g, '-'))
  const server = stack.use(await serve({ ...options, data }))
  return {
    ...{ name, servers: [server], hasLimits, token: server.token },
    engineCpuMs: () => ({ postgres: 0, redis: 0 }),
    counted: async () => ({}),
    writtenBytes: async () => server.process.writtenBytes(),
    flushed: async () => ({ count: 0, ms: 0 }),
    taken: () => peers.taken(carrier),
    codes: codesOf(server, learnt),
  }
}

/**
 * Servers of one installation beside each other, each with a data folder of its own. One process is
 * measured by the load that only the first gets, two by the load split evenly: so both stand on the same
 * records in the same run. Servers, and not the workers of one, for a primary shares connections out as
 * they come, and an uneven share would be measured with the engine.
 */
export async function startShared(
  stack: AsyncDisposableStack,
  options: InstallationOptions & { readonly processes?: 1 | 2 },
  engines: Engines,
): Promise<Installation> {
  const { name, folder, peers, learnt, carrier = 'sandbox', hasLimits = false, processes = 2 } = options
  const database = await engines.postgres.newDatabase()
  const env = { ...database.env, ...engines.redis?.env }
  const ports = {
    [engines.postgres.port]: 'postgres',
    ...(engines.redis && { [engines.redis.port]: 'redis' }),
  }
  const data = join(folder, `${name}-0`)
  const servers = [stack.use(await serve({ ...options, data, env, engines: ports }))]
  if (processes === 2) {
    const beside = join(folder, `${name}-1`)
    mkdirSync(beside)
    for (const file of ['master.key', 'demo.json']) cpSync(join(data, file), join(beside, file))
    servers.push(stack.use(await serve({ ...options, data: beside, env, engines: ports })))
  }
  return {
    ...{ name, servers, hasLimits, token: servers[0]!.token },
    engineCpuMs: () => ({ postgres: engines.postgres.cpuMs(), redis: engines.redis?.cpuMs() ?? 0 }),
    async counted() {
      const all = await Promise.all(servers.map(({ process }) => process.counted()))
      const sum: Record<string, { roundTrips: number; statements: number }> = {}
      for (const [protocol, { roundTrips, statements }] of all.flatMap(Object.entries<Counted>)) {
        sum[protocol] ??= { roundTrips: 0, statements: 0 }
        sum[protocol].roundTrips += roundTrips
        sum[protocol].statements += statements
      }
      return sum
    },
    writtenBytes: async () =>
      (await engines.postgres.writtenBytes()) + ((await engines.redis?.writtenBytes()) ?? 0),
    flushed: engines.postgres.flushed,
    taken: () => peers.taken(carrier),
    codes: codesOf(servers[0]!, learnt),
  }
}

/** Younger than a code may grow, with a load's time to spare. */
const freshMs = 8 * 60_000

/** Learns codes as they are needed, and hands the same ones out as long as they are good. */
function codesOf(server: Served, learnt: number): Codes {
  let codes: readonly Code[] = []
  let left = 0
  let learntAt = 0
  const eachOf = (entries: number) => Math.ceil(entries / Math.max(1, codes.length || learnt))
  return {
    async for(entries) {
      if (left < eachOf(entries) || performance.now() - learntAt > freshMs) {
        learntAt = performance.now()
        codes = await server.learnCodes(learnt)
        left = entriesOfCode
      }
      return codes
    },
    entered(entries) {
      left -= eachOf(entries)
    },
  }
}

/** Why this version would not start with these settings; undefined: it would. */
export function refusalOf(env: Readonly<Record<string, string>>): string | undefined {
  try {
    loadSettings({ file: null, env, flags: {}, isDevelopment: true })
    return undefined
  } catch (error) {
    if (error instanceof AppError) return error.message
    throw error
  }
}

/** Of a store that no caller waits for: a slow moment costs time, and not the run. */
export const patientMs = 30_000

/** The store of an installation, opened beside its servers. */
export function openAs(data: string, env: Readonly<Record<string, string>>): Promise<Store> {
  const { settings } = loadSettings({
    file: null,
    env,
    flags: { data },
    isDevelopment: true,
    isServing: false,
  })
  return openStore(settings.store, { deadlineMs: patientMs })
}
