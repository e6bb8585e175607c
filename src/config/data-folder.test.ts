import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { parseKeyRing } from '../code/key-ring.ts'
import { makeFolder, replaceSecretFile } from '../secret-file.ts'
import { rotateKeys } from './data-folder.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const modeOf = (path: string) => statSync(path).mode & 0o777
const now = new Date('2026-01-02T03:04:05Z')

test('the data folder and what is written into it are for their owner alone', () => {
  const data = join(folder, 'a', 'data')
  makeFolder(data)
  replaceSecretFile(join(data, 'secret'), () => 'x')
  assert.equal(modeOf(data), 0o700)
  assert.equal(modeOf(join(data, 'secret')), 0o600)
})

test('a write leaves the new file and nothing beside it', () => {
  const path = join(folder, 'secret')
  replaceSecretFile(path, () => 'one')
  replaceSecretFile(path, () => 'two')
  assert.equal(readFileSync(path, 'utf8'), 'two')
  assert.deepEqual(readdirSync(folder), ['secret'])
})

test('a rotation makes the ring, then adds a newest key and keeps the old ones', () => {
  const path = join(folder, 'master.key')
  const first = rotateKeys(path, now)
  const second = rotateKeys(path, now)
  const ring = parseKeyRing(readFileSync(path, 'utf8'))
  assert.deepEqual([...ring.keys.keys()], [first, second])
  assert.equal(ring.newest.id, second)
  assert.equal(modeOf(path), 0o600)
})

test('a ring without a last line break is not run together with the new key', () => {
  const path = join(folder, 'master.key')
  rotateKeys(path, now)
  writeFileSync(path, readFileSync(path, 'utf8').trimEnd())
  rotateKeys(path, now)
  assert.equal(parseKeyRing(readFileSync(path, 'utf8')).keys.size, 2)
})

test('a ring that cannot be read is left as it is', () => {
  const path = join(folder, 'master.key')
  writeFileSync(path, 'not a key\n')
  assert.throws(() => rotateKeys(path, now), /line 1/)
  assert.equal(readFileSync(path, 'utf8'), 'not a key\n')
  assert.deepEqual(readdirSync(folder), ['master.key'])
})

test('a write under way keeps a second one out; one that was cut off long ago does not', () => {
  const path = join(folder, 'master.key')
  rotateKeys(path, now)
  writeFileSync(`${path}.partial`, '')
  assert.throws(() => rotateKeys(path, now), { code: 'EEXIST' })
  const longAgo = new Date(Date.now() - 60_000)
  utimesSync(`${path}.partial`, longAgo, longAgo)
  rotateKeys(path, now)
  assert.equal(parseKeyRing(readFileSync(path, 'utf8')).keys.size, 2)
})
