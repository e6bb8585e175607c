/** `@countersign/client`: the client of a Countersign server. */

import { verifyProof } from './proofs.ts'
import { verifyWebhook } from './webhooks.ts'

export type * from './api.ts'
export { Countersign } from './countersign.ts'
export { CountersignError } from './errors.ts'
export type { EventsRequest } from './events.ts'
export type { ProofCheck } from './proofs.ts'
export type { CallOptions, Options } from './transport.ts'
export type { WebhookOptions, WebhookRequest as IncomingWebhook } from './webhooks.ts'

/** Without a client and its key: for a process that only receives. */
export const webhooks = { verify: verifyWebhook }
export const proofs = { verify: verifyProof }
