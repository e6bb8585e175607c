/** An engine without the server: callers that each take a code through its whole life, over and over. */

import { type NewMessage, newMessageId } from '../src/message/message.ts'
import type { Settlement } from '../src/store/outbox.ts'
import type { Store } from '../src/store/store.ts'
import type { IssueResult } from '../src/store/verifications.ts'
import { newVerificationId, type VerificationKey } from '../src/verification/verification.ts'

const callers = 96
const settledAtOnce = 200
const lease = { owner: 'bench', ms: 15_000 }
let made = 0

/** @returns Lives a second: issued, settled, submitted, used. */
export async function driveStore(store: Store, seconds: number): Promise<number> {
  let lives = 0
  const startedAt = performance.now()
  const until = startedAt + seconds * 1000
  const caller = async () => {
    while (performance.now() < until) {
      await liveOnce(store)
      lives++
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return (lives * 1000) / (performance.now() - startedAt)
}

/** One code from its issue to its use. @returns What its records have of their own. */
export async function liveOnce(store: Store): Promise<{
  readonly id: string
  readonly messageId: string
  readonly subject: string
  readonly number: string
  /** When it was issued. */
  readonly at: number
}> {
  const key = nextKey()
  const settlement = await issueOne(store, key, 60_000)
  await store.outbox.settle([settlement])
  const taken = await store.verifications.takeSubmission({
    key,
    counted: [],
    wrong: [],
    maxSubmissions: 5,
  })
  if (taken.kind !== 'taken' || !taken.record) throw new Error('a code was not found')
  const { id } = taken.record
  const used = await store.verifications.use({ id, wrong: [], consumes: true })
  if (!used) throw new Error('a right code was not used')
  return {
    ...{ id, messageId: settlement.dispatch.messageId, subject: key.subject, at: settlement.queuedAt },
    number: key.address.slice('tel:+86'.length),
  }
}

/** Leaves so many alive. */
export async function issueMany(store: Store, count: number, lifetimeMs: number): Promise<void> {
  let left = count
  const caller = async () => {
    while (left > 0) {
      const some = Math.min(left, settledAtOnce)
      left -= some
      const keys = Array.from({ length: some }, nextKey)
      await store.outbox.settle(await Promise.all(keys.map((key) => issueOne(store, key, lifetimeMs))))
    }
  }
  await Promise.all(Array.from({ length: 8 }, caller))
}

function nextKey(): VerificationKey {
  const nth = made++
  return {
    tenant: 'demo',
    app: 'bench',
    subject: (nth % 100_000).toString(16).padStart(32, '0'),
    address: `tel:+86${13_000_000_000 + nth}`,
    purpose: 'own-contact',
  }
}

/** @returns That a carrier took its message at once. */
async function issueOne(store: Store, key: VerificationKey, lifetimeMs: number): Promise<Settlement> {
  const now = Date.now()
  const id = newVerificationId(now, key.address)
  const message: NewMessage = {
    id: newMessageId(now),
    tenant: key.tenant,
    app: key.app,
    channel: 'sms',
    to: { kind: 'phone', e164: key.address.slice(4), region: 'CN' },
    locale: 'en-US',
    template: 'code',
    values: {},
    lifetimeMs,
    cooldown: [],
  }
  const result: IssueResult = await store.verifications.issue({
    id,
    key,
    keyId: 'k',
    digits: 6,
    lifetimeMs,
    isTest: false,
    maxSubmissions: 5,
    limits: [],
    message,
    lease,
  })
  if (result.kind !== 'issued') throw new Error(`a code was not issued: ${result.kind}`)
  const { queuedAt } = result.entry!
  const dispatch = {
    messageId: message.id,
    provider: 'carrier',
    outcome: 'accepted',
    handedOverAt: queuedAt,
    tookMs: 1,
    providerMessageId: message.id,
    receiptKey: message.id,
  } as const
  return {
    dispatch,
    message,
    region: 'CN',
    verification: id,
    queuedAt,
    nth: 1,
    next: { kind: 'done' },
  }
}
