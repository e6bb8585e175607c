/** Starting the server by the command line: what it prints, refuses and leaves. */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { createProgram } from '../src/cli/program.ts'
import { besideServer, run } from './cli-run.ts'
import { dropStore, storeEnv } from './engine.ts'
import { bin, newNumber, startServer, temporaryFolder } from './server.ts'

const on = besideServer()
const { beside } = on

test('the first start of serve --dev prints what a newcomer needs, and the lines work as pasted', async () => {
  const folder = temporaryFolder()
  const child = spawn(
    process.execPath,
    [bin, 'serve', '--dev', '--data', folder, '--http', '127.0.0.1:0', '--https', '127.0.0.1:0'],
    { env: { ...process.env, ...(await storeEnv(folder)) }, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  let printed = ''
  for await (const chunk of child.stdout) {
    printed += chunk
    if (printed.includes('Ctrl-C')) break
  }
  const demo = JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8'))
  for (const fact of [
    demo.app.id,
    demo.app.key,
    demo.apiKey,
    demo.admin.account,
    demo.admin.password,
    demo.member.password,
  ])
    assert.ok(printed.includes(fact), fact)
  for (const address of [/https:\/\/127\.0\.0\.1:\d+/, /http:\/\/127\.0\.0\.1:\d+\/inbox\?key=[\w-]{43}\n/])
    assert.match(printed, address)
  const lines = printed.split('\n').filter((line) => /curl /.test(line))
  assert.equal(lines.length, 5)
  // The code arrives a moment after it was sent; a person takes longer than that to paste.
  lines.splice(4, 0, 'sleep 0.3')
  lines.splice(1, 0, 'sleep 0.3')
  const { stdout } = await promisify(execFile)('bash', ['-c', lines.join('\n')])
  assert.equal(stdout.match(/HTTP\/1\.1 200 OK/g)?.length, 3, stdout)
  assert.match(stdout, /"result":"verified"/)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
  rmSync(folder, { recursive: true })
})

test('a second start keeps the data and tells the same demo; what is written is for its owner alone', async () => {
  const dataFolder = temporaryFolder()
  const first = await startServer({ dataFolder })
  await first.stop()
  const second = await startServer({ dataFolder })
  assert.deepEqual([second.app, second.member, second.admin], [first.app, first.member, first.admin])
  assert.equal(second.apiKey, first.apiKey)
  assert.equal(
    (
      await second.call('POST', '/v1/verifications', {
        headers: { authorization: `Bearer ${second.apiKey}` },
        body: { to: newNumber() },
      })
    ).status,
    201,
  )
  await second.logIn('someone')
  for (const name of readdirSync(dataFolder)) {
    const { mode } = statSync(join(dataFolder, name))
    assert.equal(mode & 0o077, 0, name)
  }
  assert.equal(await second.stop(), 0)
  rmSync(dataFolder, { recursive: true })
})

test('a first start that was cut off before the demo was stored is made good by the next', async () => {
  const dataFolder = temporaryFolder()
  const first = await startServer({ dataFolder })
  await first.stop()
  await dropStore(dataFolder)
  const second = await startServer({ dataFolder })
  assert.deepEqual(second.app, first.app)
  await second.logIn('someone')
  await second.stop()
  rmSync(dataFolder, { recursive: true })
})

test('a server told twice to stop ends as one told once: drained', async () => {
  const stopping = await startServer()
  const ended = once(stopping.process, 'close')
  stopping.process.kill('SIGINT')
  stopping.process.kill('SIGINT')
  stopping.process.kill('SIGTERM')
  await ended
  assert.match(stopping.output(), /"msg":"stopped"/)
  await stopping[Symbol.asyncDispose]()
})

test('a second server on the same data folder is refused with exit code 3', async () => {
  const { code, err } = await beside('serve', '--dev', '--http', '127.0.0.1:0', '--https', 'off')
  assert.equal(code, 3)
  assert.match(err, /already runs on the data folder/)
})

test('serve without --dev is refused with everything that is missing, and leaves nothing behind', async () => {
  const folder = temporaryFolder()
  const { code, err } = await run(['serve', '--data', join(folder, 'data')])
  assert.equal(code, 2)
  for (const missing of ['--config', 'keyRing', 'tls', 'providers'])
    assert.match(err, new RegExp(`^- ${missing}:`, 'm'))
  const lifted = await run(['serve', '--limits', 'none', '--data', join(folder, 'data')])
  assert.match(lifted.err, /^- limits: none .*only with --dev/m)
  assert.deepEqual(readdirSync(folder), [])
  rmSync(folder, { recursive: true })
})

test('a start that fails after it began ends its process, and tells why', async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'master.key'), 'no key\n')
  const start = promisify(execFile)(
    process.execPath,
    [bin, 'serve', '--dev', '--data', folder, '--http', '127.0.0.1:0', '--https', 'off'],
    { timeout: 20_000 },
  )
  await assert.rejects(start, (error: { code?: number; stderr?: string }) => {
    assert.equal(error.code, 2)
    assert.match(error.stderr ?? '', /master\.key: line 1: expected "id:key"/)
    return true
  })
  rmSync(folder, { recursive: true })
})

test('bad command lines end with 2 and their reason', async () => {
  for (const [args, reason] of [
    [['serv'], /unknown command 'serv'/],
    [['serve', '--port', '1'], /unknown option '--port'/],
    [['serve', '--dev', '--http', 'x'], /http: must be HOST:PORT/],
    [['app', 'create', '--name', 'x'], /required option '--tenant <id>'/],
    [['app', 'disable'], /missing required argument 'id'/],
    [['app', 'list', '--data', '/nowhere'], /\/nowhere\/countersign\.db: There is no store/],
    [['member', 'add', '--tenant', 't', '--account', 'a', '--role', 'king'], /Allowed choices/],
  ] as const) {
    const { code, err } = await run(args)
    assert.equal(code, 2, args.join(' '))
    assert.match(err, reason)
  }
})

test('every command has a help with an example, and exit codes are told', async () => {
  const top = await run(['--help'])
  assert.equal(top.code, 0)
  assert.match(top.out, /Exit codes: 0 .*1 .*2 .*3 /)
  const program = createProgram(
    { env: {}, out() {}, err() {}, readInput: async () => new Uint8Array(), onStop() {} },
    () => {},
  )
  const commands = program.commands.flatMap((one) =>
    one.commands.length > 0 ? one.commands.map((sub) => [one.name(), sub.name()]) : [[one.name()]],
  )
  assert.equal(commands.length, 32)
  for (const command of commands) {
    const { code, out } = await run([...command, '--help'])
    assert.equal(code, 0)
    assert.match(out, /Examples:\n {2}countersign /, command.join(' '))
  }
})

test('serve tells all that is wrong with key ring and certificate at once, before anything is made', async () => {
  const dataFolder = temporaryFolder()
  const file = join(dataFolder, 'settings.yaml')
  const ring = join(dataFolder, 'master.key')
  await run(['keys', 'rotate', '--data', dataFolder])
  chmodSync(ring, 0o644)
  writeFileSync(join(dataFolder, 'chain.pem'), 'no certificate')
  writeFileSync(join(dataFolder, 'key.pem'), 'no key')
  writeFileSync(
    file,
    `data: ${dataFolder}\ntls: { certificate: ${dataFolder}/chain.pem, key: ${dataFolder}/key.pem }\npolicy: { countries: all }\nproviders: { s: { type: sandbox } }\n`,
  )
  const { code, err } = await run(['serve', '--config', file])
  assert.equal(code, 2)
  assert.match(err, /master\.key can be read by others; chmod 600/)
  assert.match(err, /chain\.pem is no certificate in PEM/)
  assert.match(err, /key\.pem is no private key in PEM/)
  assert.equal(existsSync(join(dataFolder, 'countersign.db')), false)
  rmSync(dataFolder, { recursive: true })
})

test('settings of an app that does not exist are refused at the start, by its id', async () => {
  const dataFolder = temporaryFolder()
  const file = join(dataFolder, 'settings.yaml')
  writeFileSync(file, 'apps: { no-such-app: { needsProof: false } }\n')
  const { code, err } = await run(
    ['serve', '--dev', '--config', file, '--data', dataFolder, '--http', '127.0.0.1:0', '--https', 'off'],
    { env: await storeEnv(dataFolder) },
  )
  assert.equal(code, 2)
  assert.match(err, /apps\.no-such-app: there is no such app; "countersign app list" shows them/)
  rmSync(dataFolder, { recursive: true })
})
