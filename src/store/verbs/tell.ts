/** Adds the events of acts on verifications, in the units that do them. Apps without a reader have none. */

import { hash } from 'node:crypto'
import { maskAddress } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import type { Price } from '../../message/dispatch.ts'
import { verificationFacts } from '../../verification/facts.ts'
import type { StoredVerification } from '../../verification/stored-verification.ts'
import type { EventFacts, EventType } from '../events.ts'
import type { StoredDispatch } from '../stored-dispatch.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import type { Used } from '../verifications.ts'

/** Of the words of a carrier. */
const maxWords = 500

type Unit = Pick<UnitOfWork, 'events'>

/** @param facts  Beside those that every event of a verification has. */
export function tell(unit: Unit, type: EventType, record: StoredVerification, facts: EventFacts = {}): void {
  const { tenant, app, id } = record
  if (!unit.events.areRead(app)) return
  unit.events.add({ type, tenant, app, verification: id, facts: { ...verificationFacts(record), ...facts } })
}

export function tellCreated(unit: Unit, record: StoredVerification): void {
  const { digits, expiresAt, details } = record
  tell(unit, 'verification.created', record, {
    channel: details?.channel ?? (record.address.startsWith('tel:') ? 'sms' : 'email'),
    codeLength: digits,
    expiresAt,
  })
  if (record.state === 'held') tell(unit, 'verification.held', record, { expiresAt })
}

export function tellExpired(unit: Unit, record: StoredVerification): void {
  const { submissions, expiresAt } = record
  tell(unit, 'verification.expired', record, { submissions, expiresAt })
}

export function tellSpent(unit: Unit, record: StoredVerification): void {
  tell(unit, 'verification.spent', record, { submissions: record.submissions })
}

/** @param broughtBy  The dispatch that brought the code; null for a test address. */
export function tellUsed(unit: Unit, record: StoredVerification, broughtBy: Used['broughtBy']): void {
  tell(unit, 'verification.used', record, {
    submissions: record.submissions,
    channel: broughtBy?.channel ?? null,
    carrier: broughtBy?.provider ?? null,
  })
}

/** The events of a dispatch have the facts of its verification with them, since that may be in another store. */
export function tellDispatch(
  unit: Unit,
  type: 'verification.sent' | 'verification.delivered' | 'verification.undeliverable',
  dispatch: StoredDispatch,
  facts: EventFacts = {},
): void {
  const {
    told,
    tenant,
    app,
    about,
    message,
    nth,
    channel,
    provider,
    region,
    providerCode,
    providerMessageId,
  } = dispatch
  if (told === null || !unit.events.areRead(app)) return
  const { segments, price, queuedAt, handedOverAt, answeredAt } = dispatch
  unit.events.add({
    type,
    tenant,
    app,
    verification: about,
    // A settlement that comes again, since its answer was lost, is the same event.
    ...(type === 'verification.sent' && { id: idOfSent(dispatch) }),
    facts: {
      ...told,
      ...{
        message,
        dispatch: nth,
        channel,
        region,
        carrier: provider,
        carrierCode: providerCode.slice(0, maxWords),
      },
      ...{ carrierMessageId: providerMessageId, segments, price: priceFacts(price) },
      ...{ queuedAt, handedOverAt, answeredAt },
      ...facts,
    },
  })
}

function idOfSent({ message, nth, answeredAt }: StoredDispatch): string {
  return answeredAt.toString(16).padStart(12, '0') + hash('sha256', `${message} ${nth} sent`).slice(0, 32)
}

function priceFacts(price: Price | null): EventFacts | null {
  return price && { amount: price.amount, currency: price.currency }
}

export type ContactFacts = {
  readonly tenant: string
  readonly app: string
  readonly member: Member
  readonly contact: 'phone' | 'email'
  readonly verification: string
  readonly cause: string
  /** As it is from now on. */
  readonly next: Member
}

export function tellContact(
  unit: Unit,
  { tenant, app, member, contact, verification, cause, next }: ContactFacts,
): void {
  if (!unit.events.areRead(app)) return
  const masked = (of: Member) => {
    const address = of[contact]
    return address && maskAddress(address)
  }
  unit.events.add({
    type: 'contact.changed',
    tenant,
    app,
    verification,
    facts: { subject: member.id, contact, oldMasked: masked(member), newMasked: masked(next), cause },
  })
}
