/** The command line: in its own process where a process matters, otherwise through `runCli`. */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { addressKey } from '../src/address/address.ts'
import { runCli } from '../src/cli/cli.ts'
import { createProgram } from '../src/cli/program.ts'
import type { Terminal } from '../src/cli/terminal.ts'
import { migrations } from '../src/store/sqlite/migrations.ts'
import { dropStore, ofTheEmbeddedStore, openStoreOf, storeEnv } from './engine.ts'
import { type Answer, bin, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

type Run = { readonly code: number; readonly out: string; readonly err: string }

async function run(args: readonly string[], given: Partial<Terminal> = {}): Promise<Run> {
  const out: string[] = []
  const err: string[] = []
  const code = await runCli(args, {
    env: {},
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    readInput: async () => new Uint8Array(),
    onStop() {},
    ...given,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

let server: Server
before(async () => {
  server = await startServer()
})
after(() => server[Symbol.asyncDispose]())

/** A command on the store that the server runs on. */
const beside = (...args: readonly string[]) =>
  run([...args, '--data', server.dataFolder], { env: server.env })

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
    demo.admin.account,
    demo.admin.password,
    demo.member.password,
  ])
    assert.ok(printed.includes(fact), fact)
  for (const address of [/https:\/\/127\.0\.0\.1:\d+/, /http:\/\/127\.0\.0\.1:\d+\/inbox\?key=[\w-]{43}\n/])
    assert.match(printed, address)
  const lines = printed.split('\n').filter((line) => /curl /.test(line))
  assert.equal(lines.length, 3)
  // The code arrives a moment after it was sent; a person takes longer than that to paste.
  lines.splice(2, 0, 'sleep 0.3')
  const { stdout } = await promisify(execFile)('bash', ['-c', lines.join('\n')])
  assert.equal(stdout.match(/HTTP\/1\.1 200 OK/g)?.length, 2, stdout)
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
  assert.equal(commands.length, 22)
  for (const command of commands) {
    const { code, out } = await run([...command, '--help'])
    assert.equal(code, 0)
    assert.match(out, /Examples:\n {2}countersign /, command.join(' '))
  }
})

test('an app made beside a running server may log in at once, and not once it is disabled', async () => {
  const made = await beside(
    'app',
    'create',
    '--tenant',
    'acme',
    '--tenant-name',
    'Acme',
    '--name',
    'web',
    '--sms-life',
    '2m',
    '--long-signatures',
    '--json',
  )
  assert.equal(made.code, 0, made.err)
  const app = JSON.parse(made.out)
  assert.match(app.key, /^[0-9a-f]{64}$/)
  const member = await beside(
    'member',
    'add',
    '--tenant',
    'acme',
    '--account',
    'root@acme',
    '--role',
    'default',
    '--json',
  )
  const { password } = JSON.parse(member.out)
  const logIn = () =>
    server.call('POST', '/v1/usg/acs/auth/account', {
      headers: { Authorization: `Basic ${Buffer.from(`root@acme:${password}`).toString('base64')}` },
      body: { account: 'root@acme', clientType: 72, createTokenType: 0 },
    })
  const { accessToken, refreshToken } = (await logIn()).json
  const validate = (token: unknown) => server.call('POST', paths.validate, { body: { token } })
  const show = (token: unknown) => server.call('GET', paths.member, { token: String(token) })
  const refresh = (token: unknown) => server.call('PUT', paths.token, { token: String(token) })
  const told = ({ status, json }: Answer) => `${status} ${json.error_code}`
  assert.equal((await validate(accessToken)).status, 200)

  const listed = JSON.parse((await beside('app', 'list', '--tenant', 'acme', '--json')).out)
  assert.deepEqual(
    listed.map(({ id, policy }: { id: string; policy: object }) => [id, policy]),
    [[app.id, { lifetime: { sms: '2m' }, allowsLongSignatures: true }]],
  )
  assert.doesNotMatch(JSON.stringify(listed), /sealedKey|[0-9a-f]{64}/)

  assert.equal((await beside('app', 'disable', app.id)).code, 0)
  assert.equal(told(await logIn()), '403 USG.000000005')
  assert.equal(told(await validate(accessToken)), '403 USG.000000005')
  assert.equal(told(await refresh(refreshToken)), '403 USG.000000005')
  assert.equal((await beside('app', 'disable', app.id, '--undo')).code, 0)
  assert.equal((await logIn()).status, 200)
  assert.equal((await validate(accessToken)).status, 200)

  const disable = (...more: string[]) => beside('member', 'disable', 'root@acme', '--tenant', 'acme', ...more)
  assert.equal((await disable()).code, 0)
  assert.equal(told(await logIn()), '412 USG.206010007')
  await until(async () => told(await show(accessToken)) === '403 USG.206010007')
  assert.equal(told(await validate(accessToken)), '403 USG.206010007')
  assert.equal(told(await refresh(refreshToken)), '403 USG.206010007')
  assert.equal((await disable('--undo')).code, 0)
  assert.equal(told(await validate(accessToken)), '401 USG.000000004', 'allowed again, it logs in again')
  assert.equal(told(await refresh(refreshToken)), '401 USG.206020000')
  await until(async () => told(await show(accessToken)) === '401 USG.206020000')
  assert.equal((await logIn()).status, 200)
  assert.equal((await beside('app', 'disable', 'none')).code, 2)
})

test('a rotated app key replaces the old one', async () => {
  const app = JSON.parse((await beside('app', 'create', '--tenant', 'rotating', '--name', 'x', '--json')).out)
  await beside(
    'member',
    'add',
    '--tenant',
    'rotating',
    '--account',
    'root@rotating',
    '--role',
    'default',
    '--no-password',
  )
  const { key } = JSON.parse((await beside('app', 'rotate-key', app.id, '--json')).out)
  assert.notEqual(key, app.key)
  const token = await beside('token', '--app', app.id, '--json')
  assert.equal(JSON.parse(token.out).account, 'root@rotating')
  const other = await server.logIn('of-another-app')
  const show = async (one: string) => (await server.call('GET', paths.member, { token: one })).status
  const { accessToken } = JSON.parse(token.out)
  await beside('app', 'rotate-key', app.id)
  assert.equal(await show(accessToken), 200, 'without the flag its logins live on')
  const ended = await beside('app', 'rotate-key', app.id, '--end-logins', '--json')
  assert.equal(ended.code, 0, ended.err)
  assert.match(JSON.parse(ended.out).key, /^[0-9a-f]{64}$/)
  await until(async () => (await show(accessToken)) === 401)
  assert.equal(await show(other), 200)
})

test('app overrides past the ceilings are refused, and no app is made', async () => {
  for (const [flag, value, reason] of [
    ['--sms-life', '11m', /at most 10m/],
    ['--per-second', 'many', /perSecond: must be of type number/],
    ['--policy', '{"digits":5}', /digits: must be at least 6/],
    ['--policy', '[1]', /must be an object/],
    ['--policy', '{', /not valid JSON/],
    ['--profile', 'lax', /profile: must be one of/],
  ] as const) {
    const { code, err } = await beside('app', 'create', '--tenant', 'nobody', '--name', 'x', flag, value)
    assert.equal(code, 2, flag)
    assert.match(err, reason)
  }
  assert.equal((await beside('app', 'list', '--tenant', 'nobody', '--json')).out, '[]')
})

test('token prints a token that the server takes', async () => {
  const { code, out } = await beside('token', '--app', server.app.id, '--user', server.member.account)
  assert.equal(code, 0)
  assert.equal((await server.call('GET', '/v1/usg/dcs/member', { token: out })).status, 200)
  assert.equal((await beside('token', '--app', 'none')).code, 2)
})

const numberOf = (row: number) => `+86139${String(10_000_000 + row)}`

test('an import takes the good rows, tells the bad ones by line and reason, and can be repeated', async () => {
  await beside('app', 'create', '--tenant', 'staff', '--name', 'x')
  const file = join(server.dataFolder, 'staff.csv')
  const rows = Array.from(
    { length: 2500 },
    (_, i) => `person${i},"Person, No. ${i}",${numberOf(i)},p${i}@example.com`,
  )
  rows[9] = 'person9,Nine,12345,p9@example.com' // line 11
  rows[1499] = 'person1499,too,few' // line 1501
  rows[2000] = `person2000,Twin,${numberOf(1)},` // line 2002
  rows[2001] = 'person1,Again,,' // line 2003
  rows[2002] = ',Nobody,,' // line 2004
  rows[2003] = '"person"2003,x,,' // line 2005
  rows[2004] = 'person:2004,x,,' // line 2006
  writeFileSync(file, `\uFEFFaccount,name,phone,email\r\n${rows.join('\r\n')}\r\n`)

  const first = await beside('member', 'import', file, '--tenant', 'staff', '--json')
  assert.equal(first.code, 1)
  assert.deepEqual(JSON.parse(first.out), { added: 2493, updated: 0, unchanged: 0, refused: 7 })
  const told = first.err
    .split('\n')
    .filter((line) => line.startsWith(file))
    .map((line) => line.slice(file.length + 1))
  assert.deepEqual(told, [
    '11: phone: is no valid mobile number with + and country code, such as +8613800138000',
    '1501: has 3 fields, the first line names 4',
    '2003: account: stands already in line 3',
    '2004: account: takes 1 to 64 characters',
    '2005: has text after a closing quote; a quote within quotes is doubled',
    '2006: account: must hold no colon and no control characters',
    '2002: the number belongs to another member',
  ])
  assert.match(first.err, /^1000 of 2500 rows\n.*^2000 of 2500 rows\n.*^2500 of 2500 rows$/ms)

  const second = await beside('member', 'import', file, '--tenant', 'staff', '--json')
  assert.deepEqual(JSON.parse(second.out), { added: 0, updated: 0, unchanged: 2493, refused: 7 })
  const listed = (await beside('member', 'list', '--tenant', 'staff', '--json')).out.split('\n')
  assert.equal(listed.length, 2493)
  assert.doesNotMatch(listed.join(), /\+86139\d{8}|p\d+@/)
})

test('a repeated import does not undo what a member changed since, unless it is told to', async () => {
  await beside('app', 'create', '--tenant', 'repeat', '--name', 'x')
  const file = join(server.dataFolder, 'repeat.csv')
  const importing = async (row: string, ...flags: readonly string[]) => {
    writeFileSync(file, `account,name,phone,role,password\n${row}\n`)
    return JSON.parse((await beside('member', 'import', file, '--tenant', 'repeat', '--json', ...flags)).out)
  }
  const stored = async () => {
    await using store = await openStoreOf(server.dataFolder)
    const { phone, passwordHash, role } = (await store.directory.memberByAccount('repeat', 'ann'))!
    return { phone: phone && addressKey(phone), passwordHash, role }
  }
  assert.equal((await importing('ann,Ann,+8613712345670,admin,secret-one')).added, 1)
  const before = await stored()
  assert.match(before.passwordHash!, /^\$argon2id\$/)
  assert.equal((await importing('ann,Ann,+8613712345671,,secret-two')).unchanged, 1)
  assert.deepEqual(await stored(), before)
  assert.equal((await importing('ann,Ann B,,,')).updated, 1)
  assert.deepEqual(await stored(), before)
  assert.equal((await importing('ann,Ann B,+8613712345671,,', '--replace-contacts')).updated, 1)
  assert.equal((await stored()).phone, 'tel:+8613712345671')
})

/** Notices of a change, by where they went, as the server delivered them. */
const noticesTo = (to: string, count: number) =>
  until(async () => {
    const found = (await server.inbox(to)).filter(({ template }) => template === 'contact-changed')
    return found.length === count && found.map(({ text }) => text)
  })

test('N-6: an import that replaces contacts does what each cell says, and tells the contacts that were', async () => {
  await beside('app', 'create', '--tenant', 'replaced', '--name', 'x')
  const file = join(server.dataFolder, 'replaced.csv')
  const importing = async (text: string, ...flags: readonly string[]) => {
    writeFileSync(file, text)
    const { out, err } = await beside('member', 'import', file, '--tenant', 'replaced', '--json', ...flags)
    return { ...JSON.parse(out), err }
  }
  const stored = async (account: string) => {
    await using store = await openStoreOf(server.dataFolder)
    const { phone, phoneCountry, email, profile } = (await store.directory.memberByAccount(
      'replaced',
      account,
    ))!
    return [phone && addressKey(phone), phoneCountry, email && addressKey(email), profile.name]
  }
  const [ann, bob, cid] = ['+8613712345601', '+8613712345602', '+8613712345603']
  await importing(
    `account,phone,email\nann,${ann},ann@example.com\nbob,${bob},bob@example.com\ncid,${cid},\n`,
  )
  const has = {
    ann: [`tel:${ann}`, 'chinaPR', 'mailto:ann@example.com', 'ann'],
    bob: [`tel:${bob}`, 'chinaPR', 'mailto:bob@example.com', 'bob'],
  }
  // Without the flag an empty cell and another value leave what is there.
  assert.equal((await importing('account,phone,email\nann,,\nbob,+8613712345609,\n')).unchanged, 2)
  // Nor is anything taken away for want of a column.
  assert.equal((await importing('account,name\nann,ann\n', '--replace-contacts')).unchanged, 1)
  assert.deepEqual([await stored('ann'), await stored('bob')], [has.ann, has.bob])

  const told = await importing(
    `account,phone,email\nbob,${ann},bob@example.com\nann,,ann@example.com\ncid,${cid},cid@example.com\n`,
    ...['--replace-contacts', '--language', 'en-US'],
  )
  assert.deepEqual([told.added, told.updated, told.unchanged, told.refused], [0, 3, 0, 0], told.err)
  assert.deepEqual(await stored('ann'), [null, null, 'mailto:ann@example.com', 'ann'])
  assert.deepEqual(await stored('bob'), [`tel:${ann}`, 'chinaPR', 'mailto:bob@example.com', 'bob'])
  assert.deepEqual(await stored('cid'), [`tel:${cid}`, 'chinaPR', 'mailto:cid@example.com', 'cid'])
  for (const to of [ann, 'ann@example.com'])
    assert.match((await noticesTo(to, 1))[0]!, /contact .*was changed to none on /)
  for (const to of [bob, 'bob@example.com'])
    assert.match((await noticesTo(to, 1))[0]!, /contact .*was changed to \+86137\*+5601 on /)
  assert.deepEqual(await noticesTo(cid, 0), [], 'nothing that was is gone')

  const bound = await importing(`account,phone\nann,\nbob,${cid}\n`, '--replace-contacts')
  assert.deepEqual([bound.unchanged, bound.refused], [1, 1])
  assert.match(bound.err, /:3: phone: it belongs to another member; clear it there first/)
})

test('N-6: support sets and clears a contact; the one that was is told, and the journal tells who did it', async () => {
  await beside('app', 'create', '--tenant', 'support', '--name', 'x')
  const [lost, found, other] = ['+8613712345611', '+8613712345612', '+8613712345613']
  for (const [account, phone] of [
    ['dee', lost],
    ['eve', other],
  ] as const)
    await beside(
      'member',
      'add',
      '--tenant',
      'support',
      '--account',
      account,
      '--phone',
      phone,
      '--no-password',
    )
  const act = (command: string, ...args: readonly string[]) =>
    beside('member', command, 'dee', '--tenant', 'support', ...args)
  const set = await act('set-contact', '--phone', found, '--email', 'dee@example.com')
  assert.deepEqual(set, {
    code: 0,
    out: 'Member dee: phone is now +86137****5612; 1 notice is on the way.\nMember dee: email is now d***@example.com; 1 notice is on the way.',
    err: '',
  })
  assert.match((await noticesTo(lost, 1))[0]!, /改为\+86137\*+5612/)
  assert.match((await noticesTo(found, 1))[0]!, /改为d\*+@example\.com/)
  assert.match((await act('set-contact', '--phone', found)).out, /phone was \+86137.*0 notices/)
  assert.match(
    (await act('set-contact', '--phone', other)).err,
    /--phone: it belongs to another member; clear it/,
  )
  assert.match((await act('set-contact', '--phone', '123')).err, /phone: is no valid mobile number/)
  for (const command of ['set-contact', 'clear-contact'])
    assert.match((await act(command)).err, /state --phone, --email, or both/)
  assert.match(
    (await beside('member', 'clear-contact', 'nobody', '--tenant', 'support', '--phone')).err,
    /no member/,
  )

  const cleared = await act('clear-contact', '--phone', '--json')
  assert.deepEqual(JSON.parse(cleared.out), {
    account: 'dee',
    contact: 'phone',
    address: null,
    isChanged: true,
    notices: 2,
  })
  assert.match((await noticesTo(found, 2)).join('\n'), /改为无/)
  await using store = await openStoreOf(server.dataFolder)
  const member = (await store.directory.memberByAccount('support', 'dee'))!
  assert.deepEqual(
    [member.phone, member.phoneCountry, member.email && addressKey(member.email)],
    [null, null, 'mailto:dee@example.com'],
  )
  const history = await store.journal.read({ sinceMs: 0, most: 100_000, kind: 'contact-changed' })
  assert.deepEqual(
    history.filter((one) => one.member === member.id).map(({ detail }) => detail),
    [
      { contact: 'phone', cause: 'operator', notices: 1 },
      { contact: 'email', cause: 'operator', notices: 1 },
      { contact: 'phone', cause: 'operator', notices: 2 },
    ],
  )
})

test('a member that logged in before it was imported stays the same member', async () => {
  const account = 'early bird'
  await server.logIn(account)
  const text = `account,name\n${account},Bird\n`
  const { code, out } = await run(
    ['member', 'import', '-', '--tenant', 'demo', '--json', '--data', server.dataFolder],
    { readInput: async () => Buffer.from(text), env: server.env },
  )
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(out), { added: 0, updated: 1, unchanged: 0, refused: 0 })
})

test('a file that cannot be imported is refused whole', async () => {
  const file = join(server.dataFolder, 'bad.csv')
  for (const [content, reason] of [
    ['name\nx\n', /first line must name columns, account among them/],
    ['account,color\nx,red\n', /unknown: color/],
    ['account\n"x\n', /:2: a quote is never closed; nothing was imported/],
    [Buffer.from([0x61, 0xff, 0x0a]), /cannot be read as UTF-8/],
  ] as const) {
    writeFileSync(file, content)
    const { code, err } = await beside('member', 'import', file, '--tenant', 'demo')
    assert.equal(code, 2)
    assert.match(err, reason)
  }
  assert.equal((await beside('member', 'import', file, '--tenant', 'none')).code, 2)
})

const ofBackup = ofTheEmbeddedStore('a server’s database is copied by its own tools')

test(
  'a backup of a running store is whole and for its owner alone, and never writes over a file',
  ofBackup,
  async () => {
    const target = join(server.dataFolder, 'copy.db')
    const made = await promisify(execFile)(process.execPath, [
      bin,
      'backup',
      target,
      '--data',
      server.dataFolder,
      '--json',
    ])
    assert.ok(JSON.parse(made.stdout).pages > 0)
    assert.equal(statSync(target).mode & 0o777, 0o600)
    const db = new DatabaseSync(target, { readOnly: true })
    assert.equal(db.prepare('select name from tenant where id = ?').get('demo')?.name, 'Demo')
    db.close()
    assert.equal((await beside('backup', target)).code, 2)
  },
)

test('a rotated ring reads what the old one sealed; doctor fails once the old key is gone', async () => {
  const dataFolder = temporaryFolder()
  await (await startServer({ dataFolder })).stop()
  const ring = join(dataFolder, 'master.key')
  const before = readFileSync(ring, 'utf8')
  const { code, out } = await run(['keys', 'rotate', '--data', dataFolder, '--json'])
  assert.equal(code, 0)
  const { id } = JSON.parse(out)
  assert.ok(readFileSync(ring, 'utf8').startsWith(before))

  const again = await startServer({ dataFolder })
  await again.logIn('someone')
  await again.stop()
  const env = await storeEnv(dataFolder)
  const good = await run(['doctor', '--dev', '--data', dataFolder, '--json'], { env })
  assert.equal(good.code, 0, good.out)
  assert.match(good.out, new RegExp(`2 key\\(s\\), newest ${id}`))

  const newest = readFileSync(ring, 'utf8').trim().split('\n').at(-1)!
  writeFileSync(ring, `${newest}\n`)
  const bad = await run(['doctor', '--dev', '--data', dataFolder, '--json'], { env })
  assert.equal(bad.code, 1)
  const failed = JSON.parse(bad.out).findings.filter((one: { isGood: boolean }) => !one.isGood)
  assert.deepEqual(
    failed.map((one: { check: string }) => one.check),
    ['store'],
  )
  rmSync(dataFolder, { recursive: true })
})

test('a ring in the environment is not written; the new line is printed for whoever keeps it', async () => {
  const { code, out, err } = await run(['keys', 'rotate'], { env: { COUNTERSIGN_KEY_RING_KEYS: 'x' } })
  assert.equal(code, 0)
  assert.match(out, /^k\d{8}-[0-9a-f]{6}:[\w-]{43}$/)
  assert.match(err, /COUNTERSIGN_KEY_RING_KEYS/)
})

test('doctor tells each setting and its source, and every check that failed', async () => {
  const dataFolder = temporaryFolder()
  const config = join(dataFolder, 'settings.yaml')
  writeFileSync(
    config,
    `data: ${dataFolder}
behindProxy: true
providers:
  mail: { type: smtp, host: 127.0.0.1, port: 1, security: none, user: u, password: canary, from: { address: a@example.com } }
`,
  )
  assert.equal((await run(['keys', 'rotate', '--config', config])).code, 0)
  const { code, out } = await run(['doctor', '--json'], {
    env: { COUNTERSIGN_CONFIG: config, COUNTERSIGN_RETENTION: '7d' },
  })
  assert.equal(code, 1)
  assert.doesNotMatch(out, /canary/)
  const { findings, settings } = JSON.parse(out)
  const bad = findings.filter((one: { isGood: boolean }) => !one.isGood)
  assert.deepEqual(
    bad.map((one: { check: string }) => one.check),
    ['providers'],
  )
  assert.match(bad[0].text, /^mail: /)
  const found = (path: string) => settings.find((one: { path: string }) => one.path === path)
  assert.deepEqual(found('retention'), { path: 'retention', value: '7d', source: 'environment' })
  assert.deepEqual(found('behindProxy'), { path: 'behindProxy', value: 'true', source: 'file' })
  assert.deepEqual(found('https'), { path: 'https', value: 'off', source: 'default' })
  assert.deepEqual(found('providers.mail.password'), {
    path: 'providers.mail.password',
    value: '(secret)',
    source: 'file',
  })

  appendFileSync(config, 'colour: red\n')
  const broken = await run(['doctor', '--config', config])
  assert.equal(broken.code, 1)
  assert.match(broken.out, /^BAD {3}settings .*\n- colour: is not a setting/m)
  rmSync(dataFolder, { recursive: true })
})

const ofFile = ofTheEmbeddedStore('looks into its file')

test('migrate makes a store, and refuses one of a newer version', ofFile, async () => {
  const dataFolder = temporaryFolder()
  assert.equal((await run(['migrate', '--data', dataFolder])).code, 0)
  const path = join(dataFolder, 'countersign.db')
  assert.ok(existsSync(path))
  const db = new DatabaseSync(path)
  db.exec('pragma user_version = 9999')
  db.close()
  const { code, err } = await run(['migrate', '--data', dataFolder])
  assert.equal(code, 1)
  assert.match(err, /Run the newer version/)
  rmSync(dataFolder, { recursive: true })
})

test(
  'a backup is put back while no server runs; what was there is kept, codes of then are dead',
  ofFile,
  async () => {
    const dataFolder = temporaryFolder()
    const contact = '+8613800138123'
    const env = { COUNTERSIGN_POLICY_LIFETIME_SMS: '10m' }
    const backupFile = join(dataFolder, 'backup.db')
    const restored = () => run(['restore', backupFile, '--data', dataFolder])
    const first = await startServer({ dataFolder, env })
    const token = await first.logIn('restored')
    await first.call('POST', paths.send, { token, body: { contact } })
    const code = await first.codeFor(contact)
    assert.equal((await run(['backup', backupFile, '--data', dataFolder])).code, 0)
    await run(['app', 'create', '--tenant', 'demo', '--name', 'later', '--data', dataFolder])
    assert.equal((await restored()).code, 3, 'a server runs')
    await first.stop()

    const { code: exit, out, err } = await restored()
    assert.equal(exit, 0, err)
    const [, before] = /The store that was there before is (\S+)\.$/m.exec(out)!
    assert.ok(existsSync(before!))
    const { out: apps } = await run(['app', 'list', '--data', dataFolder])
    assert.doesNotMatch(apps, /later/)
    await using second = await startServer({ dataFolder, env })
    const answer = await second.call('POST', paths.verify, {
      token,
      body: { contact, verificationCode: code },
    })
    assert.equal(answer.json.error_code, 'USG.206030001', 'it may have been used since the backup')
    await second.stop()

    writeFileSync(backupFile, 'no backup')
    const bad = await restored()
    assert.equal(bad.code, 2)
    assert.match(bad.err, /is no backup/)
    assert.doesNotMatch((await run(['app', 'list', '--data', dataFolder])).out, /later/)
    rmSync(dataFolder, { recursive: true })
  },
)

test('a backup whose app keys the ring does not open is refused', ofFile, async () => {
  const dataFolder = temporaryFolder()
  const backupFile = join(dataFolder, 'backup.db')
  await (await startServer({ dataFolder })).stop()
  await run(['backup', backupFile, '--data', dataFolder])
  rmSync(join(dataFolder, 'master.key'))
  await run(['keys', 'rotate', '--data', dataFolder])
  const { code, err } = await run(['restore', backupFile, '--data', dataFolder])
  assert.equal(code, 2)
  assert.match(err, /the key ring opens the keys of 0 of 1 apps/)
  rmSync(dataFolder, { recursive: true })
})

test(
  'only serve and migrate bring the schema up to date; a look leaves it to the server that runs',
  ofFile,
  async () => {
    const dataFolder = temporaryFolder()
    const path = join(dataFolder, 'countersign.db')
    const older = migrations.length - 1
    await run(['keys', 'rotate', '--data', dataFolder])
    const db = new DatabaseSync(path)
    for (const step of migrations.slice(0, older)) db.exec(step)
    db.exec(`pragma user_version = ${older}`)
    const schema = () => (db.prepare('pragma user_version').get() as { user_version: number }).user_version
    for (const look of [
      ['app', 'list'],
      ['member', 'list', '--tenant', 'demo'],
      ['verification', 'find', '+8613800138000'],
      ['token', '--app', 'x'],
      ['doctor'],
    ]) {
      const { code, out, err } = await run([...look, '--data', dataFolder])
      assert.equal(code, 1, look.join(' '))
      assert.match(
        out + err,
        new RegExp(`has schema ${older}; this version of Countersign needs ${older + 1}`),
      )
      assert.equal(schema(), older, look.join(' '))
    }
    const { out } = await run(['migrate', '--data', dataFolder])
    assert.match(out, new RegExp(`is up to date: schema ${older} → ${older + 1}`))
    assert.equal(schema(), older + 1)
    db.close()
    rmSync(dataFolder, { recursive: true })
  },
)

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

test('a command that cannot write says why in a line, without a stack', ofBackup, async () => {
  const { code, err } = await beside('backup', '/nowhere/at/all/countersign.db')
  assert.equal(code, 2)
  assert.match(err, /nowhere.*choose another folder/)
  assert.doesNotMatch(err, /\n\s+at /)
})

test('a member’s name is shown plainly in every list, whatever is in it', async () => {
  const name = 'Mallory\u001b[2K\rgood  store  \u202e'
  await beside('member', 'add', '--tenant', 'demo', '--account', 'mallory', '--name', name, '--no-password')
  await beside('app', 'create', '--tenant', 'demo', '--name', 'two\nlines')
  const members = (await beside('member', 'list', '--tenant', 'demo')).out
  assert.match(members, /mallory {2}Mallory\\u001b\[2K\\u000dgood/)
  const apps = (await beside('app', 'list')).out
  assert.match(apps, /two\\u000alines/)
  for (const out of [members, apps]) assert.doesNotMatch(out, /(?!\n)[\p{Cc}\u202e]/u)
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

test('a password that is too short is refused, the other rows are taken', async () => {
  const file = join(server.dataFolder, 'short.csv')
  writeFileSync(file, 'account,password\nshort,1234567\nlong,12345678\n')
  const { out, err } = await beside('member', 'import', file, '--tenant', 'demo')
  assert.match(err, /:2: password: takes 8 to 128 characters/)
  assert.match(out, /1 added, 0 updated, 0 unchanged, 1 refused/)
})
