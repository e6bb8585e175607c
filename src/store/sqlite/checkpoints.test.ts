import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Worker } from 'node:worker_threads'
import { createCheckpoints } from './checkpoints.ts'

class FakeThread extends EventEmitter {
  passes = 0
  unref(): void {}
  ref(): void {}
  postMessage(order: string): void {
    if (order === 'close') this.emit('exit')
    else this.passes++
  }
}

test('the log is moved once it is long and batches are sent, and nothing looks at it at rest', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
  t.after(() => rmSync(folder, { recursive: true }))
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const path = join(folder, 'x.db')
  const threads: FakeThread[] = []
  await using checkpoints = createCheckpoints(path, () => {
    threads.push(new FakeThread())
    return threads.at(-1) as unknown as Worker
  })
  const send = (batches: number) => {
    for (let i = 0; i < batches; i++) checkpoints.noteBatch()
    t.mock.timers.tick(100)
  }
  send(100)
  assert.equal(threads.length, 0, 'there is no log yet')
  writeFileSync(`${path}-wal`, '')
  truncateSync(`${path}-wal`, 4 * 1024 * 1024)
  t.mock.timers.tick(60_000)
  assert.equal(threads.length, 0, 'nothing was sent since')
  send(1)
  const [thread] = threads
  assert.equal(thread?.passes, 1)
  send(100)
  assert.equal(thread?.passes, 1, 'the first pass has not ended')
  thread?.emit('message', 'pass')
  send(1)
  assert.equal(thread?.passes, 2)
  thread?.emit('message', 'pass')
  send(2)
  t.mock.timers.tick(60_000)
  assert.equal(thread?.passes, 2, 'two batches in a minute are not worth it')
  assert.equal(threads.length, 1)
})
