/** What a start loads before it listens, and what a server does at rest: counted, so that a busy machine fails nothing. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ofNoEngine } from './engine.ts'
import { endWithUs } from './hard-end.ts'
import { temporaryFolder } from './server.ts'

const bin = join(import.meta.dirname, '..', 'bin', 'countersign.js')

/** Prints the path of each module that is loaded, of main and of threads; `ready` once the server announces itself. */
const tracer = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  import { writeSync } from 'node:fs'
  import { isMainThread } from 'node:worker_threads'
  registerHooks({ load(url, context, next) {
    writeSync(2, 'loaded ' + (isMainThread ? 'main' : 'thread') + ' ' + url + '\\n')
    return next(url, context)
  } })`)}`

/** Starts a development server. `announced` resolves when it prints where it listens, or has ended without. */
function begin(data: string, { imports = [], args = [] }: { imports?: string[]; args?: string[] } = {}) {
  const child = spawn(
    process.execPath,
    [
      ...imports.flatMap((one) => ['--import', one]),
      ...[bin, 'serve', '--dev', '--json', '--data', data, '--http', '127.0.0.1:0', '--https', 'off'],
      ...args,
    ],
    { env: { PATH: process.env.PATH }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  endWithUs(child)
  const printed = { out: '', err: '' }
  child.stderr.on('data', (chunk) => {
    printed.err += chunk
  })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const announced = new Promise<void>((resolve) => {
    child.stdout.on('data', (chunk) => {
      printed.out += chunk
      if (printed.out.includes('\n')) resolve()
    })
    void ended.then(resolve)
  })
  const stop = async () => {
    child.kill('SIGTERM')
    await ended
  }
  return { pid: child.pid!, printed, announced, [Symbol.asyncDispose]: stop }
}

/** Starts a server, stops it when it listens. @returns The modules that it loaded until then, and what it printed. */
async function startOnce(data: string, args: string[] = []) {
  await using server = begin(data, { imports: [tracer], args })
  await server.announced
  const { out, err } = server.printed
  return { out, loaded: [...err.matchAll(/^loaded (.*)$/gm)].map(([, line]) => line!) }
}

test('a start loads what it listens with, and nothing that is for later', async () => {
  const data = temporaryFolder()
  try {
    await startOnce(data) // makes demo accounts
    const { loaded, out } = await startOnce(data)
    assert.match(out, /"http":"http:/)
    const later =
      /node_modules\/(libphonenumber-js|yaml|prom-client|liquidjs|undici|nodemailer|smtp-server|ioredis|pg|selfsigned|ajv|typebox|jose|altcha-lib|swagger-ui-dist)\//
    assert.deepEqual(
      loaded.filter((one) => later.test(one)),
      [],
    )
    const files = new Set(loaded.filter((one) => one.includes('file:')))
    assert.ok(files.size > 100, 'the trace works')
    assert.ok(files.size < 650, `${files.size} modules`)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})

test('a first start keeps compiled code, and one that is refused leaves no folder behind', async () => {
  const above = temporaryFolder()
  const data = join(above, 'data')
  try {
    const refused = await startOnce(data, ['--config', join(above, 'not-there.yaml')])
    assert.equal(refused.out, '')
    assert.equal(existsSync(data), false)
    await startOnce(data)
    const kept = readdirSync(join(data, 'cache'), { recursive: true })
    assert.ok(kept.length > 200, `${kept.length} files of compiled code`)
  } finally {
    rmSync(above, { recursive: true, force: true })
  }
})

test(
  'a server at rest is hardly ever woken',
  process.platform === 'linux' ? ofNoEngine : { skip: 'counts by /proc' },
  async () => {
    const data = temporaryFolder()
    try {
      await using server = begin(data)
      await server.announced
      const wakes = (): number => {
        const tasks = `/proc/${server.pid}/task`
        return readdirSync(tasks)
          .map((id) =>
            /^voluntary_ctxt_switches:\s+(\d+)$/m.exec(readFileSync(join(tasks, id, 'status'), 'utf8')),
          )
          .reduce((sum, found) => sum + Number(found![1]), 0)
      }
      const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
      await pause(3_000) // what a start leaves to be done
      const [before, startedAt] = [wakes(), performance.now()]
      await pause(5_000)
      const each = (wakes() - before) / ((performance.now() - startedAt) / 1000)
      // A timer of 10 ms, which measures the event loop, makes a hundred by itself.
      assert.ok(each < 40, `${Math.round(each)} times a second`)
    } finally {
      rmSync(data, { recursive: true, force: true })
    }
  },
)
