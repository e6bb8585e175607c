import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createInbox, type InboxMessage } from './inbox.ts'

function messageTo(to: string, id = 'one'): Omit<InboxMessage, 'seq'> {
  return {
    id,
    channel: 'sms',
    to,
    locale: 'en-US',
    template: 'code',
    subject: null,
    text: 'hello',
    html: null,
    code: '012345',
    arrivedAt: 1,
    expiresAt: 2,
  }
}

const idsOf = (messages: readonly InboxMessage[]) => messages.map(({ id }) => id)

test('the newest message comes first', () => {
  const inbox = createInbox()
  for (const id of ['a', 'b', 'c']) inbox.add(messageTo('+8613800138000', id))
  assert.deepEqual(idsOf(inbox.list({})), ['c', 'b', 'a'])
})

test('only the newest are kept', () => {
  const inbox = createInbox(3)
  for (let i = 1; i <= 8; i++) inbox.add(messageTo('+8613800138000', `m${i}`))
  assert.deepEqual(idsOf(inbox.list({})), ['m8', 'm7', 'm6'])
  assert.deepEqual(idsOf(inbox.list({ after: 1 })), ['m8', 'm7', 'm6'])
})

test('a list names one address, whatever its case, and what came after a message', () => {
  const inbox = createInbox()
  inbox.add(messageTo('Li.Na@example.com', 'a'))
  inbox.add(messageTo('+8613800138000', 'b'))
  inbox.add(messageTo('li.na@example.com', 'c'))
  assert.deepEqual(idsOf(inbox.list({ to: 'li.na@EXAMPLE.com' })), ['c', 'a'])
  assert.deepEqual(idsOf(inbox.list({ to: 'li.na' })), [])
  assert.deepEqual(idsOf(inbox.list({ after: 2 })), ['c'])
  assert.deepEqual(idsOf(inbox.list({ to: 'li.na@example.com', after: 1 })), ['c'])
  assert.deepEqual(idsOf(inbox.list({ after: 3 })), [])
})

test('a listener hears each message once, until it has had enough', () => {
  const inbox = createInbox()
  const heard: string[] = []
  const unsubscribe = inbox.subscribe(({ id, seq }) => heard.push(`${seq} ${id}`))
  inbox.add(messageTo('+8613800138000', 'a'))
  inbox.add(messageTo('+8613800138000', 'b'))
  unsubscribe()
  inbox.add(messageTo('+8613800138000', 'c'))
  assert.deepEqual(heard, ['1 a', '2 b'])
})
