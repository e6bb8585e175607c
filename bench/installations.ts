/** What is measured: installations of the server, each on an engine, with one process or two. */

import { cpSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deriveCode } from '../src/code/derive-code.ts'
import { parseKeyRing } from '../src/code/key-ring.ts'
import { loadSettings } from '../src/config/load-settings.ts'
import { AppError } from '../src/errors.ts'
import { openStore } from '../src/store/open-store.ts'
import type { Store } from '../src/store/store.ts'
import type { VerificationKey } from '../src/verification/verification.ts'
import { numbersOf, type Sent } from './calls.ts'
import type { Counted } from './count-messages.ts'
import { type Engines, storedVerifications } from './engines.ts'
import { type Measured, measured } from './process.ts'

const root = join(import.meta.dirname, '..')

export type Server = { readonly process: Measured; readonly http: string }

export type Installation = {
  readonly name: string
  readonly servers: readonly Server[]
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
  /** Told of each load of sends. */
  sent(load: Sent): void
  /** Right codes, newest first, as pairs of contact and code. */
  codes(most: number): Promise<readonly (readonly [contact: string, code: string])[]>
}

const commonEnv = {
  COUNTERSIGN_POLICY_LIFETIME_SMS: '10m',
  COUNTERSIGN_POLICY_MAX_SUBMISSIONS: '10',
}

function start(
  data: string,
  env: Readonly<Record<string, string>>,
  engines: Readonly<Record<number, string>>,
): Promise<Measured> {
  const listen = ['--https', 'off', '--http', '127.0.0.1:0']
  const args = ['serve', '--dev', '--json', '--limits', 'none', '--data', data, ...listen]
  return measured([join(root, 'bin/countersign.js'), ...args], { ...commonEnv, ...env }, engines)
}

/** As it comes: an embedded store in the data folder. */
export async function startEmbedded(stack: AsyncDisposableStack, folder: string): Promise<Installation> {
  const data = join(folder, 'embedded')
  const server = stack.use(await start(data, {}, {}))
  return {
    name: 'SQLite',
    servers: [{ process: server, http: httpOf(server) }],
    token: await tokenOf(server),
    engineCpuMs: () => ({ postgres: 0, redis: 0 }),
    counted: async () => ({}),
    writtenBytes: async () => server.writtenBytes(),
    flushed: async () => ({ count: 0, ms: 0 }),
    sent: () => undefined,
    async codes(most) {
      using db = new DatabaseSync(join(data, 'countersign.db'), { readOnly: true })
      return codesOf(data, db.prepare(storedVerifications(most)).all() as unknown as StoredVerification[])
    },
  }
}

/**
 * Two servers of one installation beside each other, each with a data folder of its own. One process is
 * measured by the load that only the first gets, two by the load split evenly: so both stand on the same
 * records in the same run. Servers, and not the workers of one, for a primary shares connections out as
 * they come, and an uneven share would be measured with the engine.
 */
export async function startShared(
  stack: AsyncDisposableStack,
  folder: string,
  engines: Engines,
): Promise<Installation> {
  const name = engines.redis ? 'Redis' : 'PostgreSQL'
  const database = await engines.postgres.newDatabase()
  const env = { ...database.env, ...engines.redis?.env }
  const ports = {
    [engines.postgres.port]: 'postgres',
    ...(engines.redis && { [engines.redis.port]: 'redis' }),
  }
  const [data, beside] = [join(folder, `${name}-0`), join(folder, `${name}-1`)]
  const first = stack.use(await start(data, env, ports))
  mkdirSync(beside)
  for (const file of ['master.key', 'demo.json']) cpSync(join(data, file), join(beside, file))
  const second = stack.use(await start(beside, env, ports))
  const processes = [first, second]
  let last: Sent = { from: 0, threads: 1, count: 0 }
  return {
    name,
    servers: processes.map((process) => ({ process, http: httpOf(process) })),
    token: await tokenOf(first),
    engineCpuMs: () => ({ postgres: engines.postgres.cpuMs(), redis: engines.redis?.cpuMs() ?? 0 }),
    async counted() {
      const all = await Promise.all(processes.map((process) => process.counted()))
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
    sent(load) {
      last = load
    },
    async codes(most) {
      if (!engines.redis)
        return codesOf(
          data,
          (await database.query(storedVerifications(most))) as unknown as StoredVerification[],
        )
      await using store = await openAs(data, env)
      const { member } = first.told as unknown as { member: { account: string } }
      return codesOf(data, await submittedTo(store, member.account, numbersOf(last, most)))
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

/** Where records cannot be listed: each is found by its key, which costs it a submission. */
async function submittedTo(
  store: Store,
  account: string,
  numbers: readonly number[],
): Promise<StoredVerification[]> {
  const member = await store.directory.memberByLogin(account)
  const { accountApp } = (await store.directory.tenant(member!.tenant))!
  const found: StoredVerification[] = []
  const left = [...numbers]
  const caller = async () => {
    for (let number = left.pop(); number !== undefined; number = left.pop()) {
      const key: VerificationKey = {
        tenant: member!.tenant,
        app: accountApp,
        member: member!.id,
        address: `tel:+86${number}`,
        purpose: 'new-contact',
      }
      const taken = await store.verifications.takeSubmission({
        key,
        counted: [],
        wrong: [],
        maxSubmissions: 10,
      })
      if (taken.kind === 'taken' && taken.record)
        found.push({ ...key, id: taken.record.id, key_id: taken.record.keyId, digits: taken.record.digits })
    }
  }
  await Promise.all(Array.from({ length: 256 }, caller))
  return found
}

function httpOf({ told }: Measured): string {
  return (told as unknown as { http: string }).http
}

async function tokenOf({ told }: Measured): Promise<string> {
  const { http, member } = told as unknown as { http: string; member: { account: string; password: string } }
  const answer = await fetch(`${http}/v1/usg/acs/auth/account`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Basic ${btoa(`${member.account}:${member.password}`)}`,
    },
    body: JSON.stringify({ account: member.account, clientType: 72 }),
  })
  return ((await answer.json()) as { accessToken: string }).accessToken
}

type StoredVerification = VerificationKey & {
  readonly id: string
  readonly key_id: string
  readonly digits: number
}

/** Derived as the server does from the ring in its data folder and the records. */
function codesOf(data: string, rows: readonly StoredVerification[]): [string, string][] {
  const ring = parseKeyRing(readFileSync(join(data, 'master.key'), 'utf8'))
  return rows.map((row) => [row.address.slice(4), deriveCode(ring.keys.get(row.key_id)!, row, row.digits)])
}
