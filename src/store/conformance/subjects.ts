/** Every engine's duties with verifications of anyone: subjects of any form, the caller's wishes, and checks by id. */

import assert from 'node:assert/strict'
import { describe, test as testOf } from 'node:test'
import { defaultLimits, submissionLimits } from '../../throttle/policy.ts'
import type { VerificationDetails } from '../../verification/details.ts'
import type { Verification } from '../../verification/verification.ts'
import type { SubmissionRequest } from '../verifications.ts'
import { type Clients, newIssue, newKey, pause, unlike, useOf } from './fixtures.ts'

export const details: VerificationDetails = {
  channel: 'sms',
  locale: 'en-US',
  metadata: { order: '7 “kg”', empty: '' },
  client: { ip: '192.0.2.1', trusted: false },
  plan: [{ channel: 'voice', afterMs: 20_000, unless: 'used' }],
}

export function subjectConformance({ store, client, lacks }: Clients): void {
  const test = (name: string, run: () => Promise<void>) =>
    testOf(name, { skip: lacks.includes(name) && 'this engine cannot do it yet' }, run)
  const { verifications } = store
  const submit = (record: Verification, change: Partial<SubmissionRequest> = {}) =>
    verifications.takeSubmission({
      key: record,
      id: record.id,
      counted: [],
      wrong: [],
      maxSubmissions: 5,
      ...change,
    })
  const started = async (change: Parameters<typeof newIssue>[0] = {}) => {
    const result = await verifications.issue(newIssue({ details, ...change }))
    assert.ok(result.kind === 'issued')
    return result.record
  }

  describe('verifications of anyone', () => {
    test('subjects of any form are kept apart, and come back as they were given', async () => {
      const word = unlike()
      for (const subject of [`sub:${word}`, `sub:${word}:x`, `sub:${word}’s “ü” `, 'tel:+8613800138000']) {
        const key = newKey({ subject, app: word, purpose: 'sign-up' })
        const record = await started({ key })
        assert.deepEqual(await client(1).verifications.get(record.id), record)
        assert.deepEqual({ ...record, ...key, details }, record)
      }
    })

    test('the wishes of a caller are kept as given, also after its use; a member’s code has none', async () => {
      const record = await started()
      assert.ok(await verifications.use(useOf(record.id)))
      assert.deepEqual((await verifications.get(record.id))?.details, details)
      const plain = newIssue()
      await verifications.issue(plain)
      assert.equal((await verifications.get(plain.id))?.details, null)
    })

    test('verifications are listed for their app, and of one subject, newest first, in pages', async () => {
      const [app, subject, address] = [unlike(), `sub:${unlike()}`, `tel:+86${unlike()}`]
      const since = Date.now()
      const made: string[] = []
      for (let nth = 0; nth < 5; nth++) {
        const to = nth === 1 ? address : `tel:+86${unlike()}`
        const key = newKey({ app, ...(nth % 2 === 0 && { subject }), address: to })
        made.push((await started({ key })).id)
        await pause(2)
      }
      await verifications.use(useOf(made[0]!))
      await verifications.issue(newIssue({ key: newKey({ app, subject }) }))
      await started({ key: newKey({ app: unlike(), subject }) })
      const all = async (query: Partial<Parameters<typeof verifications.list>[0]>) => {
        const found: string[] = []
        for (let before: string | null | undefined; before !== null; ) {
          const page = await client(1).verifications.list({
            app,
            sinceMs: since,
            max: 2,
            ...query,
            ...(before !== undefined && { before }),
          })
          assert.ok(page.found.length <= 2)
          found.push(...page.found.map(({ id }) => id))
          before = page.next
        }
        return found
      }
      assert.deepEqual(await all({}), made.toReversed())
      assert.deepEqual(await all({ subject }), [made[4], made[2], made[0]])
      assert.deepEqual(await all({ subject: `${subject}x` }), [])
      assert.deepEqual(await all({ address }), [made[1]])
      assert.deepEqual(await all({ address: `${address}0` }), [])
      assert.deepEqual(await all({ sinceMs: Date.now() + 1000 }), [])
      await store.sweep(3_600_000)
      assert.deepEqual(await all({ subject }), [made[4], made[2], made[0]], 'also from the history')
    })

    test('a submission by id counts on that verification, and on no other of its key', async () => {
      const first = await started({ lifetimeMs: 40 })
      await pause(80)
      const key = newKey({ ...first })
      const second = await started({ key })
      const late = await submit(first)
      assert.ok(late.kind === 'taken' && late.record?.id === first.id && late.record.submissions === 0)
      assert.ok(late.now >= first.expiresAt)
      assert.equal((await verifications.get(second.id))?.submissions, 0)
      const own = await submit(second)
      assert.ok(own.kind === 'taken' && own.record?.id === second.id && own.record.submissions === 1)
    })

    test('submissions for a verification that has ended neither end another of its key nor use up its limits', async () => {
      const key = newKey({ address: `tel:${unlike()}`, subject: `sub:${unlike()}` })
      const subject = { ...key, limiterKey: key.address, network: unlike(), isHolder: false }
      const limits = submissionLimits(subject, defaultLimits)
      const ends = {
        used: async ({ id }: Verification) => verifications.use(useOf(id)),
        cancelled: async ({ id }: Verification) => verifications.cancel({ id }),
        expired: () => pause(120),
      }
      const ended: Verification[] = []
      for (const [how, end] of Object.entries(ends)) {
        const record = await started({ key, ...(how === 'expired' && { lifetimeMs: 60 }) })
        await end(record)
        ended.push(record)
      }
      const second = await started({ key })
      const old = [...ended, { ...second, id: newIssue({ key }).id }]
      for (const record of old) {
        const answers = await Promise.all(
          Array.from({ length: 25 }, (_, nth) =>
            client(nth).verifications.takeSubmission({ key, id: record.id, ...limits, maxSubmissions: 5 }),
          ),
        )
        const counted = answers.filter((one) => one.kind === 'taken')
        assert.equal(counted.length, 5, 'it counts in its own limiters')
        for (const one of answers) assert.ok(one.kind !== 'taken' || one.record?.id !== second.id)
      }
      assert.deepEqual(await client(1).verifications.get(second.id), second)
      const { now, states } = await verifications.look(
        [...limits.counted, ...limits.wrong].map((one) => one.key),
      )
      assert.ok(now > 0)
      assert.deepEqual(
        states.map((state) => state.length),
        states.map(() => 0),
      )
      const own = await submit(second, limits)
      assert.ok(own.kind === 'taken' && own.record?.id === second.id && own.record.submissions === 1)
    })

    test('a submission by id shows how the verification has ended', async () => {
      const used = await started()
      await verifications.use(useOf(used.id))
      const again = await submit(used)
      assert.ok(again.kind === 'taken' && again.record?.state === 'used')
      const spent = await started()
      for (let i = 0; i < 6; i++) await submit(spent)
      const more = await submit(spent)
      assert.ok(more.kind === 'taken' && more.record?.state === 'spent' && more.record.submissions === 5)
      const none = await submit({ ...spent, id: newIssue().id })
      assert.ok(none.kind === 'taken' && none.record === undefined)
    })
  })
}
