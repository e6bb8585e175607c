/** One Redis process of a test: its folder, its ports, its signals; stopped and started again on what it kept. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Reply, redisCommand } from './redis-command.ts'
import { until } from './until.ts'

export const redisPath = '/usr/bin/redis-server'

export type RedisNode = AsyncDisposable & {
  readonly port: number
  readonly pid: () => number
  /** As the default user, with the password. */
  command(...args: string[]): Promise<Reply>
  isUp(): Promise<boolean>
  /** The fields of INFO, of one section or all. */
  info(section?: string): Promise<Readonly<Record<string, string>>>
  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGTERM'): void
  /** As a crash: no goodbye, nothing more written. */
  kill(): Promise<void>
  /** On what it kept, and on its port. */
  start(): Promise<void>
  /** What it logged so far. */
  log(): string
}

/**
 * @param settings  Lines of redis.conf: a node in a cluster or behind Sentinel rewrites its own.
 * @param options.sentinel  Run as a Sentinel, which has no data.
 */
export async function startRedisNode(
  settings: readonly string[],
  options: { readonly port?: number; readonly password?: string | null; readonly sentinel?: boolean } = {},
): Promise<RedisNode> {
  const { password = null, sentinel = false } = options
  const port = options.port ?? (await quietPort())
  const root = mkdtempSync(join(tmpdir(), 'countersign-redis-'))
  const [configFile, logFile] = [join(root, 'redis.conf'), join(root, 'redis.log')]
  mkdirSync(join(root, 'data'))
  writeFileSync(logFile, '')
  writeFileSync(
    configFile,
    [`port ${port}`, 'bind 127.0.0.1', `dir ${join(root, 'data')}`, `logfile ${logFile}`, ''].join('\n'),
  )
  if (password !== null && !sentinel)
    appendFileSync(configFile, `requirepass ${password}\nmasterauth ${password}\n`)
  appendFileSync(configFile, `${settings.join('\n')}\n`)

  const command = (...args: string[]) => redisCommand(port, sentinel ? null : password, args)
  const log = () => readFileSync(logFile, 'utf8')
  let child: ChildProcess
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null

  async function start(): Promise<void> {
    child = spawn(redisPath, [configFile, ...(sentinel ? ['--sentinel'] : [])], {
      stdio: 'ignore',
      cwd: root,
    })
    await until(async () => {
      if (hasEnded()) throw new Error(`Redis ended:\n${log()}`)
      return isUp()
    })
  }

  /** PONG is an error while it still reads its data. */
  const isUp = () =>
    command('PING').then(
      (reply) => reply === 'PONG',
      () => false,
    )

  async function kill(): Promise<void> {
    if (hasEnded()) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  async function dispose(): Promise<void> {
    await kill()
    rmSync(root, { recursive: true, force: true })
  }

  try {
    await start()
  } catch (error) {
    await dispose()
    throw error
  }
  return {
    port,
    pid: () => child.pid!,
    command,
    isUp,
    async info(section = 'all') {
      const text = String(await command('INFO', section))
      return Object.fromEntries(
        text
          .split('\r\n')
          .filter((line) => line.includes(':'))
          .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
      )
    },
    signal: (name) => void child.kill(name),
    kill,
    start,
    log,
    [Symbol.asyncDispose]: dispose,
  }
}

const given = new Set<number>()

/**
 * A free port below the range that outgoing connections take theirs from: a node that is down for a
 * while finds its port again. Never the same twice: who asked before may not listen yet.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (given.has(port)) continue
    given.add(port)
    const server = createServer()
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
