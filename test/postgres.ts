/** A PostgreSQL of its own for a test: one loopback port, its own data, stopped, hung and killed as a test likes. */

import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { freePort } from './free-port.ts'
import { endWithUs } from './hard-end.ts'
import { peerAt } from './peers.ts'

/** Newest first. */
export const postgresPaths = [18, 17, 16, 15, 14].map(
  (version) => `/usr/lib/postgresql/${version}/bin/postgres`,
)

const user = 'countersign'
const password = 'a-password-of-the-tests'

export type Postgres = {
  readonly port: number
  /** Of its certificate, if it has one. */
  readonly caFile: string | null
  /** For `openPostgresStore`, into a database of its own. */
  client(database: string): {
    host: string
    port: number
    user: string
    password: string
    database: string
    ssl: false
  }
  /** Made empty; owned by the user of the tests. */
  newDatabase(): Promise<string>
  /** As the administrator; every value as text. */
  query(text: string, database?: string): Promise<Record<string, string>[]>
  /** Of every process of the server that runs at this moment. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  /** No file of the server may grow beyond so many bytes, as on a full disk; null: as it likes. */
  limitFiles(bytes: number | null): void
  /** As a crash: no goodbye, no clean data. */
  kill(): Promise<void>
  /** As an operator stops it: connections are ended, data is clean. */
  stop(): Promise<void>
  start(): Promise<void>
  /** Waits until it answers, starting it if it has ended by itself. */
  heal(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** A command as the user of PostgreSQL, which refuses to run as root, as PgBouncer does. */
export function unprivileged(command: string, args: readonly string[]): [string, string[]] {
  return process.getuid?.() === 0
    ? ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', command, ...args]]
    : [command, [...args]]
}

/**
 * @param settings  Lines of postgresql.conf, over the defaults: flushes on, as in production.
 * @param tls  PEM texts of a certificate, if it shall have one.
 * @param parent  The folder of its own folder.
 */
export async function startPostgres(
  settings: Readonly<Record<string, string | number>> = {},
  tls?: { readonly cert: string; readonly private: string },
  parent = tmpdir(),
): Promise<Postgres> {
  const program = peerAt(postgresPaths)!
  const root = mkdtempSync(join(parent, 'countersign-postgres-'))
  if (process.getuid?.() === 0) execFileSync('chown', ['postgres:', root])
  else chmodSync(root, 0o700)
  const data = join(root, 'data')
  const passwordFile = join(root, 'password')
  writeFileSync(passwordFile, password, { mode: 0o644 })
  const [initdb, initdbArgs] = unprivileged(join(program, '..', 'initdb'), [
    `--pgdata=${data}`,
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--auth=scram-sha-256',
    '--username=admin',
    `--pwfile=${passwordFile}`,
    '--no-sync',
  ])
  // Not synchronous: a test may be in the middle of another one's faults.
  await promisify(execFile)(initdb, initdbArgs, { cwd: root })
  const port = await freePort()
  const [certFile, keyFile] = [join(root, 'tls.pem'), join(root, 'tls.key')]
  if (tls) {
    writeFileSync(certFile, tls.cert)
    writeFileSync(keyFile, tls.private, { mode: 0o600 })
    if (process.getuid?.() === 0) execFileSync('chown', ['postgres:', keyFile])
  }
  const options = Object.entries({
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    shared_buffers: '64MB',
    ...(tls && { ssl: 'on', ssl_cert_file: certFile, ssl_key_file: keyFile }),
    ...settings,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`])

  let server: ChildProcess | undefined
  let words = ''
  async function start(): Promise<void> {
    const [command, args] = unprivileged(program, ['-D', data, ...options])
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'], cwd: root })
    endWithUs(child)
    child.stderr!.on('data', (chunk) => {
      words += chunk
    })
    server = child
    for (const end = Date.now() + 30_000; !(await answers()); ) {
      if (child.exitCode !== null) throw new Error(`PostgreSQL ended:\n${words}`)
      if (Date.now() > end) throw new Error(`PostgreSQL did not start in 30 s:\n${words}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  const answers = () =>
    query('select 1').then(
      () => true,
      () => false,
    )

  async function query(text: string, database = 'postgres'): Promise<Record<string, string>[]> {
    const client = new Client({ host: '127.0.0.1', port, user: 'admin', password, database, ssl: false })
    client.on('error', () => undefined)
    await client.connect()
    try {
      return (await client.query(text)).rows as Record<string, string>[]
    } finally {
      await client.end()
    }
  }

  function signal(name: NodeJS.Signals): void {
    const pid = server!.pid!
    for (const one of [pid, ...childrenOf(pid)]) {
      try {
        process.kill(one, name)
      } catch {
        // ended in the meantime
      }
    }
  }

  async function ended(child: ChildProcess): Promise<void> {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }

  let databases = 0
  try {
    await start()
    await query(`create role ${user} login password '${password}'`)
  } catch (error) {
    signal('SIGKILL')
    rmSync(root, { recursive: true, force: true })
    throw error
  }
  return {
    port,
    caFile: tls ? certFile : null,
    client: (database) => ({ host: '127.0.0.1', port, user, password, database, ssl: false }),
    async newDatabase() {
      const name = `db${++databases}`
      await query(`create database ${name} owner ${user}`)
      return name
    },
    query,
    signal,
    limitFiles(bytes) {
      // As the server's own user, who may; without capabilities root may not.
      for (const pid of [server!.pid!, ...childrenOf(server!.pid!)])
        try {
          execFileSync(
            ...unprivileged('prlimit', ['--pid', String(pid), `--fsize=${bytes ?? 'unlimited'}:`]),
            {
              stdio: 'ignore',
            },
          )
        } catch {
          // ended in the meantime
        }
    },
    async kill() {
      const child = server!
      signal('SIGKILL')
      await ended(child)
    },
    async stop() {
      const child = server!
      child.kill('SIGINT')
      await ended(child)
    },
    start,
    async heal() {
      for (const end = Date.now() + 30_000; !(await answers()); ) {
        if (server!.exitCode !== null || server!.signalCode !== null) return start()
        if (Date.now() > end) throw new Error(`PostgreSQL does not answer:\n${words}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    async [Symbol.asyncDispose]() {
      const child = server!
      signal('SIGCONT')
      // At once, as the data goes with it.
      child.kill('SIGQUIT')
      await ended(child)
      rmSync(root, { recursive: true, force: true })
    },
  }
}

function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === parent
      } catch {
        return false
      }
    })
    .map(Number)
}
