/** The primary process among workers that fail, hang, or cannot even be made. */

import assert from 'node:assert/strict'
import cluster from 'node:cluster'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach, test } from 'node:test'
import { createLog } from '../src/log.ts'
import { createPrimary, type Primary } from '../src/workers/primary.ts'
import type { Script } from './scripted-worker.ts'
import { temporaryFolder } from './server.ts'
import { until } from './until.ts'

const folder = temporaryFolder()
process.env.COUNTERSIGN_SCRIPT = join(folder, 'script.json')
after(() => rmSync(folder, { recursive: true, force: true }))

const plan = (script: Script) => writeFileSync(process.env.COUNTERSIGN_SCRIPT!, JSON.stringify(script))
const pids = () => Object.values(cluster.workers ?? {}).flatMap((one) => one?.process.pid ?? [])

/** Fails when it must end by itself, and does not. */
function soon<T>(promise: Promise<T>): Promise<T> {
  const late = AbortSignal.timeout(15_000)
  return Promise.race([
    promise,
    new Promise<never>((_, reject) => late.addEventListener('abort', () => reject(new Error('it waits')))),
  ])
}

let lines: string[] = []
beforeEach(async () => {
  for (const pid of pids()) process.kill(pid, 'SIGKILL')
  await until(() => pids().length === 0)
  lines = []
  plan({})
  cluster.setupPrimary({
    exec: join(import.meta.dirname, 'scripted-worker.ts'),
    args: [],
    execArgv: [],
    cwd: folder,
    silent: true,
  })
})
const said = (text: string) => lines.filter((line) => line.includes(text)).length

function newPrimary(workers: number): Primary<object> & AsyncDisposable {
  const primary = createPrimary({
    workers,
    stopWithinMs: 60_000,
    log: createLog('info', {}, (line) => void lines.push(line)),
    checkSettings() {},
  })
  return { ...primary, [Symbol.asyncDispose]: () => primary.stop() }
}

test('a restart that is asked for while the workers begin comes after', async () => {
  await using primary = newPrimary(3)
  const starting = primary.start()
  const restartsByThen = starting.then(() => said('restarting the workers'))
  await soon(primary.restart())
  assert.ok('http' in (await starting), 'the first one has begun')
  assert.equal(await restartsByThen, 0)
  assert.equal(pids().length, 3, 'one process for each number')
  assert.equal(said('the workers are restarted'), 1)
})

test('a restart begins with those that do not serve, and leaves those that do if one cannot begin', async () => {
  await using primary = newPrimary(3)
  plan({ 3: 'fail' })
  await primary.start()
  await until(() => said('another one takes its place') >= 2)
  const serving = pids().slice(0, 2)
  await soon(primary.restart())
  assert.equal(said('the other workers are not restarted'), 1)
  assert.deepEqual(pids().slice(0, 2), serving)
  plan({})
  await soon(primary.restart())
  assert.equal(said('the workers are restarted'), 1)
  assert.ok(!pids().some((one) => serving.includes(one)))
})

test('a primary that is told to stop leaves nothing behind that keeps its process', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const before = timers()
  const primary = newPrimary(2)
  plan({ 2: 'fail' })
  await primary.start()
  await until(() => said('another one takes its place') >= 2)
  await soon(primary.stop())
  assert.equal(timers(), before, 'it waits for nothing')
  assert.deepEqual(pids(), [])
})

test('a worker that does not stop is killed, by the time it named itself', async () => {
  const primary = newPrimary(2)
  plan({ 2: 'stay' })
  await primary.start()
  await soon(primary.stop())
  assert.ok(lines.some((line) => line.includes('did not stop in time') && line.includes('"worker":2')))
  assert.deepEqual(pids(), [])
})

test('a worker that cannot be made for a while does not end the others', async () => {
  await using primary = newPrimary(2)
  await primary.start()
  const [victim, other] = pids()
  cluster.setupPrimary({ cwd: join(folder, 'none') })
  process.kill(victim!, 'SIGKILL')
  await until(() => said('another one takes its place') >= 3)
  assert.deepEqual(pids(), [other])
  cluster.setupPrimary({ cwd: folder })
  await until(() => pids().length === 2)
  await soon(primary.restart())
  assert.equal(said('the workers are restarted'), 1)
})

test('a first worker that cannot begin is told as such: nothing takes its place', async () => {
  await using primary = newPrimary(2)
  plan({ 1: 'fail' })
  assert.deepEqual(await primary.start(), { exitCode: 7 })
  assert.equal(said('another one takes its place'), 0)
})

test('a worker whose counts cannot be added ends nobody', async () => {
  await using primary = newPrimary(2)
  plan({ 2: 'miscount' })
  await primary.start()
  // Asked for by that worker, as for a scrape that came to it.
  await until(() => said('the counts of the workers cannot be merged') > 0)
  plan({})
  await soon(primary.restart())
  assert.match(await primary.metrics(), /^countersign_worker_ends_total 0$/m)
})
