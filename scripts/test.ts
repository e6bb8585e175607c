/**
 * Runs the tests. `npm test`: all over the embedded store but the long ones. `npm run test:long`: those, then each
 * test of the product over HTTP over every other engine. Over one engine: `npm run test:engine -- postgres
 * [test/wire.test.ts …]`.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { type EngineName, type EngineServers, engines } from '../test/engine.ts'
import { peerAt, requirePeer } from '../test/peers.ts'
import { postgresPaths, startPostgres } from '../test/postgres.ts'
import { type Redis, redisPath, startRedis, startRedisCluster } from '../test/redis.ts'
import { unseenAnswers } from './seen-answers.ts'

const root = join(import.meta.dirname, '..')

/** Test files at once: much of their time they wait, for a server to start or for a code to run out. */
const concurrency = 3

/** No test takes so long, nor may one: a test that hangs must fail while somebody still waits for the run. */
const maxTestMs = 9 * 60_000

/** What takes minutes, by waiting or by repeating: for `npm run test:long`, and so for CI. */
const longTests = [
  'test/api-fuzz-long.test.ts',
  'test/bench.test.ts',
  'test/equal-time.test.ts',
  'test/faults.test.ts',
  'test/move.test.ts',
  'test/reliability.test.ts',
  'test/reliability/plants.test.ts',
  'test/several-servers.test.ts',
  'test/webhook-faults.test.ts',
]

const {
  positionals,
  values: { long: isLong = false },
} = parseArgs({ allowPositionals: true, options: { long: { type: 'boolean' } } })
const [stated, ...files] = positionals
const chosen = engines.find((name) => name === stated)
if (stated !== undefined && chosen === undefined) {
  console.error(`${stated}: is no engine; name one of ${engines.join(', ')}`)
  process.exit(2)
}

// A test starts the server over and over: compiled once, it is up in half the time.
const compiled = mkdtempSync(join(tmpdir(), 'countersign-compiled-'))
let isStopped = false
const told: string[] = []
for (const engine of chosen ? [chosen] : isLong ? engines : (['sqlite'] as const)) {
  if (isStopped) break
  const startedAt = performance.now()
  const outcome = await runOver(engine, files.length > 0 ? files : testsOf(engine))
  told.push(`${engine}: ${outcome} in ${Math.round((performance.now() - startedAt) / 1000)} s`)
}
rmSync(compiled, { recursive: true })
console.log(`\n${told.join('\n')}`)

function testsOf(engine: EngineName): string[] {
  const all = globSync(['src/**/*.test.ts', 'client/src/*.test.ts', 'test/**/*.test.ts'], {
    cwd: root,
  }).toSorted()
  if (chosen !== undefined || engine !== 'sqlite') return all.filter(isOverHttp)
  return isLong ? longTests : all.filter((file) => !longTests.includes(file))
}

/** Drives the built server, and brings no store of its own. */
function isOverHttp(file: string): boolean {
  const text = readFileSync(join(root, file), 'utf8')
  return (
    /\b(startServer|besideServer|openShop)\b.*from '\.\.?\/(server|cli-run|hosted-page)\.ts'/s.test(text) &&
    !/from '\.\.?\/postgres\.ts'/.test(text)
  )
}

async function runOver(engine: EngineName, tests: readonly string[]): Promise<string> {
  const { skip } = peersOf(engine)
  if (skip !== undefined) return `skipped, ${skip}`
  await using servers = await startServers(engine)
  // Of a whole run it is known which of the documented answers came. Most tests of the others are of the wire alone.
  const isWhole = engine === 'sqlite' && !isLong && files.length === 0
  const seen = isWhole ? mkdtempSync(join(tmpdir(), 'countersign-seen-')) : undefined
  const child = spawn(
    process.execPath,
    [
      '--test',
      '--test-reporter=spec',
      `--test-concurrency=${concurrency}`,
      `--test-timeout=${maxTestMs}`,
      `--import=${join(root, 'test', 'end-of-file.ts')}`,
      ...tests,
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: compiled,
        COUNTERSIGN_TEST_ENGINE: engine,
        COUNTERSIGN_TEST_SERVERS: JSON.stringify(servers.told),
        ...(seen !== undefined && { COUNTERSIGN_SEEN_ANSWERS: seen }),
      },
    },
  )
  const stop = () => {
    isStopped = true
    child.kill('SIGTERM')
  }
  process.once('SIGINT', stop).once('SIGTERM', stop)
  const [code] = (await once(child, 'exit')) as [number | null]
  process.off('SIGINT', stop).off('SIGTERM', stop)
  if (code !== 0) process.exitCode = 1
  if (seen !== undefined) tellUnseen(seen)
  return code === 0 ? `${tests.length} files passed` : 'FAILED'
}

/** Fails the run if an answer that the API's document promises came in no test of it. */
function tellUnseen(folder: string): void {
  const unseen = unseenAnswers(folder)
  rmSync(folder, { recursive: true })
  if (unseen.length === 0 || isStopped) return
  console.error(`\nThe API's document promises what came in no test:\n${unseen.join('\n')}`)
  process.exitCode = 1
}

function peersOf(engine: EngineName): { skip?: string } {
  if (engine === 'sqlite') return {}
  const postgres = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
  if (engine === 'postgres') return postgres
  return { ...postgres, ...requirePeer('Redis (apt-get install redis-server)', redisPath) }
}

/** One of each for the whole run: a store for each server is made in it. */
async function startServers(engine: EngineName): Promise<AsyncDisposable & { told: EngineServers }> {
  const stack = new AsyncDisposableStack()
  try {
    const told: EngineServers = {
      ...(engine !== 'sqlite' && { postgres: await postgresOf(stack) }),
      ...(engine === 'redis' && { redis: await redisOf(stack.use(await startRedis())) }),
      ...(engine === 'redis-cluster' && { redis: await redisOf(stack.use(await startRedisCluster())) }),
    }
    return { told, [Symbol.asyncDispose]: () => stack.disposeAsync() }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function postgresOf(stack: AsyncDisposableStack): Promise<NonNullable<EngineServers['postgres']>> {
  const postgres = stack.use(await startPostgres({ max_connections: 300 }))
  const { port, user, password } = postgres.client('')
  return { port, user, password, admin: 'admin', programs: dirname(peerAt(postgresPaths)!) }
}

async function redisOf(redis: Redis): Promise<NonNullable<EngineServers['redis']>> {
  const masters = await redis.masters()
  return { url: redis.url, password: redis.password!, masterPorts: masters.map(({ port }) => port) }
}
