/** Calls arrive in the engine's thread as they were made, however short they travel. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newOutboxEntry } from '../../message/outbox-entry.ts'
import type { Limit } from '../../throttle/acquire.ts'
import { defaultAddressCap, defaultLimits, issueLimits, submissionLimits } from '../../throttle/policy.ts'
import { verificationFacts } from '../../verification/facts.ts'
import type { Verification } from '../../verification/verification.ts'
import { lease, newIssue, newKey, newMessage, settlementOf, useOf } from '../conformance/fixtures.ts'
import type { Settlement } from '../outbox.ts'
import { newVerification } from '../verbs/issue.ts'
import { type Call, callReader, callWriter } from './calls.ts'

const subject = {
  tenant: 'tenant',
  app: 'app',
  subject: 'member',
  limiterKey: 'tel:+8613800138000',
  network: '192.0.2.7',
  isHolder: false,
}

const request = newIssue()

function issue(limits: readonly Limit[]): Call {
  return { id: 1, verb: 'verifications.issue', args: [{ ...request, limits }], until: 5 }
}

function submission({ person }: { person: string }): Call {
  const limits = submissionLimits({ ...subject, subject: person }, defaultLimits)
  const { key } = request
  return {
    id: 2,
    verb: 'verifications.takeSubmission',
    args: [{ key, ...limits, maxSubmissions: 5 }],
    until: 5,
  }
}

/** A settlement without what it does not need of its message. */
function onlyKept(settlement: Settlement): Settlement {
  const { tenant, app, channel, cooldown } = settlement.message
  return { ...settlement, message: { tenant, app, channel, cooldown } }
}

/** Sent in a batch each, by one writer to one reader. */
function sent(calls: readonly Call[]): {
  readonly read: readonly Call[]
  readonly lengths: readonly number[]
} {
  const [writer, read] = [callWriter(), callReader()]
  const texts = calls.map((call) => writer.textOf([writer.prepared(call)]))
  return { read: texts.flatMap((text) => read(text)), lengths: texts.map((text) => text.length) }
}

test('takes arrive whole, those of limits that were sent before too', () => {
  const calls = [
    issue(issueLimits(subject, defaultLimits, defaultAddressCap)),
    issue(issueLimits({ ...subject, isHolder: true, subject: 'other' }, defaultLimits, defaultAddressCap)),
    submission({ person: 'member' }),
    submission({ person: 'other' }),
    issue(issueLimits({ ...subject, subject: 'third' }, defaultLimits, defaultAddressCap)),
  ]
  const { read } = sent(calls)
  assert.deepEqual(read, calls)
})

test('limits travel once', () => {
  const first = issue(issueLimits(subject, defaultLimits, defaultAddressCap))
  const again = issue(issueLimits({ ...subject, subject: 'third!' }, defaultLimits, defaultAddressCap))
  const { lengths } = sent([first, again])
  assert.ok(lengths[1]! < lengths[0]! * 0.6, `${lengths[0]} characters, then ${lengths[1]}`)
})

test('limits of one list of rules that are otherwise unlike stay so', () => {
  const rules = [{ kind: 'window', max: 1, perMs: 1000 }] as const
  const limits: Limit[] = [
    { scope: 'member', key: 'a', form: 'events', rules },
    { scope: 'network', key: 'b', form: 'events', rules },
    { scope: 'member', key: 'c', form: 'events', rules, keepMs: 5 },
    { scope: 'member', key: 'd', form: 'events', rules, looksOnly: true },
    { scope: 'member', key: 'e', form: 'tags', rules, tag: 7 },
  ]
  const { read } = sent([issue(limits)])
  assert.deepEqual(read, [issue(limits)])
})

test('usual requests arrive whole, and those with all that they may have', () => {
  const once = { key: 'k', fingerprint: 'f' }
  const details = { channel: 'sms', locale: 'en-US', metadata: { order: '7' } }
  const to = {
    kind: 'email',
    mailbox: 'M@x.example',
    canonical: 'm@x.example',
    needsSmtpUtf8: false,
  } as const
  const message = newMessage({
    to,
    cooldown: ['a', 'b'],
    values: { v: '1' },
    isSandboxed: true,
    beginsPlan: true,
  })
  const { message: _none, ...toTestAddress } = newIssue({ isTest: true })
  const entry = newOutboxEntry(newMessage(), 5, newVerification(newIssue({ details }), 5) as Verification)
  const told = verificationFacts(entry.verification!)
  const answer = {
    ...{ providerMessageId: 'm', receiptKey: 'r', providerCode: 'c', segments: 2 },
    price: { amount: '0.01', currency: 'USD' },
  }
  const requests: readonly (readonly [string, unknown])[] = [
    ['verifications.issue', newIssue()],
    ['verifications.issue', newIssue({ message })],
    ['verifications.issue', newIssue({ details, once, message, keepsLive: { quietMs: 5 } })],
    ['verifications.issue', { ...toTestAddress, isHeld: true }],
    ['verifications.takeSubmission', { key: newKey(), counted: [], wrong: [], maxSubmissions: 5 }],
    [
      'verifications.takeSubmission',
      { key: newKey(), id: 'v', counted: [], wrong: [], maxSubmissions: 5, repeat: 'r', once },
    ],
    ['verifications.use', useOf('v')],
    [
      'verifications.use',
      useOf('v', {
        ...{ wrong: [{ key: 'k', form: 'events', at: 5 }], proof: { login: 'l', lastsMs: 5 } },
        ...{ consumes: false, repeat: 'r', once },
      }),
    ],
    ['verifications.resend', { id: 'v', maxSubmissions: 5, limits: [], message, lease, once }],
    [
      'outbox.settle',
      [
        onlyKept(settlementOf(entry, { kind: 'done' }, 'accepted', { providerMessageId: 'm' })),
        onlyKept(settlementOf(entry, { kind: 'retry', afterMs: 5 }, 'throttled', { providerMessageId: 'm' })),
      ],
    ],
    [
      'outbox.settle',
      [
        onlyKept(settlementOf(entry, { kind: 'done' })),
        {
          ...onlyKept(
            settlementOf(entry, { kind: 'second', afterMs: 5, channel: 'voice', step: 1 }, 'unknown', answer),
          ),
          told,
        },
      ],
    ],
  ]
  const calls = requests.map(([verb, arg], id): Call => ({ id, verb, args: [arg], until: 5 }))
  assert.deepEqual(sent(calls).read, calls)
})

test('other calls travel as they are', () => {
  const call: Call = { id: 3, verb: 'outbox.claim', args: [10, { owner: 'us', ms: 5 }], until: 5 }
  assert.deepEqual(sent([call]).read, [call])
})
