import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { DeliveryError, type Message, type Receipt } from '../../delivery/provider.ts'
import { createSandbox } from './sandbox.ts'

const goodDay = {
  type: 'sandbox',
  name: 'sandbox',
  delayMs: 0,
  receiptDelayMs: null,
  lossRate: 0,
  refusalRate: 0,
  unavailableRate: 0,
} as const

const noReceipts = async () => assert.fail('a receipt was given')

const sms: Message = {
  id: '0123456789abcdef0123456789abcdef',
  tenant: 't',
  app: 'a',
  sender: null,
  remainingMs: 60_000,
  channel: 'sms',
  to: { kind: 'phone', e164: '+8613800138000', region: 'CN' },
  locale: 'zh-CN',
  text: '【云会议】您的验证码是 012345',
  template: 'code',
  variables: ['012345', '1分钟'],
  deadlineAt: 1_700_000_060_000,
}

const mail: Message = {
  ...sms,
  channel: 'email',
  to: { kind: 'email', mailbox: 'Li.Na@example.com', canonical: 'li.na@example.com', needsSmtpUtf8: false },
  subject: 'Your contact was changed',
  html: '<p>changed</p>',
  template: 'contact-changed',
  variables: ['+86138****8000'],
  deadlineAt: 0,
}

const options = { signal: new AbortController().signal }

/** Gives these numbers in turn. */
function dice(...numbers: number[]): () => number {
  return () => numbers.shift() ?? assert.fail('more chances were taken than expected')
}

test('what is accepted has arrived, with its code', async () => {
  const { provider, inbox } = createSandbox(goodDay, noReceipts)
  const before = Date.now()
  assert.deepEqual(await provider.send(sms, options), { id: `sandbox-${sms.id}` })
  const [{ arrivedAt, ...arrived } = assert.fail()] = inbox.list({ to: '+8613800138000' })
  assert.ok(arrivedAt >= before && arrivedAt <= Date.now())
  assert.deepEqual(arrived, {
    seq: 1,
    id: sms.id,
    channel: 'sms',
    to: '+8613800138000',
    locale: 'zh-CN',
    template: 'code',
    subject: null,
    text: sms.text,
    html: null,
    code: '012345',
    expiresAt: sms.deadlineAt,
  })
})

test('a notice has no code, and a mail has its subject and HTML', async () => {
  const { provider, inbox } = createSandbox(goodDay, noReceipts)
  await provider.send(mail, options)
  const [arrived] = inbox.list({ to: 'li.na@example.com' })
  assert.equal(arrived?.code, null)
  assert.equal(arrived.to, 'Li.Na@example.com')
  assert.equal(arrived.subject, mail.subject)
  assert.equal(arrived.html, mail.html)
})

test('a good day takes no chances', async () => {
  const { provider } = createSandbox(goodDay, noReceipts, () => assert.fail('a chance was taken'))
  await provider.send(sms, options)
})

test('each bad day is as set: refused, unavailable, lost', async () => {
  for (const [settings, kind] of [
    [{ ...goodDay, refusalRate: 0.5 }, 'refused'],
    [{ ...goodDay, unavailableRate: 0.5 }, 'unavailable'],
  ] as const) {
    const { provider, inbox } = createSandbox(settings, noReceipts, dice(0.49, 0.5))
    await assert.rejects(
      provider.send(sms, options),
      (error) => error instanceof DeliveryError && error.kind === kind,
    )
    assert.equal(inbox.list({}).length, 0)
    await provider.send(sms, options)
    assert.equal(inbox.list({}).length, 1)
  }
  const { provider, inbox } = createSandbox({ ...goodDay, lossRate: 0.5 }, noReceipts, dice(0.49, 0.5))
  assert.deepEqual(await provider.send(sms, options), { id: `sandbox-${sms.id}` })
  assert.equal(inbox.list({}).length, 0)
  await provider.send(sms, options)
  assert.equal(inbox.list({}).length, 1)
})

test('a delayed message is accepted at once and arrives later', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { provider, inbox } = createSandbox({ ...goodDay, delayMs: 3000 }, noReceipts)
  await provider.send(sms, options)
  t.mock.timers.tick(2999)
  assert.equal(inbox.list({}).length, 0)
  t.mock.timers.tick(1)
  assert.equal(inbox.list({}).length, 1)
})

test('what is under way when the sandbox closes never arrives', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { provider, inbox } = createSandbox({ ...goodDay, delayMs: 10 }, noReceipts)
  await provider.send(sms, options)
  await provider.close?.()
  t.mock.timers.tick(10)
  assert.equal(inbox.list({}).length, 0)
})

test('a receipt follows what arrived, is told again if it was not taken in, and none what was lost', async () => {
  const told: string[] = []
  let isAway = true
  const receive = async (receipts: readonly Receipt[]) => {
    if (isAway) {
      isAway = false
      throw new Error('away')
    }
    for (const one of receipts) told.push(`${one.key} ${one.state}`)
  }
  mock.timers.enable({ apis: ['setTimeout'] })
  const { provider } = createSandbox(
    { ...goodDay, receiptDelayMs: 50, lossRate: 0.5 },
    receive,
    dice(0.6, 0.4),
  )
  assert.equal(provider.hasReceipts, true)
  const { id } = await provider.send(sms, options)
  await provider.send(sms, options)
  for (let i = 0; i < 30; i++) {
    mock.timers.tick(100)
    await new Promise((resolve) => setImmediate(resolve))
  }
  mock.timers.reset()
  assert.deepEqual(told, [`${id} delivered`])
})
