/** The examples as their readers run them: beside the client as npm packs it, against the built server. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Api, apiWith, otherThan } from './api.ts'
import { type ClientPackage, packClient } from './client-package.ts'
import { endWithUs } from './hard-end.ts'
import { newNumber, type Server, startServer } from './server.ts'

const examples = join(import.meta.dirname, '..', 'examples')
let server: Server
let client: ClientPackage
let api: Api

before(async () => {
  ;[server, client] = await Promise.all([startServer(), packClient()])
  api = await apiWith(server, '--test')
})
after(async () => {
  client?.[Symbol.dispose]()
  await server?.[Symbol.asyncDispose]()
})

const env = () => ({ ...process.env, COUNTERSIGN_URL: server.http, COUNTERSIGN_KEY: api.key })

function start(command: string, args: readonly string[], more: Record<string, string> = {}): ChildProcess {
  const child = spawn(command, args, { cwd: client.project, env: { ...env(), ...more } })
  endWithUs(child)
  return child
}

test('the sign-up page lets in who enters the right code, and nobody else, in at most 60 lines', async () => {
  const file = join(examples, 'sign-up', 'sign-up.js')
  assert.ok(readFileSync(file, 'utf8').trimEnd().split('\n').length <= 60)
  copyFileSync(file, join(client.project, 'sign-up.mjs'))
  const child = start(process.execPath, ['sign-up.mjs'], { PORT: '0' })
  let errors = ''
  child.stderr!.on('data', (chunk) => {
    errors += chunk
  })
  try {
    const [port] = await Promise.race([
      once(child.stdout!, 'data'),
      once(child, 'exit').then(() => assert.fail(errors)),
    ])
    const url = `http://127.0.0.1:${`${port}`.trim()}`
    const first = await fetch(url)
    const cookie = first.headers.get('set-cookie')!.split(';')[0]!
    const send = async (path: string, form: Record<string, string>, by = cookie) => {
      const headers = { cookie: by }
      return (
        await fetch(`${url}${path}`, { method: 'POST', headers, body: new URLSearchParams(form) })
      ).text()
    }
    assert.match(await first.text(), /<form method="post" action="\/start">/)
    assert.match(await send('/start', { to: 'nobody' }), /no address that we can reach/)
    const to = newNumber()
    assert.match(await send('/start', { to }), /We sent a code to \+86138\*\*\*\*/)
    const code = await server.codeFor(to)
    assert.match(await send('/check', { code: otherThan(code) }), /That code is wrong\. 4 tries are left/)
    assert.match(await send('/check', { code }, 'session=another'), /Please begin again/)
    assert.match(await send('/check', { code }), new RegExp(`Welcome! \\${to} is yours`))
    assert.match(await send('/check', { code }), /no longer good/)
    assert.equal(errors, '')
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

test('the script of curl asks again after a wrong code, and prints the answer to the right one', async () => {
  const to = newNumber()
  const child = start('sh', [join(examples, 'curl', 'verify.sh'), to])
  let printed = ''
  let asked = ''
  child.stdout!.on('data', (chunk) => {
    printed += chunk
  })
  child.stderr!.on('data', (chunk) => {
    asked += chunk
  })
  const ended = once(child, 'exit')
  const code = await server.codeFor(to)
  child.stdin!.end(`${otherThan(code)}\n${code}\n`)
  assert.equal((await ended)[0], 0, asked)
  assert.match(asked, /That code is wrong/)
  assert.equal((JSON.parse(printed) as { result: string }).result, 'verified')
})

test('the script of curl ends with the problem if the server refuses', async () => {
  const child = start('sh', [join(examples, 'curl', 'verify.sh'), 'nobody'])
  let asked = ''
  child.stderr!.on('data', (chunk) => {
    asked += chunk
  })
  assert.equal((await once(child, 'exit'))[0], 1)
  assert.match(asked, /problems\/address-invalid/)
})
