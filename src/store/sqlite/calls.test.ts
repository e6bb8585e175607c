/** Calls arrive in the engine's thread as they were made, however short they travel. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Limit } from '../../throttle/acquire.ts'
import { defaultAddressCap, defaultLimits, issueLimits, submissionLimits } from '../../throttle/policy.ts'
import { type Call, callReader, callWriter } from './calls.ts'

const subject = {
  tenant: 'tenant',
  app: 'app',
  subject: 'member',
  limiterKey: 'tel:+8613800138000',
  network: '192.0.2.7',
  isHolder: false,
}

function issue(limits: readonly Limit[]): Call {
  return { id: 1, verb: 'verifications.issue', args: [{ id: 'v', limits }], until: 5 }
}

function submission({ person }: { person: string }): Call {
  const limits = submissionLimits({ ...subject, subject: person }, defaultLimits)
  return { id: 2, verb: 'verifications.takeSubmission', args: [{ ...limits, maxSubmissions: 5 }], until: 5 }
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

test('other calls travel as they are', () => {
  const call: Call = { id: 3, verb: 'outbox.claim', args: [10, { owner: 'us', ms: 5 }], until: 5 }
  assert.deepEqual(sent([call]).read, [call])
})
