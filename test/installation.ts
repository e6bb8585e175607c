/** An installation with records of every kind, made by the verbs of its store, and all that the verbs return of it. */

import fc from 'fast-check'
import type { Address } from '../src/address/address.ts'
import { newApiKey } from '../src/directory/api-key.ts'
import { departmentDefaults } from '../src/directory/department.ts'
import { loginLimits, type Token } from '../src/directory/directory.ts'
import { maxSignatureMs } from '../src/flows/app-login.ts'
import type { OutboxEntry } from '../src/message/outbox-entry.ts'
import { newAuditEntry } from '../src/store/conformance/audit.ts'
import {
  newIssue,
  newKey,
  newMember,
  newMessage,
  newPhone,
  settlementOf,
  unlike,
} from '../src/store/conformance/fixtures.ts'
import type { AppEvent } from '../src/store/events.ts'
import type { Settlement } from '../src/store/outbox.ts'
import type { Store } from '../src/store/store.ts'
import type { Webhook } from '../src/store/webhooks.ts'
import { defaultPasswordLimits, passwordLimitsOf, passwordSubject } from '../src/throttle/password-limits.ts'
import {
  defaultAddressCap,
  defaultLimits,
  issueLimits,
  nonceLimit,
  submissionLimits,
  type ThrottleSubject,
} from '../src/throttle/policy.ts'

const text = (maxLength: number) => fc.string({ unit: 'grapheme', maxLength })
const person = fc.record({
  name: text(20),
  password: fc.option(text(20)),
  hasPhone: fc.boolean(),
  isDisabled: fc.boolean(),
  logins: fc.integer({ min: 0, max: 2 }),
  network: fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8:1:2::/64', 'fe80::/64')),
  values: fc.dictionary(text(5), text(30), { maxKeys: 3 }),
  fate: fc.constantFrom('waits', 'accepted', 'delivered', 'retried', 'second', 'refused'),
  submitted: fc.constantFrom('not', 'ended', 'wrong', 'right', 'right-kept', 'changed'),
  isTest: fc.boolean(),
  detail: fc.dictionary(text(5), fc.oneof(text(20), fc.integer()), { maxKeys: 3 }),
})
type Person = typeof person extends fc.Arbitrary<infer One> ? One : never

/** Ids, by which everything can be asked for again. */
export type Made = {
  readonly members: string[]
  readonly tokens: string[]
  readonly verifications: string[]
}

const tenants = ['t', 'é-中'] as const
const lifetimeMs = 600_000
const atOnce = 100

/** @param seed  The same seed makes the same people, but for their ids and times. */
export async function makeInstallation(store: Store, count: number, seed: number): Promise<Made> {
  const made: Made = { members: [], tokens: [], verifications: [] }
  for (const id of tenants) {
    await store.directory.addTenant({ id, name: `T ${id} "'\\`, accountApp: `a-${id}` })
    await store.directory.addApp({
      id: `a-${id}`,
      tenant: id,
      name: 'A',
      sealedKey: 's',
      isServiceProvider: id === 't',
      isDisabled: id !== 't',
      policy: { z: [1.5, null], lifetime: { sms: '90s' }, a: '\u2028' },
      createdAt: 1_700_000_000_000,
    })
    for (const kind of ['server', 'publishable'] as const)
      await store.keys.add(
        newApiKey({
          tenant: id,
          app: `a-${id}`,
          name: `K ${id} "'\\`,
          kind,
          isTest: id === 't',
          scopes: ['events:read', 'admin'],
          origins: ['https://é.example'],
          networks: [],
          createdAt: 1_700_000_000_000,
          expiresAt: id === 't' ? null : 1_900_000_000_000,
        }).key,
      )
    await administer(store, id)
    await store.consumptions.consume({ thing: `proof ${id}`, by: id, expiresAt: 1_900_000_000_000 })
  }
  await store.events.setReaders(['a-t'])
  await store.webhooks.add(newWebhook, 1)
  const people = fc.sample(person, { numRuns: count, seed })
  for (let at = 0; at < people.length; at += atOnce)
    await Promise.all(
      people.slice(at, at + atOnce).map(async (one, nth) => {
        const tenant = tenants[nth % tenants.length]!
        await ask(store, one, tenant, await join(store, one, tenant, made), made)
      }),
    )
  const lease = { owner: 'tests', ms: 60_000 }
  const [claimed] = await store.webhooks.claim(1, lease)
  const last = (await store.events.heads(['a-t']))[0]!
  const times = { firstAt: 1, lastAt: 2, dueAt: 3, tookMs: 4 }
  const event = { event: last, type: 'verification.refused', verification: '', tries: 1 } as const
  const added = [{ ...event, ...times, state: 'waiting', status: null, reason: 'odd “' } as const]
  const done = { failures: 1, isGone: false, added, changed: [] }
  await store.webhooks.settle({ webhook: claimed!.webhook.id, lease, cursor: last, ...done })
  return made
}

/** Departments, a member with all that administrators set, and a former member. */
async function administer(store: Store, tenant: string): Promise<void> {
  const { directory } = store
  await directory.updateTenant(tenant, { address: '中 "1', autoUserCreate: tenant === 't' })
  const department = { ...departmentDefaults, tenant, name: 'é “', designatedOutDeptCodes: ['x', '中'] }
  await directory.addDepartment({ ...department, code: 'a', parent: '1' })
  await directory.addDepartment({ ...department, code: 'b', parent: 'a', sortLevel: 2 })
  const set = { sortLevel: 5, hidesPhone: true, mustChangePassword: true, contactBarredUntil: 9 }
  const member = newMember({ tenant, ...set, deptCode: 'b', thirdAccount: `third ${unlike()}` })
  const former = newMember({ tenant })
  for (const one of [member, former])
    await directory.addMember({ member: one, notices: [], lease: { owner: 'tests', ms: 60_000 } })
  await directory.deleteMembers({ tenant, members: [former] })
  const left = `left-${tenant}`
  const common = { tenant, name: 'L', sealedKey: 's', isServiceProvider: false, isDisabled: false }
  await directory.addApp({ ...common, id: left, policy: {}, createdAt: 1, description: 'é “' })
  await directory.updateApp(left, { newKey: { sealed: 'k.new', overlapMs: 90_000 } })
  await directory.addApp({ ...common, id: `gone-${tenant}`, policy: {}, createdAt: 2 })
  await directory.deleteApp(`gone-${tenant}`)
  await store.audit.append(newAuditEntry({ tenant, target: former.id, details: { word: '中 "1' } }))
}

const newWebhook: Webhook = {
  id: 'w',
  tenant: 't',
  app: 'a-t',
  url: 'https://é.example',
  description: '"中',
  types: ['verification.refused', 'verification.used'],
  isEnabled: true,
  disabledBy: null,
  secrets: [{ sealed: 'k.s', createdAt: 5 }],
  signingKey: null,
  createdAt: 7,
}

/** Becomes a member, logs in, and is refused something. */
async function join(store: Store, one: Person, tenant: string, made: Made) {
  const app = `a-${tenant}`
  const member = newMember({
    tenant,
    passwordHash: one.password,
    isDisabled: one.isDisabled,
    profile: { name: one.name, englishName: 'x', signature: '', title: one.name, description: '' },
    phone: one.hasPhone ? newPhone() : null,
    phoneCountry: one.hasPhone ? 'chinaPR' : null,
    email: one.hasPhone ? null : newEmail(),
  })
  await store.directory.putMembers([member])
  made.members.push(member.id)
  for (let nth = 0; nth < one.logins; nth++) {
    const login = unlike()
    const token = (kind: Token['kind']): Token => ({
      hash: unlike(),
      kind,
      login,
      tenant,
      app,
      member: member.id,
      clientType: 72,
      createdAt: Date.now(),
      expiresAt: Date.now() + 3_600_000,
    })
    const [access, refresh] = [token('access'), token('refresh')]
    await store.directory.logIn({ access, refresh, limits: loginLimits(72) })
    made.tokens.push(access.hash, refresh.hash)
  }
  const { limits } = passwordLimitsOf(
    passwordSubject(member.account, one.network),
    false,
    defaultPasswordLimits,
  )
  await store.limiters.acquire([...limits, nonceLimit(app, unlike(), maxSignatureMs)])
  const refusal = { kind: 'refusal', tenant, app, member: member.id, verification: '' } as const
  await store.journal.append({ ...refusal, detail: one.detail })
  const happened = { type: 'verification.refused', tenant, app, verification: '' } as const
  await store.events.append([{ ...happened, facts: { ...one.detail, nested: [one.values, null] } }])
  return member
}

/** Asks for a code, gets it or not, and enters something or not. */
async function ask(
  store: Store,
  one: Person,
  tenant: string,
  member: Awaited<ReturnType<typeof join>>,
  made: Made,
): Promise<void> {
  const { verifications, directory } = store
  const app = `a-${tenant}`
  const phone = newPhone()
  const limiterKey = `tel:${unlike()}`
  const subject: ThrottleSubject = {
    tenant,
    app,
    subject: member.id,
    limiterKey,
    network: one.network,
    isHolder: false,
  }
  const key = newKey({ tenant, app, subject: member.id, address: limiterKey })
  const message = newMessage({ tenant, app, to: phone, values: one.values, lifetimeMs, cooldown: ['ia:x:y'] })
  const limits = issueLimits(subject, defaultLimits, defaultAddressCap)
  const details = { channel: 'sms', locale: 'en-US', metadata: one.values }
  const once = { key: unlike(), fingerprint: 'é' }
  const request = newIssue({ key, lifetimeMs, isTest: one.isTest, details, once, limits, message })
  const issued = await verifications.issue(request)
  if (!('entry' in issued)) return
  const { record, entry } = issued
  made.verifications.push(record.id)
  await deliver(store, one, entry!)

  const change = { tenant, app, member: member.id, seen: { phone: member.phone, email: member.email } }
  const lease = { owner: 'tests', ms: 60_000 }
  if (one.submitted === 'ended')
    await directory.setContact({
      ...change,
      contact: 'email',
      address: null,
      country: null,
      notices: [],
      lease,
    })
  if (one.submitted === 'not')
    await directory.startRecovery({
      recovery: {
        ...{ tenant, app, member: member.id, contact: 'phone', address: newPhone(), country: 'chinaPR' },
        ...{ locale: 'en-US', startedBy: 'operator' },
      },
      ...{ waitMs: 86_400_000, seen: change.seen, notices: [], lease },
    })
  if (one.submitted === 'ended' || one.submitted === 'not') return
  const submission = submissionLimits(subject, defaultLimits)
  const taken = await verifications.takeSubmission({ key, ...submission, maxSubmissions: 5 })
  if (taken.kind !== 'taken' || one.submitted === 'wrong') return
  const use = { wrong: taken.wrong, repeat: unlike() }
  if (one.submitted !== 'changed') {
    const consumes = one.submitted === 'right'
    await verifications.use({
      ...use,
      id: record.id,
      consumes,
      proof: { login: unlike(), lastsMs: lifetimeMs },
    })
  } else
    await directory.changeContact({
      ...use,
      ...change,
      verification: record.id,
      address: phone,
      country: 'chinaPR',
      provedBy: null,
      notices: [newMessage({ tenant, app, template: 'contact-changed' })],
      lease,
    })
}

async function deliver(store: Store, { fate }: Person, entry: OutboxEntry): Promise<void> {
  const settle = async (
    next: Settlement['next'],
    outcome?: Settlement['dispatch']['outcome'],
    told: Partial<Settlement['dispatch']> = {},
  ) => void (await store.outbox.settle([settlementOf(entry, next, outcome, told)]))
  const key = entry.message.id
  switch (fate) {
    case 'waits':
      return
    case 'accepted':
      return settle({ kind: 'done' }, 'accepted', {
        price: { amount: '0.0075', currency: 'USD' },
        segments: 1,
      })
    case 'delivered':
      await settle({ kind: 'done' }, 'accepted', { receiptKey: key, providerMessageId: 'é"' })
      await store.dispatches.receive([
        { provider: 'p', key, state: 'delivered', providerCode: 'ok', segments: 2 },
      ])
      return
    case 'retried':
      return settle({ kind: 'retry', afterMs: 60_000 }, 'unknown', { providerCode: '500 忙' })
    case 'second':
      return settle({ kind: 'second', afterMs: 60_000, channel: 'voice' })
    case 'refused':
      return settle({ kind: 'failed' }, 'refused')
  }
}

function newEmail(): Address {
  const mailbox = `Ü.${unlike()}@example.com`
  return { kind: 'email', mailbox, canonical: mailbox.toLowerCase(), needsSmtpUtf8: true }
}

/** All that the verbs return, for comparing. */
export async function toldOf(store: Store, { members, tokens, verifications }: Made): Promise<unknown> {
  return {
    tenants: await store.directory.tenants(),
    apps: await store.directory.apps(),
    keys: await store.keys.list(),
    members: await Promise.all(members.map((id) => store.directory.member(id))),
    histories: await Promise.all(members.map((id) => store.directory.contactHistory(id))),
    sessions: await Promise.all(tokens.map((hash) => store.directory.session(hash, ['access', 'refresh']))),
    verifications: await Promise.all(verifications.map((id) => store.verifications.get(id))),
    dispatches: await Promise.all(verifications.map((id) => store.dispatches.of(id))),
    journal: await store.journal.read({ sinceMs: 0, most: 1_000_000 }),
    consumed: await store.consumptions.consumer('proof t'),
    webhooks: await store.webhooks.list('a-t'),
    deliveries: await store.webhooks.deliveries('w', { before: null, max: 10 }),
    events: await Promise.all(tenants.map((id) => eventsOf(store, `a-${id}`))),
    queued: (await store.outbox.depth()).queued,
    live: await store.verifications.countLive(),
  }
}

async function eventsOf(
  store: Store,
  app: string,
  after: string | null = null,
): Promise<readonly AppEvent[]> {
  const { events, last, isMore } = (await store.events.read({ app, after, types: null, max: 1000 }))!
  return isMore ? [...events, ...(await eventsOf(store, app, last))] : events
}
