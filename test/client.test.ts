/** The client as npm packs it against the built server, on each platform that it promises. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { Webhook } from 'standardwebhooks'
import { type Api, apiWith } from './api.ts'
import { launchChromium, withChromium } from './chromium.ts'
import { type ClientLine, startClientLine } from './client-line.ts'
import { type ClientPackage, packClient } from './client-package.ts'
import { peerAt, requirePeer } from './peers.ts'
import { newNumber, type Server, startServer } from './server.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const exercise = join(root, 'client', 'test', 'exercise.js')
const olderNode = (major: number) =>
  ['x64', 'arm64'].map((cpu) =>
    join(root, 'client', 'test', 'nodes', 'node_modules', `node-${major}-${cpu}`, 'bin', 'node'),
  )
const nodes = [
  ['Node 20', olderNode(20)],
  ['Node 22', olderNode(22)],
  ['the Node of the lock file', [process.execPath]],
] as const

let server: Server
let client: ClientPackage
let line: ClientLine
let api: Api

before(async () => {
  ;[server, client] = await Promise.all([startServer(), packClient()])
  api = await apiWith(server, '--test', '--scope', 'verifications:write', 'verifications:read', 'events:read')
  const texts = client.files.filter((path) => path.endsWith('.js'))
  const script = (path: string) => ({ type: 'text/javascript', text: readFileSync(path, 'utf8') })
  line = await startClientLine(server.http, {
    '/': { type: 'text/html', text: '<!doctype html><title>client</title>' },
    '/exercise.js': script(exercise),
    ...Object.fromEntries(texts.map((path) => [`/client/${path}`, script(join(client.folder, path))])),
  })
  cpSync(exercise, join(client.project, 'exercise.js'))
  writeFileSync(join(client.project, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(client.project, 'run.js'),
    `import * as client from '@countersign/client'
import * as testing from '@countersign/client/testing'
import { exercise } from './exercise.js'
console.log(JSON.stringify(await exercise({ ...client, ...testing }, JSON.parse(process.env.GIVEN))))
`,
  )
})
after(async () => {
  await line?.[Symbol.asyncDispose]()
  client?.[Symbol.dispose]()
  await server?.[Symbol.asyncDispose]()
})

/** The same on each platform, with an address of its own. */
function given() {
  return {
    url: line.url,
    lossyUrl: line.lossyUrl,
    issuer: server.http,
    key: api.key,
    // Of the server itself, because the inbox does not answer through a proxy.
    inbox: `${line.url}/inbox?key=${server.inboxKey}`,
    app: server.app.id,
    to: newNumber(),
    subject: 'u_42',
    webhooks: [byTheLibrary(), byPublicKey()],
  }
}

const body = JSON.stringify({ id: 'evt_1', type: 'verification.used', data: {} })

function byTheLibrary() {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const at = new Date()
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`,
    'webhook-signature': new Webhook(secret).sign('msg_1', at, body),
  }
  return { headers, body, secret }
}

function byPublicKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const at = `${Math.floor(Date.now() / 1000)}`
  const signature = sign(null, Buffer.from(`msg_2.${at}.${body}`), privateKey).toString('base64')
  const headers = { 'webhook-id': 'msg_2', 'webhook-timestamp': at, 'webhook-signature': `v1a,${signature}` }
  return { headers, body, secret: `whpk_${raw.toString('base64')}` }
}

/** Two calls went over the lossy line: each arrived twice, and a third try met a server in trouble. */
function lost(before: ClientLine['tries']): void {
  const { made, arrived } = line.tries
  assert.ok(made - before.made >= 6 && arrived - before.arrived >= 4, JSON.stringify(line.tries))
}

const expected = {
  code: 6,
  wrong: ['refused', 'wrong', 4],
  right: 'verified',
  again: ['refused', 'used'],
  claims: [true, 'u_42'],
  elsewhere: ['proof', 0],
  state: 'used',
  received: ['evt_1', 'evt_1'],
  forged: ['webhook', 0],
  unknown: ['not-found', 404],
  refused: ['address-invalid', 422],
  stranger: ['unauthenticated', 401],
}

for (const [name, paths] of nodes)
  test(`in ${name} the client does all that it promises, over a line that loses answers`, {
    ...requirePeer(`${name} (npm ci --prefix client/test/nodes)`, paths),
  }, async () => {
    const before = { ...line.tries }
    const env = { ...process.env, GIVEN: JSON.stringify(given()) }
    const { stdout } = await run(peerAt(paths)!, ['run.js'], { cwd: client.project, env })
    assert.deepEqual(JSON.parse(stdout), expected)
    lost(before)
  })

test(
  'in a browser the client does all that it promises, over a line that loses answers',
  withChromium,
  async () => {
    const browser = await launchChromium()
    try {
      const before = { ...line.tries }
      const page = await browser.newPage()
      await page.goto(line.url)
      const told = await page.evaluate(
        `(async (given) => {
        const modules = await Promise.all(['/client/dist/index.js', '/client/dist/testing.js', '/exercise.js'].map((path) => import(path)))
        const lib = Object.assign({}, ...modules)
        return lib.exercise(lib, given)
      })(${JSON.stringify(given())})`,
      )
      assert.deepEqual(told, expected)
      lost(before)
    } finally {
      await browser.close()
    }
  },
)
