/** Settings of the simulated carrier. */

import { type Static, Type } from '../../json-schema.ts'
import { channels } from '../../message/channel.ts'
import { parseDuration } from '../duration.ts'
import { durationPattern, optional, strict } from '../policy-schema.ts'
import type { ProviderKind } from './kind.ts'

export type SandboxSettings = {
  readonly type: 'sandbox'
  /** Time from hand-over to arrival. */
  readonly delayMs: number
  /** Time from arrival to receipt; null: no receipts. */
  readonly receiptDelayMs: number | null
  readonly lossRate: number
  readonly refusalRate: number
  readonly unavailableRate: number
}

const share = (description: string) =>
  optional(Type.Number({ minimum: 0, maximum: 1, description, default: 0 }))

const schema = Type.Object(
  {
    type: Type.Literal('sandbox', {
      description: 'The simulated carrier; its messages are on the inbox page. Development only.',
    }),
    delay: optional(
      Type.String({
        pattern: durationPattern,
        description: 'Time from hand-over to arrival.',
        default: '0s',
      }),
    ),
    receipts: optional(
      Type.String({
        pattern: durationPattern,
        description: 'Time from arrival to the receipt. Not stated: no receipts.',
      }),
    ),
    lossRate: share('Share of messages that are accepted and never arrive.'),
    refusalRate: share('Share of messages refused for good.'),
    unavailableRate: share('Share of messages not taken this time.'),
  },
  strict,
)

export const sandboxKind: ProviderKind<SandboxSettings> = {
  schema,
  channels: () => channels,
  givesReceipts: ({ receiptDelayMs }) => receiptDelayMs !== null,
  read: (file: Static<typeof schema>) => ({
    type: 'sandbox',
    delayMs: parseDuration(file.delay ?? '0s')!,
    receiptDelayMs: file.receipts === undefined ? null : parseDuration(file.receipts)!,
    lossRate: file.lossRate ?? 0,
    refusalRate: file.refusalRate ?? 0,
    unavailableRate: file.unavailableRate ?? 0,
  }),
}
