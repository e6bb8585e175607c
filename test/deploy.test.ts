/** Holds the files of docs/deploy to the code: they parse, and the settings, paths, ports and times they name fit together. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { createProgram } from '../src/cli/program.ts'
import { exitCodes } from '../src/cli/terminal.ts'
import { newKeyLine } from '../src/code/key-ring.ts'
import { loadSettings } from '../src/config/load-settings.ts'
import type { Settings } from '../src/config/settings.ts'
import { feedQuery } from '../src/http/native/event-schemas.ts'
import { metricsPage, operationsPages } from '../src/http/operations.ts'
import { createServer } from '../src/http/server.ts'
import { requirePeer } from './peers.ts'

const root = join(import.meta.dirname, '..')
const deploy = join(root, 'docs', 'deploy')
const textOf = (name: string) => readFileSync(join(deploy, name), 'utf8')

// biome-ignore lint/suspicious/noExplicitAny: the shape of a document is what the test finds out
function documents(name: string): any[] {
  return parseAllDocuments(textOf(name), { merge: true }).map((one) => {
    assert.deepEqual(one.errors, [], name)
    return one.toJS()
  })
}

/** Settings as a server reads them, with the secrets where the test has them. */
function load(text: string): Settings {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-deploy-'))
  try {
    for (const path of secretsOf(text)) {
      const file = join(folder, path)
      mkdirSync(join(file, '..'), { recursive: true })
      writeFileSync(
        file,
        path.endsWith('master.key') ? `${newKeyLine(new Date())}\n` : 'a secret of twenty and more',
        { mode: 0o600 },
      )
    }
    const file = join(folder, 'settings.yaml')
    writeFileSync(file, text.replaceAll('/run/secrets/', `${folder}/run/secrets/`))
    return loadSettings({ file, env: {}, flags: {}, isDevelopment: false }).settings
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const secretsOf = (text: string) => [...new Set(text.match(/\/run\/secrets\/[\w./-]+/g))]

/** What a stopping server takes at most: its drain, requests, messages in hand. */
const longestStopMs = ({ drainMs }: Settings) => drainMs + 20_000

async function served(): Promise<string[]> {
  const paths: string[] = []
  const server = createServer({ tls: null, trustedProxies: [], onAnswer() {} })
  server.addHook('onRoute', ({ url }) => void paths.push(url))
  await server.register(operationsPages, {
    takesWrites: async () => true,
    isAlive: () => true,
    isReady: () => true,
  })
  const metrics = async () => ({ type: '', text: '' })
  await server.register(metricsPage, { metrics, token: null, isForThisMachine: true })
  await server.close()
  return paths
}

function assertCommand(words: readonly string[]): void {
  const program = createProgram(
    { env: {}, out() {}, err() {}, readInput: async () => new Uint8Array(), onStop() {} },
    () => {},
  )
  const command = program.commands.find((one) => one.name() === words[0])
  assert.ok(command, `${words[0]} is no command`)
  for (const word of words.filter((one) => one.startsWith('--')))
    assert.ok(
      command.options.some((one) => one.long === word),
      `${words[0]} has no ${word}`,
    )
}

test('proxies wait for an answer longer than any call may wait for events', () => {
  const { maximum } = feedQuery.properties.wait_s
  for (const [file, wait] of [
    ['haproxy.cfg', /timeout server (\d+)s/],
    ['nginx.conf', /proxy_read_timeout (\d+)s/],
  ] as const)
    assert.ok(Number(wait.exec(textOf(file))![1]) > Number(maximum) + 5, file)
})

test('compose: settings load, and every secret, port and path they need is there', async () => {
  const settings = load(textOf('settings.yaml'))
  const [compose] = documents('compose.yaml')
  const { services } = compose
  const servers = Object.keys(services).filter((name) => name.startsWith('countersign'))
  assert.equal(servers.length, 2)
  const known = Object.keys(compose.secrets)
  for (const name of servers) {
    const one = services[name]
    for (const path of secretsOf(textOf('settings.yaml')))
      assert.ok(one.secrets.includes(path.replace('/run/secrets/', '')), `${name} lacks ${path}`)
    for (const secret of one.secrets) assert.ok(known.includes(secret), secret)
    assert.ok(one.volumes.some((volume: string) => volume.endsWith(`:${settings.dataFolder}`)))
    assert.ok(one.volumes.includes('./settings.yaml:/etc/countersign/settings.yaml:ro'))
    assert.ok(Number.parseInt(one.stop_grace_period, 10) * 1000 > longestStopMs(settings))
    const probe = /http:\/\/127\.0\.0\.1:(\d+)(\/\w+)/.exec(one.healthcheck.test.join(' '))
    assert.equal(Number(probe?.[1]), settings.http?.port)
    assert.ok((await served()).includes(probe![2]!))
    for (const mounted of one.volumes.filter((volume: string) => volume.startsWith('./')))
      assert.ok(existsSync(join(deploy, mounted.split(':')[0])), mounted)
  }
  const { store } = settings
  assert.ok(store.engine === 'postgres' && store.host in services)
  assert.equal(services[store.host].environment.POSTGRES_USER, store.user)
})

test('the proxies lead to the servers of the compose file, and ask for readiness in time', () => {
  const settings = load(textOf('settings.yaml'))
  for (const name of ['haproxy.cfg', 'nginx.conf']) {
    const servers = textOf(name).match(/countersign\d:\d+/g)
    assert.deepEqual(
      servers,
      ['countersign1', 'countersign2'].map((one) => `${one}:${settings.http?.port}`),
    )
  }
  const [, every, times] = /inter (\d+)ms fall (\d+)/.exec(textOf('haproxy.cfg'))!
  assert.ok(
    Number(every) * Number(times) * 2 < settings.drainMs,
    'unready is seen before the drain has passed',
  )
  assert.match(
    textOf('nginx.conf'),
    /location \/receipts\/ \{\n\s+client_max_body_size 1m;/,
    'as large as src/http/receipts.ts takes them',
  )
  const [, kept] = /keepalive_timeout (\d+)s/.exec(textOf('nginx.conf'))!
  assert.ok(Number(kept) < 72)
})

test('the image has all that the server is made of', () => {
  const text = textOf('Dockerfile')
  for (const [, names = ''] of text.matchAll(/^COPY (.+) \S+$/gm))
    for (const name of names.split(' ')) assert.ok(existsSync(join(root, name)), name)
  const sources = readdirSync(root).filter((name) => ['bin', 'src', 'package.json'].includes(name))
  for (const name of sources) assert.match(text, new RegExp(`^COPY .*\\b${name.replace('.', '\\.')}\\b`, 'm'))
  assert.ok(Number(/^FROM node:(\d+)/m.exec(text)?.[1]) >= 24, 'what bin/countersign.js demands')
  assertCommand(JSON.parse(/^CMD (.+)$/m.exec(text)![1]!))
  assert.ok(text.includes(`-m 0700 ${load(textOf('settings.yaml')).dataFolder}`))
})

test('the image is made of the program alone: no data folder, no key gets into it', () => {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  assert.equal(lines[0], '*')
  const copied = [...textOf('Dockerfile').matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, names]) =>
    names!.split(' '),
  )
  assert.deepEqual(
    lines.filter((line) => line.startsWith('!')).toSorted(),
    copied.map((one) => `!${one}`).toSorted(),
  )
})

const program = '/opt/countersign/node_modules/.bin/node /opt/countersign/bin/countersign.js '

test('systemd: the command is one, and the unit ends, waits and stays down as the program says', () => {
  const text = textOf('countersign.service')
  const [, command = ''] = /^ExecStart=(.+)$/m.exec(text)!
  assert.ok(command.startsWith(program))
  assertCommand(command.slice(program.length).split(' '))
  assert.ok(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1]) * 1000 > 1_500 + 20_000 + 10_000)
  assert.match(text, /^ExecReload=\/bin\/kill -HUP \$MAINPID$/m)
  assert.match(
    text,
    new RegExp(`^RestartPreventExitStatus=${exitCodes.badInput} ${exitCodes.storeAway}$`, 'm'),
  )
  assert.match(text, /^RestartSec=[1-9]/m)
})

test(
  'systemd takes the units as they are',
  requirePeer('systemd (apt-get install systemd)', '/usr/bin/systemd-analyze'),
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'countersign-units-'))
    for (const name of readdirSync(deploy).filter((one) => /\.(service|timer)$/.test(one)))
      writeFileSync(
        join(folder, name),
        textOf(name).replaceAll('/opt/countersign/node_modules/.bin/node', '/bin/true'),
      )
    const units = readdirSync(folder).map((name) => join(folder, name))
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--man=no', ...units], {
      encoding: 'utf8',
    })
    assert.equal(`${status} ${stderr}`, '0 ')
    rmSync(folder, { recursive: true })
  },
)

test('the backup that the timer makes is one, and the newest fourteen stay', () => {
  const text = textOf('countersign-backup.service')
  const [, command = ''] = /^ExecStart=\/bin\/sh -c 'exec (.+)'$/m.exec(text)!
  assert.ok(command.startsWith(program))
  assertCommand(command.slice(program.length).split(' '))

  const folder = mkdtempSync(join(tmpdir(), 'countersign-backups-'))
  const names = Array.from({ length: 20 }, (_, i) => `countersign-2026-11-${String(i + 10)}T000000Z.db`)
  for (const name of [...names, 'notes.txt']) writeFileSync(join(folder, name), '')
  const [, retention = ''] = /^ExecStartPost=\/bin\/sh -c '(.+)'$/m.exec(text)!
  for (let times = 0; times < 2; times++)
    spawnSync('sh', ['-c', retention.replaceAll('/var/backups/countersign', folder)])
  assert.deepEqual(readdirSync(folder).toSorted(), [...names.slice(6), 'notes.txt'])
  rmSync(folder, { recursive: true })
})

test('Kubernetes: settings load, probes are served, and a pod has the time that its end takes', async () => {
  const all = documents('kubernetes.yaml')
  const of = (kind: string) => all.find((one) => one.kind === kind)
  const text = of('ConfigMap').data['settings.yaml'] as string
  const settings = load(text)
  const { spec: deployment } = of('Deployment')
  const pod = deployment.template.spec
  const [container] = pod.containers
  const [port] = container.ports
  assert.equal(port.containerPort, settings.http?.port)
  for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
    const { path, port: asked } = container[probe].httpGet
    assert.ok((await served()).includes(path), path)
    assert.equal(asked, port.name)
  }
  const { periodSeconds, failureThreshold } = container.readinessProbe
  assert.ok(periodSeconds * failureThreshold * 1000 < settings.drainMs)
  assert.ok(pod.terminationGracePeriodSeconds * 1000 > longestStopMs(settings))
  const mounts = container.volumeMounts.map((one: { mountPath: string }) => one.mountPath)
  for (const path of [...secretsOf(text), settings.dataFolder])
    assert.ok(
      mounts.some((mount: string) => path === mount || path.startsWith(`${mount}/`)),
      path,
    )
  const volumes = pod.volumes.map((one: { name: string }) => one.name)
  for (const { name } of container.volumeMounts) assert.ok(volumes.includes(name), name)
  const { labels } = deployment.template.metadata
  for (const selector of [
    deployment.selector.matchLabels,
    of('Service').spec.selector,
    of('PodDisruptionBudget').spec.selector.matchLabels,
  ])
    assert.deepEqual(selector, labels)
  assert.equal(of('Service').spec.ports[0].targetPort, port.name)
  assert.ok(of('PodDisruptionBudget').spec.maxUnavailable < deployment.replicas)
})
