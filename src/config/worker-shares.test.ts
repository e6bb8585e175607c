import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AppError } from '../errors.ts'
import { loadSettings } from './load-settings.ts'
import { shareOf } from './worker-shares.ts'

const postgres = 'store: postgres://countersign@127.0.0.1/countersign'
const smsc = 'type: smpp, host: 127.0.0.1, security: none, systemId: test, password: test'

function load(yaml: string) {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  try {
    const file = join(folder, 'settings.yaml')
    writeFileSync(file, yaml)
    return loadSettings({ file, env: {}, flags: { data: folder }, isDevelopment: true }).settings
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const refusal = (yaml: string, words: RegExp) =>
  assert.throws(
    () => load(yaml),
    (error: AppError) => error.code === 'config.invalid' && words.test(error.message),
  )

test('the shares of all workers together are what the settings say', () => {
  const settings = load(`${postgres}
workers: 3
providers: { smsc: { ${smsc}, binds: 7, window: 100, perSecond: 10 } }
routes: { sms: [smsc] }
`)
  const shares = [1, 2, 3].map((number) => {
    const { smsc } = shareOf(settings, number, 3).providers
    assert.ok(smsc?.type === 'smpp')
    return smsc
  })
  const sum = (of: (one: (typeof shares)[number]) => number) => shares.reduce((all, one) => all + of(one), 0)
  assert.deepEqual(
    shares.map(({ binds, window }) => [binds, window]),
    [
      [3, 34],
      [2, 33],
      [2, 33],
    ],
  )
  assert.equal(
    sum((one) => one.binds),
    7,
  )
  assert.equal(
    sum((one) => one.window),
    100,
  )
  assert.ok(Math.abs(sum((one) => one.perSecond!) - 10) < 1e-9)
  assert.equal(shares[0]!.bindWindow, 10, 'what bounds one bind is not divided')
})

test('workers on SQLite are refused, with both remedies', () => {
  refusal(
    'workers: 2',
    /^- workers: 2 processes cannot share an SQLite store; state store: .* or workers: 1$/m,
  )
})

test('a number too small to be divided is refused by name', () => {
  refusal(
    `${postgres}\nworkers: 4\nproviders: { smsc: { ${smsc} } }\nroutes: { sms: [smsc] }`,
    /^- providers\.smsc\.binds: is 2, and each of 4 workers needs at least one; state 4 or more/m,
  )
  refusal(
    `${postgres}\nworkers: 4\nproviders: { one: { type: sandbox, window: 3 } }`,
    /providers\.one\.window: is 3/,
  )
})
