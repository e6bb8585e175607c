/** Commands about the store and the key ring: backup, restore, migrate, doctor. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { migrations } from '../src/store/sqlite/migrations.ts'
import { besideServer, run } from './cli-run.ts'
import { ofTheEmbeddedStore, storeEnv } from './engine.ts'
import { bin, paths, startServer, temporaryFolder } from './server.ts'

const on = besideServer()
const { beside } = on

const ofBackup = ofTheEmbeddedStore('a server’s database is copied by its own tools')

test(
  'a backup of a running store is whole and for its owner alone, and never writes over a file',
  ofBackup,
  async () => {
    const target = join(on.server.dataFolder, 'copy.db')
    const made = await promisify(execFile)(process.execPath, [
      bin,
      'backup',
      target,
      '--data',
      on.server.dataFolder,
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
  assert.match(out, /^k\d{8}-\d{4}-[0-9a-f]{6}:[\w-]{43}$/)
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
    const created = async (name: string) => {
      const made = await run([
        'app',
        'create',
        '--tenant',
        'demo',
        '--name',
        name,
        '--json',
        '--data',
        dataFolder,
      ])
      return JSON.parse(made.out).id as string
    }
    // A deleted app has no key that a ring could open.
    assert.equal((await run(['app', 'delete', await created('gone'), '--data', dataFolder])).code, 0)
    assert.equal((await run(['backup', backupFile, '--data', dataFolder])).code, 0)
    await created('later')
    assert.equal((await restored()).code, 3, 'a server runs')
    await first.stop()

    const { code: exit, out, err } = await restored()
    assert.equal(exit, 0, err)
    const [, before] = /The store that was there before is (\S+)\.$/m.exec(out)!
    assert.ok(existsSync(before!))
    const { out: apps } = await run(['app', 'list', '--data', dataFolder])
    assert.doesNotMatch(apps, /later|gone/)
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

test('a command that cannot write says why in a line, without a stack', ofBackup, async () => {
  const { code, err } = await beside('backup', '/nowhere/at/all/countersign.db')
  assert.equal(code, 2)
  assert.match(err, /nowhere.*choose another folder/)
  assert.doesNotMatch(err, /\n\s+at /)
})
