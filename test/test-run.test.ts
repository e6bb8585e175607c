/** The run of the tests itself: it ends, whatever a test leaves behind. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from './server.ts'

test('a test file that leaves something open fails, and does not keep the run from ending', {
  timeout: 120_000,
}, async () => {
  const folder = temporaryFolder()
  const file = join(folder, 'leaky.test.js')
  writeFileSync(
    file,
    `import { createServer } from 'node:net'
     import { test } from 'node:test'
     test('leaves a listener open', () => void createServer().listen(0))`,
  )
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const script = join(import.meta.dirname, '..', 'scripts', 'test.ts')
  const child = spawn(process.execPath, [script, 'sqlite', file], { env, stdio: 'ignore' })
  try {
    assert.deepEqual(await once(child, 'exit'), [1, null])
  } finally {
    child.kill('SIGTERM')
    rmSync(folder, { recursive: true })
  }
})
