/** Writes verifications as answers: pure, so that the answer of a repeated call is the same. */

import type { PowChallenge } from '../../flows/challenge.ts'
import type { CheckVerificationOutcome } from '../../flows/check-verification.ts'
import type { DryRunOutcome } from '../../flows/dry-run.ts'
import type { ProofToken } from '../../flows/proof-token.ts'
import type { Timeline } from '../../flows/verification-timeline.ts'
import type { VerificationView } from '../../flows/verification-view.ts'
import type { Static } from '../../json-schema.ts'
import { publicIdOf } from '../../verification/public-id.ts'
import { publicScopes } from './limits.ts'
import { secondsOf } from './problems.ts'
import type { timeline } from './timeline-schemas.ts'
import type { checkAnswer, dryRun, publicCheckAnswer, verification } from './verification-schemas.ts'

export function timeOf(at: number): string {
  return new Date(at).toISOString()
}

export function verificationBody(view: VerificationView): Static<typeof verification> {
  return {
    id: publicIdOf(view.id),
    state: view.state,
    to_masked: view.toMasked,
    channel: view.channel as Static<typeof verification>['channel'],
    purpose: view.purpose,
    subject: view.subject ?? null,
    locale: view.locale,
    locales_tried: [...view.localesTried],
    created_at: timeOf(view.createdAt),
    expires_at: timeOf(view.expiresAt),
    used_at: view.usedAt === null ? null : timeOf(view.usedAt),
    code_length: view.codeLength,
    submissions_left: view.submissionsLeft,
    next: view.next && {
      // The next call must not come too early.
      send_after_s: Math.ceil(view.next.sendAfterMs / 1000),
      channels: view.next.channels as Static<typeof verification>['channel'][],
    },
    ...(view.dispatches !== undefined && { dispatches: view.dispatches }),
    is_test: view.isTest,
    risk: { action: view.risk },
    metadata: view.metadata,
  }
}

export function challengeBody({ kind, algorithm, salt, challenge, signature, max, expiresAt }: PowChallenge) {
  const pow = { kind, algorithm, salt, challenge, signature, max, expires_at: timeOf(expiresAt) }
  return { kinds: [pow] }
}

export type Checked = Extract<CheckVerificationOutcome, { kind: 'verified' | 'refused' }>

export function checkBodyOf(outcome: Checked, proof: ProofToken | null): Static<typeof checkAnswer> {
  const verification = verificationBody(outcome.view)
  if (outcome.kind === 'verified') return { result: 'verified', verification, ...proofMembers(proof) }
  const { reason, isLate, retryAfterMs, view } = outcome
  return {
    result: 'refused',
    reason,
    submissions_left: view.submissionsLeft,
    retry_after_s: retryAfterMs > 0 ? secondsOf(retryAfterMs) : 0,
    ...(isLate && { late: true as const }),
    verification,
  }
}

/** Without a reason, because whoever has only the secret need not know it. */
export function publicCheckBodyOf(
  { kind }: Checked,
  proof: ProofToken | null,
): Static<typeof publicCheckAnswer> {
  return kind === 'verified' ? { result: kind, ...proofMembers(proof) } : { result: kind }
}

function proofMembers(proof: ProofToken | null) {
  return proof ? { proof: proof.proof, proof_expires_at: timeOf(proof.expiresAt) } : {}
}

export function timelineBody({ id, steps, dispatches }: Timeline): Static<typeof timeline> {
  return { id: publicIdOf(id), steps: steps.map(stepBody), dispatches: dispatches.map(dispatchBody) }
}

type Told = Static<typeof timeline>

function stepBody(step: Timeline['steps'][number]): Told['steps'][number] {
  const { at, event, message, provider, channel, outcome, providerCode, mayBeCopy } = step
  return {
    at: timeOf(at),
    event,
    ...(message !== undefined && { message }),
    ...(provider !== undefined && { carrier: provider }),
    ...(channel !== undefined && { channel }),
    ...(outcome !== undefined && { outcome }),
    ...(providerCode !== undefined && { carrier_code: providerCode }),
    ...(mayBeCopy && { may_be_copy: mayBeCopy }),
  }
}

function dispatchBody(one: Timeline['dispatches'][number]): Told['dispatches'][number] {
  const { message, nth, channel, provider, outcome, providerCode, segments, price, receipt } = one
  return {
    message,
    nth,
    channel,
    carrier: provider || null,
    outcome,
    carrier_code: providerCode || null,
    queued_at: timeOf(one.queuedAt),
    handed_over_at: provider === '' ? null : timeOf(one.handedOverAt),
    answered_at: timeOf(one.answeredAt),
    segments,
    price,
    receipt: receipt && { state: receipt.state, at: timeOf(receipt.at), carrier_code: receipt.providerCode },
  }
}

export function dryRunBody({
  throttled,
  mailSubject,
  localesTried,
  isTest,
  ...told
}: Extract<DryRunOutcome, { kind: 'dry-run' }>): Static<typeof dryRun> {
  const { locale, route, text, risk } = told
  return {
    dry_run: true,
    channel: told.channel as Static<typeof dryRun>['channel'],
    locale,
    locales_tried: [...localesTried],
    route: { name: route.name, carriers: route.carriers.map(({ name, cost }) => ({ name, cost })) },
    text,
    mail_subject: mailSubject ?? null,
    risk: { action: risk },
    refused_by: throttled
      ? { limit: publicScopes[throttled.scope], retry_after_s: secondsOf(throttled.retryAfterMs) }
      : null,
    is_test: isTest,
  }
}
