import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultLimits, submissionLimits } from '../../throttle/policy.ts'
import { newVerificationId } from '../../verification/verification.ts'
import { stateNumber } from '../numbering.ts'
import type { Call, Reply } from './call.ts'
import type { Calls } from './calls.ts'
import { createLayout } from './layout.ts'
import type { RedisRecord } from './records.ts'
import { takeSubmission } from './take-submission.ts'

const key = { tenant: 't', app: 'a', subject: 'sub:u', address: 'tel:+8613800138000', purpose: 'verify' }
const now = 1_800_000_000_000

/** The functions that a submission calls on sixteen shards, for a live record that nothing has marked as expired. */
async function calledFor(expiresAt: number): Promise<readonly string[]> {
  const { subject: member, ...rest } = key
  const id = newVerificationId(now, key.address)
  const record: RedisRecord = {
    ...{ ...rest, id, member, keyId: 'k', digits: 6, isTest: false, details: null, digest: 'd' },
    ...{ state: stateNumber.live, issuedAt: now - 60_000, expiresAt, submissions: 0, messages: 0 },
  }
  const called: string[] = []
  const calls: Pick<Calls, 'call' | 'nowOf'> = {
    nowOf: () => now,
    async call({ name, limits = [] }: Call): Promise<Reply> {
      called.push(name)
      if (name === 'reserve') return ['acquired', now, limits.map(() => 0).join()]
      return ['ended', now, JSON.stringify(record)]
    },
  }
  const subject = { ...key, limiterKey: key.address, network: 'a/192.0.2.1', isHolder: false }
  const request = { key, id, ...submissionLimits(subject, defaultLimits), maxSubmissions: 5 }
  const read = async () => undefined
  const find = async () => record
  await takeSubmission(calls as Calls, createLayout('p', 16), find, read, read, Infinity, request)
  return called
}

test('a submission for a code whose time is over makes no hit on another shard', async () => {
  assert.ok((await calledFor(now + 1)).includes('reserve'), 'its limiters lie on several shards')
  assert.deepEqual(await calledFor(now), ['take_submission'])
})
