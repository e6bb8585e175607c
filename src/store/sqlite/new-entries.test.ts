import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { newIssue, newMessage, pause, settlementOf } from '../conformance/fixtures.ts'
import { idAt } from '../numbering.ts'
import { migrate, openEngine } from './engine.ts'
import { openNewEntries } from './new-entries.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-new-entries-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
const newPath = () => join(folder, `${files++}.db`)
const call = (engine: ReturnType<typeof openEngine>, verb: string, ...args: readonly unknown[]) => {
  const [outcome] = engine.run([{ verb, args, until: Number.POSITIVE_INFINITY }])
  assert.ok(outcome && 'value' in outcome, JSON.stringify(outcome))
  return outcome.value
}
const issue = (engine: ReturnType<typeof openEngine>, ms = 60_000) => {
  const request = newIssue({ lease: { owner: 'us', ms } })
  call(engine, 'verifications.issue', request)
  return request
}
const claim = (engine: ReturnType<typeof openEngine>) =>
  (
    call(engine, 'outbox.claim', 100, { owner: 'us', ms: 60_000 }) as {
      message: { id: string }
      nth: number
    }[]
  ).map(({ message, nth }) => `${message.id} ${nth}`)

/** An engine after its first commit, from which on messages are kept out of the index. */
function openedEngine(path: string) {
  const engine = openEngine(path)
  call(engine, 'now')
  return engine
}

function dueIn(path: string): readonly unknown[] {
  using db = new DatabaseSync(path)
  return db.prepare('select message from dispatch where is_due = 1').all()
}

test('a message that is settled at once is never in the index of what is due, but in the view of the outbox', () => {
  const path = newPath()
  const engine = openedEngine(path)
  const { id, message } = issue(engine)
  assert.deepEqual(dueIn(path), [])
  using db = new DatabaseSync(path)
  const inView = () => db.prepare('select message_id, verification, dispatches from outbox').all()
  assert.deepEqual(
    inView().map((row) => ({ ...row })),
    [{ message_id: message!.id, verification: id, dispatches: 1 }],
  )
  assert.deepEqual((call(engine, 'outbox.depth') as { queued: number }).queued, 1)
  const { queued_at: queuedAt } = db.prepare('select queued_at from outbox').get() as { queued_at: number }
  const entry = { message: message!, verification: { id }, queuedAt, nth: 1 }
  call(engine, 'outbox.settle', [settlementOf(entry as never, { kind: 'done' })])
  assert.deepEqual(inView(), [])
  assert.equal((call(engine, 'outbox.depth') as { queued: number }).queued, 0)
  assert.equal((call(engine, 'dispatches.of', id) as unknown[]).length, 1)
  engine.close()
})

test('a message whose lease ends is claimed, however new it is', async () => {
  const engine = openedEngine(newPath())
  const { message } = issue(engine, 1_000)
  assert.deepEqual(claim(engine), [])
  await pause(1_050)
  assert.deepEqual(claim(engine), [`${message!.id} 2`])
  engine.close()
})

test('after a crash its owner takes over what it had queued in the last seconds', () => {
  const path = newPath()
  const engine = openedEngine(path)
  const requests = [issue(engine), issue(engine)]
  assert.deepEqual(dueIn(path), [])
  // Nothing is written at the close that would not be there after a kill.
  engine.close()
  const again = openEngine(path)
  assert.deepEqual(claim(again), [], 'its leases still run')
  call(again, 'outbox.release', 'us')
  assert.deepEqual(claim(again).toSorted(), requests.map(({ message }) => `${message!.id} 2`).toSorted())
  again.close()
})

test('what is queued before the messages of a crashed process are found counts once', () => {
  const path = newPath()
  const crashed = openedEngine(path)
  issue(crashed)
  crashed.close()
  const engine = openEngine(path)
  issue(engine)
  for (let look = 0; look < 2; look++)
    assert.equal((call(engine, 'outbox.depth') as { queued: number }).queued, 2)
  assert.equal(dueIn(path).length, 2)
  engine.close()
})

test('a notice is in the index at once, as a command that queues it may end before it is settled', () => {
  const path = newPath()
  const engine = openedEngine(path)
  call(engine, 'outbox.queue', [newMessage()], { owner: 'command', ms: 60_000 })
  assert.equal(dueIn(path).length, 1)
  engine.close()
})

test('what no crash may hide is in the index at once: ids from before the mark, and until it is committed nothing is forgotten', () => {
  const db = new DatabaseSync(':memory:')
  migrate(db)
  let now = 1_764_000_000_000
  const entries = openNewEntries(db, () => now)
  const keyAt = (ms: number) => ({
    messageId: String(ms).padStart(32, '0'),
    queuedAt: ms,
    verification: idAt(ms).padEnd(44, 'f'),
  })
  assert.equal(entries.add(keyAt(now), 60_000), false, 'no mark yet')
  entries.flush(now)
  entries.committed()
  assert.equal(entries.add(keyAt(now), 60_000), true)
  // The clock by which ids are made is set back.
  assert.equal(entries.add(keyAt(now - 10_000), 60_000), false)
  entries.remove(keyAt(now).messageId)
  entries.discard()
  assert.equal(entries.depth().queued, 1, 'its settlement was rolled back')
  now += 60_000
  entries.flush(now)
  const { value } = db.prepare("select value from meta where name = 'new_entries_after'").get() as {
    value: string
  }
  assert.ok(value < keyAt(now - 60_000).verification, 'the mark does not pass what is not settled')
  db.close()
})
