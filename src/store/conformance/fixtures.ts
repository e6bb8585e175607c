/** Records for the conformance suites, each different from all others. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type Address, addressKey } from '../../address/address.ts'
import { loginLimits, type Member, memberDefaults, type Token } from '../../directory/directory.ts'
import { regionOf } from '../../message/destination.ts'
import type { NewMessage } from '../../message/message.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import { newVerificationId, type VerificationKey } from '../../verification/verification.ts'
import type { ContactChange, Directory, Login } from '../directory.ts'
import type { Settlement } from '../outbox.ts'
import type { Store } from '../store.ts'
import type { IssueRequest, UseRequest } from '../verifications.ts'

/** Gives callers the clients of one store by turns, so that races are between processes if the engine allows several. */
export type Clients = {
  readonly store: Store
  readonly client: (nth: number) => Store
  /** Names of tests of what the engine cannot do yet. */
  readonly lacks: readonly string[]
}

export const lease = { owner: 'tests', ms: 60_000 }
export const unlike = () => randomUUID().replaceAll('-', '')
export const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
export const times = <T>(count: number, make: (nth: number) => T): T[] =>
  Array.from({ length: count }, (_, nth) => make(nth))

export const newKey = (change: Partial<VerificationKey> = {}): VerificationKey => ({
  tenant: 't',
  app: 'a',
  subject: unlike(),
  address: 'tel:+8613800138000',
  purpose: 'new-contact',
  ...change,
})

export const newMessage = (change: Partial<NewMessage> = {}): NewMessage => ({
  id: unlike(),
  tenant: 't',
  app: 'a',
  channel: 'sms',
  to: { kind: 'phone', e164: '+8613800138000', region: 'CN' },
  locale: 'en-US',
  template: 'code',
  values: {},
  lifetimeMs: 60_000,
  cooldown: [],
  ...change,
})

export const newIssue = (change: Partial<IssueRequest> = {}): IssueRequest => issueFor(newKey(), change)

const issueFor = (newOne: VerificationKey, change: Partial<IssueRequest>): IssueRequest => ({
  id: newVerificationId(Date.now(), (change.key ?? newOne).address),
  key: newOne,
  keyId: 'k',
  digits: 6,
  lifetimeMs: 60_000,
  isTest: false,
  maxSubmissions: 5,
  limits: [],
  message: newMessage(),
  lease,
  ...change,
})

/** The request of a right code, which uses the verification up. */
export const useOf = (id: string, change: Partial<UseRequest> = {}): UseRequest => ({
  id,
  wrong: [],
  consumes: true,
  ...change,
})

export const newMember = (change: Partial<Member> = {}): Member => ({
  ...memberDefaults,
  id: unlike(),
  tenant: 't',
  account: unlike(),
  passwordHash: null,
  role: 'none',
  isDisabled: false,
  profile: { name: 'n', englishName: '', signature: '', title: '', description: '' },
  deptCode: '1',
  phone: null,
  phoneCountry: null,
  email: null,
  createdAt: 1,
  ...change,
})

let lastPhone = 13_000_000_000
export const newPhone = (): Address => ({ kind: 'phone', e164: `+86${lastPhone++}`, region: 'CN' })

export const newMailbox = (): Address => {
  const mailbox = `${unlike()}@example.com`
  return { kind: 'email', mailbox, canonical: mailbox, needsSmtpUtf8: false }
}

/** @returns The id of a live verification of the member's new contact. */
export async function verifiedIn(store: Store, member: Member, address: Address, app = 'a'): Promise<string> {
  const request = newIssue({ key: newKey({ app, subject: member.id, address: addressKey(address) }) })
  await store.verifications.issue(request)
  return request.id
}

export const changeOf = (
  member: Member,
  address: Address,
  verification: string,
  change: Partial<ContactChange> = {},
): ContactChange => ({
  tenant: 't',
  app: 'a',
  member: member.id,
  verification,
  wrong: [],
  address,
  country: 'chinaPR',
  seen: { phone: member.phone, email: member.email },
  provedBy: null,
  notices: [],
  lease,
  ...change,
})

/** Claims until the message is among those claimed: one poll need not read every shard, but four do. */
export async function claimed(store: Store, id: string): Promise<OutboxEntry | undefined> {
  for (let looks = 0; looks < 4; looks++) {
    const found = (await store.outbox.claim(1000, lease)).find((one) => one.message.id === id)
    if (found) return found
  }
  return undefined
}

/** A settlement of a claimed message. */
export const settlementOf = (
  entry: OutboxEntry,
  next: Settlement['next'],
  outcome: Settlement['dispatch']['outcome'] = 'accepted',
  told: Partial<Settlement['dispatch']> = {},
): Settlement => ({
  dispatch: {
    messageId: entry.message.id,
    provider: 'p',
    outcome,
    handedOverAt: entry.queuedAt,
    tookMs: 1,
    ...told,
  },
  message: entry.message,
  region: regionOf(entry.message.to),
  verification: entry.verification?.id ?? '',
  queuedAt: entry.queuedAt,
  nth: entry.nth,
  next,
})

export const batchOf = (...members: readonly Member[]) => ({ tenant: 't', members })

/** A pair of tokens. @param passwordHash  Of a login by password. */
export function newLogin({ id, tenant }: Member, passwordHash?: string): Login {
  const at = Date.now()
  const of = { login: unlike(), tenant, app: 'a', member: id, clientType: 72, createdAt: at }
  const token = (kind: Token['kind']): Token => ({ hash: unlike(), kind, ...of, expiresAt: at + 60_000 })
  const tokens = { access: token('access'), refresh: token('refresh') }
  return { ...tokens, limits: loginLimits(72), ...(passwordHash !== undefined && { passwordHash }) }
}

/** Adding members and logging them in, each with what the tests ask about it. */
export const membersIn = (directory: Directory) => ({
  async added(change: Partial<Member> = {}): Promise<Member> {
    const member = newMember(change)
    assert.equal((await directory.addMember({ member, notices: [], lease })).kind, 'added')
    return member
  },
  async loggedIn(member: Member): Promise<string> {
    const login = newLogin(member)
    await directory.logIn(login)
    return login.access.hash
  },
  isLoggedIn: async (hash: string) => (await directory.session(hash, ['access'])) !== undefined,
})
