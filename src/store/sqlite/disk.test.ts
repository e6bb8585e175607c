import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { AppError } from '../../errors.ts'
import { newVerificationId } from '../../verification/verification.ts'
import { openSqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-disk-'))
after(() => rmSync(folder, { recursive: true }))

const issueOf = (id: string) => ({
  id,
  key: { tenant: 't', app: 'a', subject: id, address: 'tel:+8613800138000', purpose: 'new-contact' as const },
  keyId: 'k',
  digits: 6,
  lifetimeMs: 600_000,
  isTest: false,
  maxSubmissions: 5,
  limits: [],
  lease: { owner: 'o', ms: 1000 },
})

test('where no byte more can be written calls are refused, what was answered stays, and room heals it', async () => {
  const path = join(folder, 'full.db')
  const script = join(folder, 'full.ts')
  writeFileSync(
    script,
    `import { openSqliteStore } from ${JSON.stringify(new URL('./sqlite-store.ts', import.meta.url).href)}
    const store = await openSqliteStore({ path: ${JSON.stringify(path)} })
    const request = ${JSON.stringify(issueOf(''))}
    for (let i = 0, refusals = 0; refusals < 20; i++) {
      const id = i.toString(16).padStart(44, '1')
      await store.verifications.issue({ ...request, id, key: { ...request.key, subject: id } }).then(
        () => console.log('issued', id),
        (error) => console.log(error.code, id, ++refusals))
    }
    console.log('probe', await store.verifications.get('1'.repeat(43) + '0').then((found) => found?.id, (error) => error.code))
    process.exit()`,
  )
  // A limit on the size of files, and its signal ignored: to the writer the same as a disk that is full.
  const child = spawn(
    'sh',
    ['-c', 'trap "" XFSZ; ulimit -f 3072; exec "$@"', 'sh', process.execPath, script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let told = ''
  child.stdout.on('data', (chunk) => {
    told += chunk
  })
  await once(child, 'close')
  const lines = told.split('\n').map((line) => line.split(' '))
  const issued = lines.filter(([what]) => what === 'issued').map(([, id]) => id!)
  const refused = lines.filter(([what]) => what === 'store.unavailable').map(([, id]) => id!)
  assert.ok(issued.length > 50, told.slice(-500))
  assert.equal(refused.length, 20)
  await using store = await openSqliteStore({ path })
  for (const id of issued) assert.equal((await store.verifications.get(id))?.state, 'live', id)
  for (const id of refused) assert.equal(await store.verifications.get(id), undefined, id)
  assert.equal(
    (await store.verifications.issue(issueOf(newVerificationId(Date.now(), 'tel:+8613800138000')))).kind,
    'issued',
  )
})

test('a file damaged in the middle gives errors that say so, not wrong answers', async () => {
  const path = join(folder, 'damaged.db')
  const ids = Array.from({ length: 2000 }, () => newVerificationId(Date.now(), 'tel:+8613800138000'))
  const whole = await openSqliteStore({ path, deadlineMs: 10_000 })
  await Promise.all(ids.map((id) => whole.verifications.issue(issueOf(id))))
  await whole[Symbol.asyncDispose]()
  const file = openSync(path, 'r+')
  const { size } = statSync(path)
  for (let at = 32 * 4096; at < size; at += 4096) writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, at)
  closeSync(file)
  const store = await openSqliteStore({ path }).catch((error: AppError) => error)
  if (store instanceof Error) return assert.match(store.message, /damaged\.db.*malformed/)
  const results = await Promise.allSettled(ids.map((id) => store.verifications.get(id)))
  const reasons = results.flatMap((result) =>
    result.status === 'rejected' ? [result.reason as AppError] : [],
  )
  assert.ok(reasons.length > 1000)
  assert.ok(reasons.every(({ code, message }) => code === 'store.unavailable' && /malformed/.test(message)))
  for (const result of results) if (result.status === 'fulfilled') assert.equal(result.value?.state, 'live')
  await store[Symbol.asyncDispose]()
})
