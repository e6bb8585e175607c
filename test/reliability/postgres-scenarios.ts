/** What fails in an installation of two processes on PostgreSQL: the server, the line to it, its room, and a process. */

import { Client } from 'pg'
import { type FaultProxy, startFaultProxy } from '../fault-proxy.ts'
import { requirePeer } from '../peers.ts'
import { type Postgres, postgresPaths, startPostgres } from '../postgres.ts'
import { pause } from './people.ts'
import { clockSteps, killAt, killed } from './process-faults.ts'
import type { EngineUnderTest, OpenedEngine, Scenario } from './scenario.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'

export type PostgresEngine = {
  readonly postgres: Postgres
  readonly database: string
  /** Each process has a line of its own. */
  readonly lines: readonly FaultProxy[]
  /** Where its data is, if that is a disk of its own. */
  readonly disk: SmallDisk | null
  /** Connections that others took. */
  others: Others | null
}

type PostgresScenario = Scenario<PostgresEngine>
const processes = 2

async function openOn(postgres: Postgres, disk: SmallDisk | null): Promise<OpenedEngine<PostgresEngine>> {
  const database = await postgres.newDatabase()
  const { host, user, password } = postgres.client(database)
  const lines = await Promise.all(Array.from({ length: processes }, () => startFaultProxy(postgres.port)))
  const engine: PostgresEngine = { postgres, database, lines, disk, others: null }
  return {
    engine,
    env: lines.map(({ port }) => ({
      COUNTERSIGN_STORE: `postgres://${user}@${host}:${port}/${database}`,
      COUNTERSIGN_POSTGRES_PASSWORD: password,
    })),
    async [Symbol.asyncDispose]() {
      await engine.others?.leave()
      for (const line of lines) await line[Symbol.asyncDispose]()
    },
  }
}

/** Room for the data, three pieces of the write-ahead log and as long as a scenario takes. */
const diskMegabytes = 160

async function openOnSmallDisk(): Promise<OpenedEngine<PostgresEngine>> {
  const stack = new AsyncDisposableStack()
  try {
    const disk = stack.use(openSmallDisk(diskMegabytes))
    const settings = { ...settingsOfAll, min_wal_size: '32MB', max_wal_size: '48MB' }
    const postgres = stack.use(await startPostgres(settings, undefined, disk.folder))
    const { engine, env } = stack.use(await openOn(postgres, disk))
    return { engine, env, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

const settingsOfAll = { max_connections: 40, superuser_reserved_connections: 3 }

export const postgresUnderTest: EngineUnderTest<PostgresEngine> = {
  name: 'PostgreSQL',
  peer: requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths),
  async prepare() {
    const postgres = await startPostgres(settingsOfAll)
    return {
      open: (opening) => (opening === 'small disk' ? openOnSmallDisk() : openOn(postgres, null)),
      [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
    }
  },
  scenarios: [
    {
      fault: 'stopped (fast shutdown), then started',
      begin: ({ engine }) => engine.postgres.stop(),
      end: ({ engine }) => engine.postgres.start(),
      lastsMs: 1_500,
      isOutage: true,
    },
    {
      fault: 'killed (SIGKILL to the postmaster and all its processes), then started',
      begin: ({ engine }) => engine.postgres.kill(),
      end: ({ engine }) => engine.postgres.start(),
      lastsMs: 1_500,
      isOutage: true,
      isInShort: true,
    },
    {
      fault: 'hung (SIGSTOP to the postmaster and all its processes), then going on',
      begin: async ({ engine }) => engine.postgres.signal('SIGSTOP'),
      end: async ({ engine }) => engine.postgres.signal('SIGCONT'),
      lastsMs: 2_500,
      isOutage: true,
      isInShort: true,
    },
    {
      ...onLines('out of reach: every byte is dropped, both ways', 2_500, true, (line) =>
        line.set('both', { kind: 'drop' }),
      ),
    },
    onLines('answers dropped: what is sent is done, and nobody hears of it', 2_500, true, (line) =>
      line.set('toClient', { kind: 'drop' }),
    ),
    onLines('held: what is sent arrives when the line is well again', 2_500, true, (line) =>
      line.set('toServer', { kind: 'hold' }),
    ),
    {
      fault: 'half-open: its side of each connection is gone, and new ones are refused',
      async begin({ engine }) {
        for (const line of engine.lines) {
          line.halfOpen()
          await line.refuse(true)
        }
      },
      async end({ engine }) {
        for (const line of engine.lines) await line.refuse(false)
      },
      lastsMs: 2_000,
      isOutage: true,
    },
    {
      fault: 'each connection cut in the middle of a message, again and again',
      async begin({ engine }) {
        for (let nth = 0; nth < 20; nth++) {
          const direction = nth % 2 === 0 ? 'toServer' : 'toClient'
          for (const line of engine.lines) line.set(direction, { kind: 'cut', afterBytes: 1 + nth * 173 })
          await pause(100)
          for (const line of engine.lines) line.set(direction, null)
          await pause(20)
        }
      },
      end: async () => undefined,
      lastsMs: null,
      isOutage: true,
      isInShort: true,
    },
    onLines('slow: 50 ms more each way', 2_500, false, (line) => line.set('both', { kind: 'delay', ms: 50 })),
    onLines('slow: 150 ms more each way', 2_500, false, (line) =>
      line.set('both', { kind: 'delay', ms: 150 }),
    ),
    onLines('slower than its deadline: 1 s more each way', 2_500, true, (line) =>
      line.set('both', { kind: 'delay', ms: 1_000 }),
    ),
    onLines('a line of 20 kB a second', 2_500, true, (line) =>
      line.set('both', { kind: 'throttle', bytesPerSecond: 20_000 }),
    ),
    {
      fault: 'out of reach for one process of two',
      begin: async ({ engine }) => engine.lines[1]!.set('both', { kind: 'drop' }),
      end: async ({ engine }) => engine.lines[1]!.set('both', null),
      lastsMs: 2_500,
      isOutage: true,
    },
    {
      fault: 'out of connections: others have them all',
      async begin({ engine }) {
        engine.others = await takeConnections(engine)
      },
      async end({ engine }) {
        await engine.others?.leave()
        engine.others = null
      },
      lastsMs: 2_000,
      isOutage: true,
    },
    {
      fault: 'disk full, then room made',
      opening: 'small disk',
      async begin({ engine }) {
        engine.disk!.fill(65_536)
        // What is left of the pieces of the write-ahead log is soon used up.
        await engine.postgres.query('select pg_switch_wal()').catch(() => undefined)
      },
      async end({ engine }) {
        engine.disk!.empty()
        await engine.postgres.heal()
      },
      lastsMs: 3_000,
      isOutage: true,
      isInShort: true,
    },
    killed(1),
    ...(['after-commit', 'after-claim', 'after-accept', 'before-settle', 'after-use'] as const).map(
      (point): PostgresScenario => ({
        ...killAt<PostgresEngine>(point, 1),
        ...(point === 'after-accept' && { isInShort: true }),
      }),
    ),
    clockSteps<PostgresEngine>(1),
  ],
}

/** A fault of all lines. */
function onLines(
  fault: string,
  lastsMs: number,
  isOutage: boolean,
  begin: (line: FaultProxy) => void,
): PostgresScenario {
  return {
    fault,
    begin: async ({ engine }) => engine.lines.forEach(begin),
    end: async ({ engine }) => {
      for (const line of engine.lines) line.set('both', null)
    },
    lastsMs,
    isOutage,
  }
}

type Others = { leave(): Promise<void> }

/** Takes every connection that is free, ends those of the installation, and takes these as well. */
async function takeConnections({ postgres, database }: PostgresEngine): Promise<Others> {
  const clients: Client[] = []
  let isOn = true
  async function take(): Promise<void> {
    while (isOn) {
      const client = new Client({ ...postgres.client(database), application_name: 'others' })
      client.on('error', () => undefined)
      const isIn = await client.connect().then(
        () => true,
        () => false,
      )
      if (isIn) clients.push(client)
      else await pause(2)
    }
  }
  const taking = Promise.all(Array.from({ length: 6 }, take))
  for (let nth = 0; nth < 20; nth++) {
    await pause(50)
    // Also the places that are kept for administrators are taken for moments, by those who are told to go.
    await postgres
      .query(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'countersign'`)
      .catch(() => undefined)
  }
  return {
    async leave() {
      isOn = false
      await taking
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)))
    },
  }
}
