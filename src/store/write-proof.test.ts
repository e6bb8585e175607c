import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AppError } from '../errors.ts'
import { createWriteProof } from './write-proof.ts'

test('however many ask, a write is made once a second, and none while one is under way', async () => {
  let writes = 0
  let time = 0
  let answer = (_parts: readonly string[]) => {}
  const prove = createWriteProof(
    {
      proveWrite: () => {
        writes++
        return new Promise((resolve) => {
          answer = resolve
        })
      },
    },
    () => time,
  )
  const asked = [prove(), prove()]
  time = 5_000
  asked.push(prove())
  assert.equal(writes, 1)
  answer(['one of three'])
  for (const proof of await Promise.all(asked))
    assert.deepEqual(proof, { kind: 'taken', without: ['one of three'] })
  time = 5_999
  await prove()
  assert.equal(writes, 1)
  time = 6_000
  void prove()
  assert.equal(writes, 2)
})

test('a store that refuses the write is found out, and found well again', async () => {
  let isFull = true
  let time = 0
  const prove = createWriteProof(
    {
      async proveWrite() {
        if (isFull) throw new AppError('store.unavailable', 'database or disk is full')
        return []
      },
    },
    () => time,
  )
  assert.equal((await prove()).kind, 'refused')
  isFull = false
  assert.equal((await prove()).kind, 'refused')
  time = 1_000
  assert.equal((await prove()).kind, 'taken')
})
