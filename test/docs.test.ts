/** Holds the documents to the code: all that they name exists, they name all that exists, and their examples work. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import type { Command } from 'commander'
import { SMTPServer } from 'smtp-server'
import { parse } from 'yaml'
import { greeting } from '../src/cli/demo.ts'
import { createProgram } from '../src/cli/program.ts'
import { exitCodes } from '../src/cli/terminal.ts'
import { ensureCertificate } from '../src/config/certificate.ts'
import { loadSettings } from '../src/config/load-settings.ts'
import { providerSchemas } from '../src/config/provider-settings.ts'
import { scalars } from '../src/config/settings-schema.ts'
import { declared } from '../src/delivery/template-values.ts'
import { huaweiDialect } from '../src/http/huawei/dialect.ts'
import { wireErrors } from '../src/http/huawei/errors.ts'
import { createServer } from '../src/http/server.ts'
import { logFields } from '../src/log.ts'
import { createMetrics } from '../src/metrics.ts'
import { createWorkerMetrics } from '../src/workers/merged-metrics.ts'
import { ofTheEmbeddedStore } from './engine.ts'
import { requirePeer } from './peers.ts'
import { bin, startServer, temporaryFolder } from './server.ts'

const root = join(import.meta.dirname, '..')
const run = promisify(execFile)

const pages = new Map(
  ['.', 'docs', 'docs/api', 'docs/carriers', 'docs/decisions'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => [join(folder, name), readFileSync(join(root, folder, name), 'utf8')] as const),
  ),
)
/** The pages that people write; the others are made from the code. */
const written = [...pages].filter(([, text]) => !text.startsWith('<!-- Made by'))

function page(name: string): string {
  return pages.get(name)!
}

/** The code blocks of a language below a heading. */
function blocks(name: string, heading: string, language: string): string[] {
  const [, section = ''] = page(name).split(`\n## ${heading}\n`)
  return [...section.split('\n## ')[0]!.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , text]) => text!)
}

/** The cells of the table row whose first one names something in code. */
function rowOf(text: string, name: string): string[] | undefined {
  return text
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map(cellsOf)
    .find(([first]) => first!.includes(`\`${name}\``))
}

function cellsOf(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())
}

/** What the dialect serves, as `POST /v1/…`. */
async function wireCalls(): Promise<string[]> {
  const calls: string[] = []
  // Nothing is called, so nothing is needed.
  const dialects = [{ prefix: '', dialect: huaweiDialect({ store: {} } as never) }]
  const server = createServer({ tls: null, trustedProxies: [], dialects, onAnswer() {} })
  server.addHook('onRoute', ({ method, url }) => {
    const path = url.replace(/:(\w+)/g, '{$1}')
    for (const one of [method].flat()) if (one !== 'HEAD') calls.push(`${one} ${path}`)
  })
  await server.ready()
  await server.close()
  return calls
}

test('the pages made from the code are in step with it, and no link is dead', async () => {
  await run(process.execPath, [join(root, 'scripts', 'docs.ts'), '--check'])
})

test('operations.md has every metric with its labels, and no other', async () => {
  const metrics = createMetrics(async () => undefined)
  const text = page('docs/operations.md')
  const names: string[] = []
  const registries = [metrics.registry, createWorkerMetrics(() => []).registry]
  const all = await Promise.all(registries.map((one) => one.getMetricsAsJSON()))
  for (const { name } of all.flat()) {
    if (/^(process|nodejs)_/.test(name)) continue // prom-client's own, told of as such
    names.push(name)
    const cells = rowOf(text, name)
    assert.ok(cells, `${name} is not in docs/operations.md`)
    // prom-client keeps the labels, but its types do not show them.
    const metric = registries.map((one) => one.getSingleMetric(name)).find(Boolean)
    const { labelNames } = metric as unknown as { labelNames: string[] }
    assert.deepEqual(cells[1]!.match(/\w+/g) ?? [], [...labelNames], name)
  }
  for (const [named] of text.matchAll(/countersign_[a-z_]+/g))
    assert.ok(names.includes(named), `${named} is no metric`)
})

test('alarms.yaml is made of metrics and labels that there are', async () => {
  const rules = parse(readFileSync(join(root, 'docs/alarms.yaml'), 'utf8')) as {
    groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[]
  }
  const { registry } = createMetrics(async () => undefined)
  const { rules: all = [] } = rules.groups[0] ?? {}
  assert.ok(all.length > 8)
  for (const { alert, expr, annotations } of all) {
    assert.ok(annotations.summary && annotations.action, alert)
    for (const [, found, selector = ''] of expr.matchAll(/\b(countersign_\w+)(?:\{([^}]*)\})?/g)) {
      const name = found!.replace(/_seconds_(?:count|sum|bucket)$/, '_seconds')
      const metric = registry.getSingleMetric(name) as unknown as { labelNames: string[] } | undefined
      assert.ok(metric, `${alert}: there is no ${name}`)
      for (const [, label] of selector.matchAll(/(\w+)[=!]~?"/g))
        assert.ok(metric.labelNames.includes(label!), `${alert}: ${name} has no label ${label}`)
    }
  }
})

test('operations.md has every field of the log, and no other', () => {
  const [, section = ''] = page('docs/operations.md').split('\n## Log\n')
  const rows = section.split('\n## ')[0]!.match(/^\| `.*$/gm) ?? []
  const told = rows.flatMap((row) => [...cellsOf(row)[0]!.matchAll(/`(\w+)`/g)].map(([, name]) => name))
  assert.deepEqual(told.toSorted(), [...logFields].toSorted())
})

test('operations.md has every exit code', () => {
  for (const [name, code] of Object.entries(exitCodes))
    assert.match(page('docs/operations.md'), new RegExp(`^\\| ${code} \\| \`${name}\` \\|`, 'm'))
})

test('limits.md has every limit with its default', () => {
  const limits = scalars().filter(
    ({ path }) => (path[0] === 'policy' && path[1] === 'limits') || path[0] === 'passwords',
  )
  assert.ok(limits.length > 14)
  for (const { path, schema } of limits) {
    const cells = rowOf(page('docs/limits.md'), path.join('.'))
    const expected = [schema.default].flat().map((one) => `\`${one}\``)
    assert.equal(cells?.[1], expected.join(', '), path.join('.'))
  }
})

test('templates.md has every message, language, part and variable of the templates', () => {
  const text = page('docs/templates.md')
  const [, variables = ''] = text.split('| variable |')
  for (const [message, names] of Object.entries(declared))
    for (const name of names) {
      const where = rowOf(variables, name)?.[1]
      assert.ok(
        where === 'all' || where?.split(', ').includes(`\`${message}\``),
        `${name} of ${message}: ${where}`,
      )
    }
  for (const file of readdirSync(join(root, 'src/delivery/templates'))) {
    const [message = '', locale = '', ...part] = file.split('.')
    for (const piece of [message, locale, part.join('.')]) assert.ok(text.includes(`\`${piece}\``), piece)
  }
})

test('every setting that a document names is one', () => {
  const known = [
    ...scalars(),
    ...Object.values(providerSchemas).flatMap((schema) => scalars(schema, ['providers', 'mail'])),
  ].map(({ path }) => path.join('.'))
  for (const [name, text] of written)
    for (const [, path = ''] of text.matchAll(
      /`((?:policy|log|tls|templates|routes|providers)\.(?!ts`)[\w.]+)`/g,
    ))
      assert.ok(
        known.some((one) => one === path || one.startsWith(`${path}.`)),
        `${name}: ${path} is no setting`,
      )
})

test('every error that a document names is in the table, and each has an explanation there', () => {
  for (const [name, text] of pages)
    for (const [code] of text.matchAll(/USG\.\d{9}/g))
      assert.ok(code in wireErrors, `${name}: there is no ${code}`)
  for (const code of Object.keys(wireErrors)) assert.ok(rowOf(page('docs/errors.md'), code), code)
})

test('every call is in wire.md, and every path that a document names is served', async () => {
  const calls = await wireCalls()
  assert.ok(calls.length > 8)
  const wire = page('docs/wire.md')
  for (const call of calls) assert.ok(wire.includes(`\`${call}\``), `${call} is not in docs/wire.md`)
  const served = new Set(calls.map((call) => call.split(' ')[1]))
  for (const [name, text] of written)
    for (const [path] of text.matchAll(/\/v\d\/usg\/[a-z0-9/-]+(\{\w+\})?/g))
      assert.ok(served.has(path) || path === '/v1/usg/dcs', `${name}: ${path} is not served`)
})

test('every command that a document names is one', () => {
  const program = createProgram(
    { env: {}, out() {}, err() {}, readInput: async () => new Uint8Array(), onStop() {} },
    () => {},
  )
  const find = (within: Command, name: string | undefined) =>
    within.commands.find((one) => one.name() === name)
  for (const [name, text] of written) {
    const code = [...text.matchAll(/`([^`\n]+)`|^```[a-z]*\n([\s\S]*?)^```$/gm)]
      .map(([whole]) => whole)
      .join('\n')
    for (const [line, first, second] of code.matchAll(
      /(?:^|[`\s/])countersign (\w+)(?: (\w[\w-]*))?(?= |`|$)/gm,
    )) {
      const command = find(program, first)
      assert.ok(command, `${name}: ${line}`)
      if (command.commands.length > 0 && second !== undefined)
        assert.ok(find(command, second), `${name}: ${line}`)
    }
  }
})

test('every message that troubleshooting.md quotes is in the code', () => {
  const code = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .concat('../bin/countersign.js')
    .map((name) => readFileSync(join(root, 'src', name), 'utf8'))
    .join('\n')
  const tables = page('docs/troubleshooting.md').match(/^\|.*\n\|(?:---\|)+\n(?:\|.*\n)+/gm) ?? []
  const quoted = tables
    // What mail servers write into a mail is theirs.
    .filter((table) => !table.startsWith('| it says'))
    .flatMap((table) => table.split('\n').slice(2, -1))
    .flatMap((row) => [...cellsOf(row)[0]!.matchAll(/`([^`]+)`/g)].map(([, message]) => message!))
  assert.ok(quoted.length > 80)
  for (const message of quoted)
    for (const piece of message.split('…'))
      assert.ok(code.includes(piece.replace(/^[:; ]+/, '').trim()), `no message in the code has: ${piece}`)
})

const ofFile = ofTheEmbeddedStore('of its files')

test('operations.md has everything that lies in a data folder', ofFile, async () => {
  await using server = await startServer({ https: true })
  const names = readdirSync(server.dataFolder)
  assert.ok(names.includes('countersign.db'))
  for (const name of names) assert.ok(rowOf(page('docs/operations.md'), name), `${name} is not told of`)
})

const shell = {
  ...requirePeer('curl (apt-get install curl)', '/usr/bin/curl'),
  ...requirePeer('openssl (apt-get install openssl)', '/usr/bin/openssl'),
}

/** Runs lines as a newcomer would. The last answer's status line and body are at the end of what is printed. */
async function paste(lines: string): Promise<string> {
  // The hand-over is not waited for by a send; a person takes longer than this.
  const slowed = lines.replaceAll(/^CODE=/gm, 'sleep 0.3\nCODE=')
  return (await run('bash', ['-c', slowed])).stdout
}

test('the first verification of the README works as pasted', shell, async () => {
  await using server = await startServer()
  const filled = blocks('README.md', 'First verification', 'sh')
    .join('')
    .replace('http://127.0.0.1:8080', server.http)
    .replace('API_KEY=see-what-npm-start-printed', `API_KEY=${server.apiKey}`)
    .replace('INBOX_KEY=see-what-npm-start-printed', `INBOX_KEY=${server.inboxKey}`)
  const printed = await paste(filled)
  assert.match(printed, /^HTTP\/1\.1 200[\s\S]*"result":"verified"/)
  const [started = '', checked = ''] = blocks('README.md', 'First verification', 'json')
  const shown = (text: string) => text.match(/"(\w+)":/g)!
  assert.ok(shown(started).length > 8)
  const body = printed.slice(printed.indexOf('{'))
  for (const name of shown(checked)) assert.ok(body.includes(name), name)
})

test('the verification of the README by the wire works as pasted', shell, async () => {
  await using server = await startServer()
  const filled = blocks('README.md', wireHeading, 'sh')
    .join('')
    .replace('http://127.0.0.1:8080', server.http)
    .replace('PASSWORD=see-what-npm-start-printed', `PASSWORD=${server.member.password}`)
    .replace('INBOX_KEY=see-what-npm-start-printed', `INBOX_KEY=${server.inboxKey}`)
  assertAccepted(await paste(filled), 3)
})

test('each decision has a number of its own', () => {
  const names = [...pages.keys()].filter((name) => /^docs\/decisions\/\d/.test(name))
  const numbers = names.map((name) => /(\d{4})-/.exec(name)![1])
  assert.ok(numbers.length > 11)
  assert.deepEqual(numbers.toSorted(), [...new Set(numbers)].toSorted())
})

const wireHeading = 'The wire of Huawei Cloud Meeting'

test('the README and npm start send the same calls', () => {
  const some = { account: 'member@demo', password: '$PASSWORD', id: '', key: '' }
  const printed = greeting(
    { http: '$HOST', https: '', inbox: '?key=$INBOX_KEY' },
    { tenant: 'demo', app: some, apiKey: '$API_KEY', member: some, admin: some },
  )
  const pasted = [
    ...blocks('README.md', 'First verification', 'sh'),
    ...blocks('README.md', wireHeading, 'sh').slice(0, 3),
  ].join('')
  const calls = (text: string) => text.match(/\/(?:v1|inbox)\/[a-z/?=-]+|-H ['"][^'"]+|"\w+\\?":\w*/g) ?? []
  assert.ok(calls(pasted).length > 15)
  assert.deepEqual(calls(pasted.replaceAll('\\"', '"')), calls(printed))
})

test('the refusal that the README shows is in the table', () => {
  const [, refusal = ''] = blocks('README.md', wireHeading, 'json')
  const { error_code: code, error_msg: message } = JSON.parse(refusal)
  assert.equal(wireErrors[code as keyof typeof wireErrors].en, message)
})

test('the lines that npm start prints work as pasted', shell, async () => {
  await using server = await startServer()
  const { http, https, app, apiKey, member, admin } = server
  const lines = greeting(
    { http, https, inbox: `${http}/inbox?key=${server.inboxKey}` },
    { tenant: 'demo', app, apiKey, member, admin },
  )
    .split('\n')
    .filter((line) => /^(ID|TOKEN|CODE)=|^curl /.test(line))
  assert.equal(lines.length, 5)
  assert.match(await paste(lines.slice(0, 2).join('\n')), /"result":"verified"/)
  assertAccepted(await paste(lines.slice(2).join('\n')), 2)
})

/** So many answers of 200 and `{}`, one after the other. */
function assertAccepted(printed: string, times: number): void {
  const statuses = printed.match(/^(?:\{\})?HTTP\/1\.1 \d+/gm) ?? []
  const expected = Array.from({ length: times }, (_, i) => `${i > 0 ? '{}' : ''}HTTP/1.1 200`)
  assert.deepEqual(statuses, expected, printed)
  assert.ok(printed.endsWith('{}'), printed)
}

test('the App ID login of the README works as pasted', shell, async () => {
  await using server = await startServer()
  const [lines = ''] = blocks('README.md', 'App ID login', 'sh')
  const filled = lines
    .replace('http://127.0.0.1:8080', server.http)
    .replace('APP_ID=see-what-npm-start-printed', `APP_ID=${server.app.id}`)
    .replace('APP_KEY=see-what-npm-start-printed', `APP_KEY=${server.app.key}`)
  const printed = await paste(filled)
  assert.match(printed, /^HTTP\/1\.1 200/)
  assert.match(printed, /"userAccount":"alice"/)
})

/** A page's settings with its paths and mail server put where the test has them. */
async function withProduction(
  act: (place: { settings: (yaml: string) => string; file: string }) => Promise<void>,
) {
  const folder = temporaryFolder()
  const smtp = new SMTPServer({
    disabledCommands: ['STARTTLS'],
    allowInsecureAuth: true,
    onAuth: ({ username, password }, _session, done) =>
      username === 'countersign' && password === 'of the file'
        ? done(null, { user: username })
        : done(new Error('wrong')),
  })
  smtp.listen(0, '127.0.0.1')
  await once(smtp.server, 'listening')
  const { port } = smtp.server.address() as AddressInfo
  try {
    const etc = join(folder, 'etc')
    mkdirSync(etc)
    writeFileSync(join(etc, 'mail.password'), 'of the file\n')
    await ensureCertificate(
      { certificateFile: join(etc, 'chain.pem'), keyFile: join(etc, 'key.pem') },
      new Date(),
    )
    await act({
      file: join(folder, 'countersign.yaml'),
      settings: (yaml) =>
        yaml
          .replaceAll('/etc/countersign/', `${etc}/`)
          .replaceAll('/var/lib/countersign', join(folder, 'data'))
          .replace('host: mail.example.com', `host: 127.0.0.1\n    port: ${port}\n    security: none`),
    })
  } finally {
    await new Promise<void>((resolve) => smtp.close(() => resolve()))
    rmSync(folder, { recursive: true, force: true })
  }
}

const production = [
  ['README.md', 'Production'],
  ['docs/production.md', '2. Settings'],
] as const

for (const [name, heading] of production)
  test(`the settings of ${name} and the commands after them lead to a server that doctor finds good`, async () => {
    await withProduction(async ({ settings, file }) => {
      writeFileSync(file, settings(blocks(name, heading, 'yaml')[0]!))
      const [commands = ''] = blocks('docs/production.md', '3. Keys, store, first accounts', 'sh')
      const lines = commands.replaceAll('/etc/countersign.yaml', file)
      const { stdout } = await run('bash', [
        '-ec',
        `countersign() { '${process.execPath}' '${bin}' "$@"; }\n${lines}`,
      ])
      assert.equal(stdout.match(/^good {2}/gm)?.length, 8, stdout)
      assert.doesNotMatch(stdout, /^BAD/m)
    })
  })

test('the settings of production.md can work behind a proxy', async () => {
  await withProduction(async ({ settings, file }) => {
    const [whole = '', proxy = ''] = blocks('docs/production.md', '2. Settings', 'yaml')
    const rest = whole.replace(/^https?:.*\n/gm, '').replace(/^tls:\n(?: .*\n)*/m, '')
    writeFileSync(file, settings(`${proxy}${rest}`))
    await run(process.execPath, [bin, 'keys', 'rotate', '--config', file])
    const loaded = loadSettings({ file, env: {}, flags: {}, isDevelopment: false })
    assert.equal(loaded.settings.https, null)
    assert.equal(loaded.settings.isBehindProxy, true)
  })
})

test('the settings of production.md with two carriers of SMS can work', async () => {
  await withProduction(async ({ settings, file }) => {
    const whole = settings(blocks('docs/production.md', '2. Settings', 'yaml')[2]!)
    for (const [, path] of whole.matchAll(/File: ([^\s,}]+)/g)) writeFileSync(path!, 'a secret\n')
    writeFileSync(file, whole)
    await run(process.execPath, [bin, 'keys', 'rotate', '--config', file])
    const { settings: loaded } = loadSettings({ file, env: {}, flags: {}, isDevelopment: false })
    assert.deepEqual(Object.keys(loaded.providers), ['mail', 'smsc', 'twilio'])
    assert.deepEqual(loaded.policy.regions, ['CN', 'HK'])
  })
})

test('the test address of operations.md is one', () => {
  const folder = temporaryFolder()
  try {
    const file = join(folder, 'settings.yaml')
    writeFileSync(file, blocks('docs/operations.md', 'Test addresses', 'yaml')[0]!)
    const { settings } = loadSettings({ file, env: {}, flags: {}, isDevelopment: true })
    assert.equal(settings.testAddresses[0]?.address, 'tel:+8613800138000')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
