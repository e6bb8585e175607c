import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { channelsOf, givesReceipts, providersOf } from '../provider-settings.ts'
import type { SettingsFile } from '../settings-schema.ts'

/** Reads a section. */
function read(section: Record<string, unknown>) {
  const problems: string[] = []
  const file = { providers: { carrier: { type: 'smpp', ...section } } } as unknown as SettingsFile
  return { settings: providersOf(file, { publicUrl: null, dataFolder: '' }, problems).carrier, problems }
}

const least = { host: 'smsc.example', systemId: 'esme', password: 'secret' }

test('the least there can be: TLS, two transceivers, receipts', () => {
  const { settings, problems } = read(least)
  assert.deepEqual(problems, [])
  assert.deepEqual([channelsOf(settings!), givesReceipts(settings!)], [['sms'], true])
  assert.ok(settings?.type === 'smpp')
  const { security, port, bind, binds, bindWindow, alphabet, receipts, receiptIds, maxParts, sender } =
    settings
  assert.deepEqual(
    [security, port, bind, binds, bindWindow, alphabet, receipts, receiptIds, maxParts, sender],
    ['tls', 3550, 'transceiver', 2, 10, 'gsm', true, 'as-is', 3, null],
  )
})

test('without TLS only to this machine, or through a tunnel that the operator vouches for', () => {
  assert.match(
    read({ ...least, security: 'none' }).problems.join(),
    /^providers\.carrier\.security: none is only/,
  )
  for (const section of [
    { ...least, security: 'tunnel' },
    { ...least, security: 'none', host: 'localhost' },
  ]) {
    const { settings, problems } = read(section)
    assert.deepEqual(problems, [])
    assert.equal(settings?.type === 'smpp' && settings.port, 2775)
  }
})

test('the password may be in a file, and has to be one that a bind can carry', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-smpp-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, 'filed\n')
  const { settings } = read({ host: 'h.example', systemId: 'esme', passwordFile })
  assert.equal(settings?.type === 'smpp' && settings.password, 'filed')
})

test('a carrier’s own wishes: states in capitals, and nothing stated is the usual', () => {
  const { settings, problems } = read({
    ...least,
    receiptStates: { Lost: 'undeliverable', '0': 'delivered' },
  })
  assert.deepEqual(problems, [])
  assert.ok(settings?.type === 'smpp')
  const { receiptStates, validity, interfaceVersion, serviceType, optionalParameters, destinationTon } =
    settings
  assert.deepEqual(receiptStates, { LOST: 'undeliverable', '0': 'delivered' })
  assert.deepEqual(
    [validity, interfaceVersion, serviceType, optionalParameters, destinationTon],
    ['relative', 3.4, '', 'auto', null],
  )
})

const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
  [
    { host: 'h.example', systemId: 'esme' },
    /^providers\.carrier\.password: must be stated, or passwordFile$/,
  ],
  [{ ...least, password: 'ninechars' }, /^providers\.carrier\.password: SMPP takes 1 to 8 characters/],
  [{ ...least, passwordFile: '/no/such' }, /^providers\.carrier: password and passwordFile are both stated/],
  [{ ...least, systemId: 'sixteen-and-more' }, /^providers\.carrier\.systemId: /],
  [{ ...least, systemId: 'ésme' }, /^providers\.carrier\.systemId: must be ASCII$/],
  [{ ...least, caFile: '/no/such.pem' }, /^providers\.carrier\.caFile: \/no\/such\.pem does not exist$/],
  [
    { ...least, security: 'tunnel', caFile: '/etc/hostname' },
    /^providers\.carrier\.caFile: is of no use without security tls/,
  ],
  [{ ...least, sender: '会议' }, /^providers\.carrier\.sender: is neither a number nor a name/],
  [{ ...least, sender: 'TwelveLetter' }, /^providers\.carrier\.sender: is neither a number nor a name/],
  [{ ...least, alphabet: 'ebcdic' }, /^providers\.carrier\.alphabet: /],
  [{ ...least, validity: 'forever' }, /^providers\.carrier\.validity: /],
  [{ ...least, interfaceVersion: 3.2 }, /^providers\.carrier\.interfaceVersion: /],
  [{ ...least, serviceType: 'sixchr' }, /^providers\.carrier\.serviceType: /],
  [{ ...least, optionalParameters: 'yes' }, /^providers\.carrier\.optionalParameters: /],
  [{ ...least, destinationTon: 256 }, /^providers\.carrier\.destinationTon: /],
  [{ ...least, receiptStates: { LOST: 'gone' } }, /^providers\.carrier\.receiptStates/],
  [
    { ...least, receiptStates: { 'two words': 'delivered' } },
    /^providers\.carrier\.receiptStates: two words is neither/,
  ],
  [{ ...least, bindWindow: 0 }, /^providers\.carrier\.bindWindow: must be at least 1/],
]
for (const [section, problem] of refused)
  test(`refused: ${JSON.stringify(section)}`, () => {
    const { problems } = read(section)
    assert.equal(problems.filter((one) => problem.test(one)).length, 1, problems.join('\n'))
    assert.ok(problems.every((one) => !one.includes('ninechars') && !one.includes('secret')))
  })
