import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Session } from '../directory/directory.ts'
import { createSessions, tokenHash } from './sessions.ts'

/** A store with the sessions of three tokens. It keeps the hashes it is asked for, and answers at `release`. */
function storeOfTwo() {
  const members = new Map([
    [tokenHash('alice 1'), 'alice'],
    [tokenHash('alice 2'), 'alice'],
    [tokenHash('bob 1'), 'bob'],
  ])
  const asked: string[] = []
  const held: (() => void)[] = []
  const directory = {
    session(hash: string) {
      asked.push(hash)
      const session = { member: { id: members.get(hash) }, token: { expiresAt: 10 } } as Session
      return new Promise<Session>((resolve) => held.push(() => resolve(session)))
    },
  }
  return {
    asked,
    sessions: createSessions({ directory } as never, () => 0),
    release() {
      for (const answer of held.splice(0)) answer()
    },
  }
}

const tokens = ['alice 1', 'alice 2', 'bob 1']

test('after a change to a member the store is asked for each of the member’s tokens, and for nobody else’s', async () => {
  const { sessions, asked, release } = storeOfTwo()
  const first = tokens.map((token) => sessions.find(token))
  release()
  await Promise.all(first)
  for (const token of tokens) assert.ok(!(sessions.find(token) instanceof Promise), token)
  sessions.forget('alice')
  asked.length = 0
  for (const token of tokens) sessions.find(token)
  assert.deepEqual(asked, [tokenHash('alice 1'), tokenHash('alice 2')])
})

test('an answer of the store that was on its way during a change is not remembered', async () => {
  const { sessions, asked, release } = storeOfTwo()
  const answer = sessions.find('alice 1')
  sessions.forget('alice')
  release()
  assert.equal((await answer)?.member.id, 'alice')
  sessions.find('alice 1')
  assert.equal(asked.length, 2)
})

test('a session is remembered from the question on, so that a slow answer makes no end come later', async (t) => {
  let at = 0
  t.mock.method(performance, 'now', () => at)
  const { sessions, asked, release } = storeOfTwo()
  const answer = sessions.find('alice 1')
  at = 500
  release()
  await answer
  at = 799
  assert.ok(!(sessions.find('alice 1') instanceof Promise))
  at = 801
  sessions.find('alice 1')
  assert.equal(asked.length, 2)
})
