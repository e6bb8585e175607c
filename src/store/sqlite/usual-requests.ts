/**
 * The usual requests of a send and of a check as they travel to the engine's thread: values in one order, without their
 * names, which are more than half of the text and of the time to write and read it. A request is usual if it has these
 * members and no others; any other travels as it is, so that nothing gets lost.
 */

import type { NewMessage } from '../../message/message.ts'
import type { Limit } from '../../throttle/acquire.ts'
import type { VerificationKey } from '../../verification/verification.ts'
import type { Settlement } from '../outbox.ts'
import type { IssueRequest, SubmissionRequest, UseRequest } from '../verifications.ts'

type Limits = readonly Limit[]
type ShortLimits = readonly unknown[]

type UsualRequest<Request, Values extends readonly unknown[]> = {
  /** @param shorten  Writes limits, see `callWriter`. @returns undefined: it is not usual. */
  valuesOf(request: Request, shorten: (limits: Limits) => ShortLimits): Values | undefined
  /** @param whole  Reads limits, see `callReader`. */
  requestOf(values: Values, whole: (limits: ShortLimits) => Limits): Request
}

const members = (record: object) => Object.keys(record).length

type KeyValues = readonly [tenant: string, app: string, subject: string, address: string, purpose: string]

const keyValues = ({ tenant, app, subject, address, purpose }: VerificationKey): KeyValues => [
  tenant,
  app,
  subject,
  address,
  purpose,
]

const keyOf = ([tenant, app, subject, address, purpose]: KeyValues): VerificationKey => ({
  tenant,
  app,
  subject,
  address,
  purpose,
})

function messageValues(message: NewMessage) {
  const { id, tenant, app, channel, to, locale, template, values, lifetimeMs, cooldown } = message
  return [id, tenant, app, channel, to, locale, template, values, lifetimeMs, cooldown] as const
}

function messageOf(message: ReturnType<typeof messageValues>): NewMessage {
  const [id, tenant, app, channel, to, locale, template, values, lifetimeMs, cooldown] = message
  return { id, tenant, app, channel, to, locale, template, values, lifetimeMs, cooldown }
}

type IssueValues = readonly [
  id: string,
  key: KeyValues,
  keyId: string,
  digits: number,
  lifetimeMs: number,
  isTest: boolean,
  maxSubmissions: number,
  limits: ShortLimits,
  owner: string,
  leaseMs: number,
  message: ReturnType<typeof messageValues>,
]

const issue: UsualRequest<IssueRequest, IssueValues> = {
  valuesOf(request, shorten) {
    const { id, key, keyId, digits, lifetimeMs, isTest, maxSubmissions, limits, lease, message } = request
    if (members(request) !== 10 || !message || members(message) !== 10) return undefined
    return [
      id,
      keyValues(key),
      keyId,
      digits,
      lifetimeMs,
      isTest,
      maxSubmissions,
      shorten(limits),
      lease.owner,
      lease.ms,
      messageValues(message),
    ]
  },

  requestOf(values, whole) {
    const [id, key, keyId, digits, lifetimeMs, isTest, maxSubmissions, limits, owner, ms, message] = values
    return {
      id,
      key: keyOf(key),
      keyId,
      digits,
      lifetimeMs,
      isTest,
      maxSubmissions,
      limits: whole(limits),
      lease: { owner, ms },
      message: messageOf(message),
    }
  },
}

type SubmissionValues = readonly [
  key: KeyValues,
  counted: ShortLimits,
  wrong: ShortLimits,
  maxSubmissions: number,
]

const takeSubmission: UsualRequest<SubmissionRequest, SubmissionValues> = {
  valuesOf(request, shorten) {
    const { key, counted, wrong, maxSubmissions } = request
    if (members(request) !== 4) return undefined
    return [keyValues(key), shorten(counted), shorten(wrong), maxSubmissions]
  },

  requestOf([key, counted, wrong, maxSubmissions], whole) {
    return { key: keyOf(key), counted: whole(counted), wrong: whole(wrong), maxSubmissions }
  },
}

const use: UsualRequest<UseRequest, readonly [id: string, wrong: UseRequest['wrong'], consumes: boolean]> = {
  valuesOf: (request) => (members(request) === 3 ? [request.id, request.wrong, request.consumes] : undefined),
  requestOf: ([id, wrong, consumes]) => ({ id, wrong, consumes }),
}

/** All of a turn, of which each is usual: taken by a carrier that gave it an id, and done. */
const settle: UsualRequest<readonly Settlement[], readonly SettlementValues[]> = {
  valuesOf: (settlements) => (settlements.every(isUsual) ? settlements.map(settlementValues) : undefined),
  requestOf: (all) => all.map(settlementOf),
}

function isUsual(settlement: Settlement): boolean {
  const { dispatch, message } = settlement
  return (
    members(settlement) === 7 &&
    members(message) === 4 &&
    members(dispatch) === 6 &&
    dispatch.providerMessageId !== undefined
  )
}

type SettlementValues = ReturnType<typeof settlementValues>

function settlementValues({ dispatch, message, region, verification, queuedAt, nth, next }: Settlement) {
  const { messageId, provider, outcome, handedOverAt, tookMs, providerMessageId } = dispatch
  const { tenant, app, channel, cooldown } = message
  return [
    [messageId, provider, outcome, handedOverAt, tookMs, providerMessageId!],
    [tenant, app, channel, cooldown],
    region,
    verification,
    queuedAt,
    nth,
    next,
  ] as const
}

function settlementOf(values: SettlementValues): Settlement {
  const [dispatch, message, region, verification, queuedAt, nth, next] = values
  const [messageId, provider, outcome, handedOverAt, tookMs, providerMessageId] = dispatch
  const [tenant, app, channel, cooldown] = message
  return {
    dispatch: { messageId, provider, outcome, handedOverAt, tookMs, providerMessageId },
    message: { tenant, app, channel, cooldown },
    region,
    verification,
    queuedAt,
    nth,
    next,
  }
}

/** By the verbs whose argument they are. */
export const usualRequests: Readonly<Record<string, UsualRequest<never, never>>> = {
  'verifications.issue': issue as UsualRequest<never, never>,
  'verifications.takeSubmission': takeSubmission as UsualRequest<never, never>,
  'verifications.use': use as UsualRequest<never, never>,
  'outbox.settle': settle as UsualRequest<never, never>,
}
