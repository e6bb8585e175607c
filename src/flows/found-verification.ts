/** Finds a verification for its caller, with the act that it would go on by. */

import { parseAddress } from '../address/address.ts'
import type { Verification } from '../verification/verification.ts'
import { type ApiCaller, isOfCaller } from './api-caller.ts'
import type { Services } from './services.ts'
import { type Act, actOfRecord } from './subject.ts'

export type FoundVerification = {
  readonly record: Verification
  /** undefined if today's rules refuse its address. */
  readonly act: Act | undefined
}

/** @param network  See `actOfRecord`. @returns undefined if there is none, it is not the caller's, or it is past its retention. */
export async function foundBy(
  services: Services,
  caller: ApiCaller,
  id: string,
  network?: string,
): Promise<FoundVerification | undefined> {
  const record = await services.store.verifications.get(id)
  if (!record || !isOfCaller(caller, record)) return undefined
  const { address } = record
  const parsed = parseAddress(address.slice(address.indexOf(':') + 1), services.addressRules)
  if (parsed.kind === 'refused') return { record, act: undefined }
  return { record, act: { ...actOfRecord(caller.app, record, network), address: parsed.address } }
}
