import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DeliveryError, type Message, type Provider } from './provider.ts'
import { sendWithTimeout } from './send-with-timeout.ts'

const message = { id: 'm' } as Message
const provider = (send: Provider['send']): Provider => ({
  name: 'p',
  channels: ['sms'],
  hasReceipts: false,
  send,
})

test('a provider that answers in time is passed on as it is', async () => {
  assert.deepEqual(
    await sendWithTimeout(
      provider(async () => ({ id: '1' })),
      message,
      1000,
    ),
    { id: '1' },
  )
  const refused = new DeliveryError('refused', 'no')
  const call = sendWithTimeout(
    provider(() => Promise.reject(refused)),
    message,
    1000,
  )
  await assert.rejects(call, refused)
})

test('a provider that hangs is told to stop and its outcome is unknown', async () => {
  let isAborted = false
  const hanging = provider(
    (_, { signal }) =>
      new Promise(() => {
        signal.addEventListener('abort', () => {
          isAborted = true
        })
      }),
  )
  await assert.rejects(
    sendWithTimeout(hanging, message, 60),
    (error: DeliveryError) => error.kind === 'unknown',
  )
  assert.ok(isAborted)
})

test('an answer after the time-out changes nothing', async () => {
  let answer: (accepted: { id: string }) => void = () => undefined
  const late = provider(
    () =>
      new Promise((resolve) => {
        answer = resolve
      }),
  )
  await assert.rejects(sendWithTimeout(late, message, 30), DeliveryError)
  answer({ id: 'late' })
})

test('told to stop, a provider may still say that the message never left, or that it was taken', async () => {
  const stopped = (
    end: (resolve: (accepted: { id: string }) => void, reject: (error: Error) => void) => void,
  ) =>
    provider(
      (_, { signal }) =>
        new Promise((resolve, reject) => signal.addEventListener('abort', () => end(resolve, reject))),
    )
  const queued = stopped((_, reject) => reject(new DeliveryError('throttled', 'never left the queue')))
  await assert.rejects(
    sendWithTimeout(queued, message, 30),
    (error: DeliveryError) => error.kind === 'throttled',
  )
  const taken = stopped((resolve) => setTimeout(() => resolve({ id: 'just so' }), 20))
  assert.deepEqual(await sendWithTimeout(taken, message, 30), { id: 'just so' })
})
