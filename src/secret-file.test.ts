import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { makeFolder, makeSecretFile, replaceSecretFile } from './secret-file.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const asRoot = { skip: userInfo().uid !== 0 && 'only root gives files to others' }
/** Of nobody's account: root alone may give files to it. */
const service = { uid: 4_242, gid: 4_343 }

function ownerOf(path: string) {
  const { uid, gid, mode } = statSync(path)
  return { uid, gid, mode: mode & 0o777 }
}

test('a file that root replaces keeps its owner and its mode', asRoot, () => {
  const path = join(folder, 'master.key')
  writeFileSync(path, 'old')
  chmodSync(path, 0o640)
  chownSync(path, service.uid, service.gid)
  replaceSecretFile(path, () => 'new')
  assert.equal(readFileSync(path, 'utf8'), 'new')
  assert.deepEqual(ownerOf(path), { ...service, mode: 0o640 })
})

test('what root makes belongs to the owner of the folder', asRoot, () => {
  const data = join(folder, 'data')
  mkdirSync(data)
  chownSync(data, service.uid, service.gid)
  replaceSecretFile(join(data, 'replaced'), () => 'x')
  makeSecretFile(join(data, 'made'), 'x')
  makeSecretFile(join(data, 'keys', 'deep', 'made'), 'x')
  for (const path of ['replaced', 'made', 'keys/deep/made'])
    assert.deepEqual(ownerOf(join(data, path)), { ...service, mode: 0o600 }, path)
  for (const path of ['keys', 'keys/deep'])
    assert.deepEqual(ownerOf(join(data, path)), { ...service, mode: 0o700 }, path)
})

test('who cannot keep the owner of a file is told so, and the file stays as it is', asRoot, () => {
  chmodSync(folder, 0o777)
  const path = join(folder, 'master.key')
  writeFileSync(path, 'old')
  const script = `
    import { replaceSecretFile } from ${JSON.stringify(join(import.meta.dirname, 'secret-file.ts'))}
    process.setgroups([]); process.setgid(${service.gid}); process.setuid(${service.uid})
    try { replaceSecretFile(${JSON.stringify(path)}, () => 'new') } catch (error) { console.log(error.message) }`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.match(said, /belongs to user 0, group 0, which this user cannot keep/)
  assert.equal(readFileSync(path, 'utf8'), 'old')
  assert.deepEqual(readdirSync(folder), ['master.key'])
})

test('of several that make one file the first wins, and nothing is left beside it', () => {
  const path = join(folder, 'admin.token')
  makeSecretFile(path, 'first')
  makeSecretFile(path, 'second')
  assert.equal(readFileSync(path, 'utf8'), 'first')
  assert.deepEqual(readdirSync(folder), ['admin.token'])
})

test('a folder is made for its owner alone, with those above it', () => {
  makeFolder(join(folder, 'a', 'b'))
  for (const path of ['a', 'a/b']) assert.equal(statSync(join(folder, path)).mode & 0o777, 0o700)
})
