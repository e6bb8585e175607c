/** Every problem that the native API answers with: its status, its members, and whether to call again (RFC 9457). */

import { type Properties, type Schema, Type } from '../../json-schema.ts'
import type { WireCode } from '../huawei/errors.ts'

export type ProblemKind = {
  readonly status: number
  readonly title: string
  /** When it comes, in a sentence. */
  readonly meaning: string
  /** What the caller does about it. */
  readonly remedy: string
  /** Whether the same call may succeed later. */
  readonly retry: 'no' | 'after-reading' | 'after-retry-after' | 'same-key'
  /** Members beside `type`, `title`, `status`, `detail` and `instance`. */
  readonly members: Properties
  /** The codes by which the Huawei Cloud Meeting wire answers the same. */
  readonly wire: readonly WireCode[]
}

const seconds = Type.Integer({ minimum: 1, description: 'Seconds after which the call may succeed.' })

export const problemFault = Type.Object(
  {
    pointer: Type.Optional(Type.String({ description: 'JSON pointer into the body.' })),
    parameter: Type.Optional(Type.String({ description: 'Name of a query parameter or header.' })),
    code: Type.String({ description: 'The rule that is broken, such as `required` or `maxLength`.' }),
    detail: Type.String({ description: 'The rule in words.' }),
  },
  { title: 'Fault' },
)

/** docs/api/errors.md, the pages of `/v1/problems/` and the schemas of the document are made from this table. */
export const problems = {
  'invalid-request': {
    status: 400,
    title: 'The request is not valid',
    meaning: 'The body, a query parameter or a header breaks the rules of the call.',
    remedy: 'Mend what `errors` lists. Each entry names the place and the rule.',
    retry: 'no',
    members: { errors: Type.Array(problemFault) },
    wire: ['USG.000000003', 'USG.206010011'],
  },
  'unknown-field': {
    status: 422,
    title: 'The request has a field that this call does not know',
    meaning: 'A field or query parameter is misspelt, or belongs to another call or a newer server.',
    remedy: 'Take it out, or write it as the reference does. `pointer` names it.',
    retry: 'no',
    members: { pointer: Type.String(), errors: Type.Array(problemFault) },
    wire: [],
  },
  'address-invalid': {
    status: 422,
    title: 'The address is not valid',
    meaning: '`to` is no phone number in E.164 form with its plus, and no e-mail address.',
    remedy: 'Let the person correct it. `suggestion`, if there is one, is what was probably meant.',
    retry: 'no',
    members: { reason: Type.String(), suggestion: Type.Optional(Type.String()) },
    wire: ['USG.201040025'],
  },
  'address-unreachable': {
    status: 422,
    title: 'No channel reaches the address',
    meaning: 'Its country is not allowed for the app, or no carrier serves it by the channel asked for.',
    remedy: 'Offer another address or channel. `reason` says what stands in the way.',
    retry: 'no',
    members: { reason: Type.String(), suggestion: Type.Optional(Type.String()) },
    wire: ['USG.206030003'],
  },
  unauthenticated: {
    status: 401,
    title: 'The key is missing or not good',
    meaning:
      'There is no key in the request, or it is unknown, revoked, expired, of a disabled app, or may not be used from this network. The answer does not show which.',
    remedy:
      'Send `Authorization: Bearer ck_live_…` with a key of `countersign key create`; `countersign key list --all` shows what became of one.',
    retry: 'no',
    members: {},
    wire: ['USG.000000004', 'USG.206020000'],
  },
  forbidden: {
    status: 403,
    title: 'The key may not make this call',
    meaning: 'The key is good, but lacks a scope, or is of a kind that this call is not for.',
    remedy: 'Use a key with the scope that `scope` names.',
    retry: 'no',
    members: { scope: Type.String() },
    wire: ['USG.000000005'],
  },
  'not-found': {
    status: 404,
    title: 'There is no such thing',
    meaning: 'The path, or the id in it, is unknown; or it is another app’s, or past its retention.',
    remedy: 'Use ids as they were answered, with a key of the same app.',
    retry: 'no',
    members: {},
    wire: ['USG.000000006', 'USG.201040000'],
  },
  'method-not-allowed': {
    status: 405,
    title: 'The path does not take this method',
    meaning: 'There is such a path, for other methods.',
    remedy: 'Use a method that the header `Allow` lists.',
    retry: 'no',
    members: {},
    wire: ['USG.000000007'],
  },
  'state-conflict': {
    status: 409,
    title: 'The state does not allow it',
    meaning: 'The verification has ended, or is not waiting for what was sent.',
    remedy: 'Read it first; `state` is where it is now.',
    retry: 'after-reading',
    members: { state: Type.String() },
    wire: [],
  },
  'idempotency-in-progress': {
    status: 409,
    title: 'The first call with this key is still under way',
    meaning: 'Another call with the same `Idempotency-Key` has not been answered yet.',
    remedy: 'Repeat it after `Retry-After` to get the answer of the first.',
    retry: 'after-retry-after',
    members: { retry_after_s: seconds },
    wire: [],
  },
  'idempotency-mismatch': {
    status: 422,
    title: 'The key was used with another body',
    meaning: 'Within 24 hours the same `Idempotency-Key` came with a body that differs.',
    remedy: 'Make a new key for each act, and repeat a call with its very body.',
    retry: 'no',
    members: {},
    wire: [],
  },
  'payload-too-large': {
    status: 413,
    title: 'The body is too large',
    meaning: 'The body is larger than 16 KiB.',
    remedy: 'No call needs so much.',
    retry: 'no',
    members: {},
    wire: [],
  },
  'rate-limited': {
    status: 429,
    title: 'A limit is reached',
    meaning:
      'So many codes, or wrong codes, in so short a time are not allowed. `limit` names what is counted.',
    remedy: 'Repeat after `Retry-After`, which is never too early.',
    retry: 'after-retry-after',
    members: { limit: Type.String(), retry_after_s: seconds },
    wire: ['USG.206030004', 'USG.206060008', 'USG.206030019', 'USG.206030015'],
  },
  'refused-by-guard': {
    status: 429,
    title: 'The request was judged to be abuse',
    meaning: 'The guard against pumping and bombing refused it.',
    remedy: 'Offer one of `alternatives`. A key with scope `admin` also gets the reason.',
    retry: 'after-retry-after',
    members: {
      explanation_id: Type.String(),
      explanation: Type.Optional(Type.String({ description: 'Only for a key with scope `admin`.' })),
      alternatives: Type.Array(Type.String()),
      retry_after_s: Type.Optional(seconds),
    },
    wire: [],
  },
  'spend-cap': {
    status: 429,
    title: 'The budget is spent',
    meaning: 'What messages may cost in this time has been spent.',
    remedy: 'Wait for `resets_at`, or raise the cap.',
    retry: 'after-retry-after',
    members: { cap: Type.String(), resets_at: Type.String({ format: 'date-time' }) },
    wire: [],
  },
  'carrier-unavailable': {
    status: 503,
    title: 'No carrier takes messages now',
    meaning: 'Every carrier of the route is away.',
    remedy: 'Repeat it with the same `Idempotency-Key` after `Retry-After`.',
    retry: 'same-key',
    members: { retry_after_s: seconds },
    wire: ['USG.206030023'],
  },
  'store-unavailable': {
    status: 503,
    title: 'The store is away or slow',
    meaning: 'The store did not answer in time. Nothing was done that you may count on.',
    remedy: 'Repeat it with the same `Idempotency-Key` after `Retry-After`.',
    retry: 'same-key',
    members: { retry_after_s: seconds },
    wire: ['USG.000000001'],
  },
  internal: {
    status: 500,
    title: 'The server has a fault',
    meaning: 'Something went wrong that is not the caller’s. The log has it under the request’s id.',
    remedy: 'Repeat it with the same `Idempotency-Key`; tell the operator the id in `instance`.',
    retry: 'same-key',
    members: {},
    wire: ['USG.000000002'],
  },
} as const satisfies Readonly<Record<string, ProblemKind>>

export type ProblemType = keyof typeof problems

/** A problem on its way to a caller. */
export type Problem = {
  readonly problem: ProblemType
  /** This occurrence, in a sentence. Never a secret or a whole address. */
  readonly detail?: string
  readonly members?: Readonly<Record<string, unknown>>
  readonly retryAfterMs?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Whole seconds to wait, rounded up so that the wait is long enough. */
export function secondsOf(retryAfterMs: number): number {
  return Math.max(1, Math.ceil(retryAfterMs / 1000))
}

/** The schema of the bodies of one type. */
export function problemSchema(type: ProblemType): Schema {
  const { status, title, members, meaning } = problems[type]
  return Type.Object(
    {
      type: Type.String({ format: 'uri-reference', description: `Ends with \`/v1/problems/${type}\`.` }),
      title: Type.String({ examples: [title] }),
      status: Type.Literal(status),
      detail: Type.Optional(Type.String({ description: 'This occurrence, for people.' })),
      instance: Type.String({ description: 'The id of the request, as in `X-Request-Id`.' }),
      ...members,
    },
    { title: schemaNameOf(type), description: meaning },
  )
}

/** e.g. `ProblemRateLimited`. */
export function schemaNameOf(type: ProblemType): string {
  return `Problem${type.replace(/(?:^|-)(\w)/g, (_, first: string) => first.toUpperCase())}`
}
