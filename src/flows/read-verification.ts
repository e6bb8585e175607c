/** Reads verifications of anyone for their caller: one by its id, and its timeline. */

import { gapMsOf } from '../throttle/gap.ts'
import type { Verification } from '../verification/verification.ts'
import { type ApiCaller, isOfCaller } from './api-caller.ts'
import { challengeOf, type PowChallenge } from './challenge.ts'
import { servedChannels } from './channels.ts'
import { foundBy } from './found-verification.ts'
import { limitsOfIssue } from './issue-code.ts'
import type { Services } from './services.ts'
import { actOfRecord } from './subject.ts'
import { type Timeline, timelineOf } from './verification-timeline.ts'
import { type VerificationView, viewOf } from './verification-view.ts'

export type ReadVerification = {
  readonly view: VerificationView
  /** While it is held. */
  readonly challenge?: PowChallenge
}

/** @returns undefined if there is none, it is not the caller's, or it is past its retention. */
export async function readVerification(
  services: Services,
  caller: ApiCaller,
  id: string,
): Promise<ReadVerification | undefined> {
  const { store } = services
  const found = await foundBy(services, caller, id)
  if (!found) return undefined
  const { record, act = actOfRecord(caller.app, found.record) } = found
  const { limits } = limitsOfIssue(services, act, services.clock.now())
  const keys = limits.map(({ key }) => key)
  const [dispatches, seen] = await Promise.all([store.dispatches.of(id), store.verifications.look(keys)])
  const view = viewOf(record, seen.now, services.policyOf(caller.app).maxSubmissions, {
    channels: servedChannels(services, act, caller.isTest),
    sendAfterMs: gapMsOf(limits, (_, nth) => seen.states[nth], seen.now),
    dispatches,
  })
  const challenge = view.state === 'held' && (await challengeIn(services, record))
  return { view, ...(challenge && { challenge }) }
}

/** The steps of a verification and its dispatches, masked. @returns undefined likewise. */
export async function readTimeline(
  { store }: Pick<Services, 'store'>,
  caller: ApiCaller,
  id: string,
): Promise<Timeline | undefined> {
  const record = await store.verifications.get(id)
  if (!record || !isOfCaller(caller, record)) return undefined
  const [dispatches, now] = await Promise.all([store.dispatches.of(id), store.now()])
  return timelineOf(record, dispatches, now)
}

async function challengeIn({ ring }: Services, record: Verification): Promise<PowChallenge | undefined> {
  const key = ring.keys.get(record.keyId)
  return key && challengeOf(key, record)
}
