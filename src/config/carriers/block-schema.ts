/** The form of a carrier block: an HTTP carrier's needs, the request, its answers, and its later call-backs. */

import { type Schema, type Static, Type } from '../../json-schema.ts'
import { channels } from '../../message/channel.ts'
import { receiptStates } from '../../message/receipt-state.ts'
import { optional, strict } from '../policy-schema.ts'

const oneOf = <const V extends readonly string[]>(values: V) =>
  Type.Unsafe<V[number]>(Type.Union(values.map((one) => Type.Literal(one))))

const template = Type.String()
const names = Type.String({ pattern: '^[a-z][A-Za-z0-9]*$' })
const regexp = Type.Object({ match: Type.String({ minLength: 1 }) }, strict)
const pointer = Type.String({ pattern: '^(/.*)?$' })

/** The position of a value in an answer: a JSON pointer, a header, or the first group of a regular expression. */
const inAnswer = Type.Union([pointer, Type.Object({ header: Type.String() }, strict), regexp])
/** The position of a value in a call-back: a pointer into one receipt, or a value of the query or of a header. */
const inReceipt = Type.Union([
  pointer,
  Type.Object({ query: Type.String() }, strict),
  Type.Object({ header: Type.String() }, strict),
])

/** The first of several that has a value. */
const eitherSelector = Type.Union([...inReceipt.anyOf, Type.Array(inReceipt, { minItems: 2 })])

const scalar = Type.Union([Type.String(), Type.Number(), Type.Boolean()])
const condition = Type.Union([
  scalar,
  Type.Array(scalar, { minItems: 1 }),
  regexp,
  Type.Object({ present: Type.Boolean() }, strict),
])
/** The subject of a condition. */
const subject = '^(status|text|header:[A-Za-z0-9-]+|/.*)$'
/** A rule holds if all its conditions do. A list of rules holds if one of them does. */
const rule = Type.Record(Type.String({ pattern: subject }), condition, strict)
const rules = Type.Union([rule, Type.Array(rule, { minItems: 1 })])

/**
 * A rule that ends a message for good. It must name the source of a code's meaning: a code without a source may be about
 * the carrier's account, and then another carrier could still take the message.
 */
const finalRule = Type.Unsafe<
  { readonly source: string } & Readonly<Record<string, Static<typeof condition>>>
>({
  type: 'object',
  required: ['source'],
  properties: { source: Type.String({ minLength: 1 }) },
  patternProperties: { [subject]: condition },
  additionalProperties: false,
  minProperties: 2,
})
const finalRules = Type.Union([finalRule, Type.Array(finalRule, { minItems: 1 })])

/** `currency` is a pointer, or the currency itself. */
const price = <T extends Schema>(selector: T) =>
  optional(Type.Object({ amount: selector, currency: Type.String({ minLength: 1 }) }, strict))

/** Parameters of each way to sign a request; all are templates. `?` marks those that may be left out. */
export const signers = {
  aliyunAcs3: ['accessKey', 'secretKey', 'nonce'],
  awsSigv4: ['accessKey', 'secretKey', 'region', 'service'],
  basic: ['user', 'password'],
  bearer: ['token'],
  hmac: ['key', 'text', 'header', 'value', 'algorithm?', 'encoding?'],
  huaweiSdkHmacSha256: ['accessKey', 'secretKey'],
  standardWebhooks: ['secret', 'id'],
  tencentTc3: ['accessKey', 'secretKey', 'service'],
} as const
export type SignerName = keyof typeof signers

/** Parameters of each way to verify a call-back, in the same form; `hmac` has a form of its own. */
export const verifiers = {
  addresses: ['list'],
  basic: ['user', 'password'],
  ecdsa: ['publicKey', 'signature', 'timestamp'],
  messageBird: ['key'],
  secret: ['value', 'query?', 'header?'],
  sns: ['topics'],
  standardWebhooks: ['secret'],
  twilio: ['token', 'sharedKey?'],
  vonage: ['secret', 'algorithm'],
} as const

/** A table of ways as a schema: each way an object of its parameters. */
function ways(table: Readonly<Record<string, readonly string[]>>): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(table).map(([way, parameters]) => [
      way,
      optional(
        Type.Object(
          Object.fromEntries(
            parameters.map((one) =>
              one.endsWith('?') ? [one.slice(0, -1), optional(template)] : [one, template],
            ),
          ),
          strict,
        ),
      ),
    ]),
  )
}

/** One, or a list of which at least one must hold. */
const either = <T extends Schema>(one: T) => Type.Union([one, Type.Array(one, { minItems: 2 })])

/** The state that a carrier's word stands for; ignored: a word that is not about delivery, such as an opened mail. */
const receiptMeaning = oneOf([...receiptStates, 'ignored'])

const need = Type.Object(
  {
    description: Type.String({ minLength: 1 }),
    /** Never printed; may also be stated as NAMEFile. */
    secret: optional(Type.Boolean()),
    optional: optional(Type.Boolean()),
    default: optional(Type.String()),
    /** Needed only if receipts are on. */
    for: optional(Type.Literal('receipts')),
    pattern: optional(Type.String()),
    /** For the carrier's page. */
    example: optional(Type.String()),
  },
  strict,
)

const sign = optional(Type.Object(ways(signers), { ...strict, minProperties: 1, maxProperties: 1 }))

export const blockSchema = Type.Object(
  {
    carrier: optional(Type.String({ pattern: '^[a-z][a-z0-9-]*$' })),
    title: optional(Type.String({ minLength: 1 })),
    standing: optional(oneOf(['seen live', 'from documentation, not seen live'])),
    source: optional(Type.Array(Type.String(), { minItems: 1 })),
    notes: optional(Type.Array(Type.String(), { minItems: 1 })),
    channels: Type.Array(oneOf(channels), { minItems: 1 }),
    needs: optional(Type.Record(names, need, strict)),
    needsOneOf: optional(Type.Array(Type.Array(Type.String(), { minItems: 2 }))),
    takesTemplateIds: optional(Type.Boolean()),
    request: Type.Object(
      {
        method: optional(oneOf(['GET', 'POST', 'PUT'])),
        server: template,
        path: template,
        headers: optional(Type.Record(Type.String(), template)),
        query: optional(Type.Record(Type.String(), Type.Unknown())),
        form: optional(Type.Record(Type.String(), Type.Unknown())),
        json: optional(Type.Unknown()),
        xml: optional(template),
        sign,
      },
      strict,
    ),
    /** A call that changes nothing and that succeeds only with the right credentials. */
    credentials: optional(
      Type.Object(
        {
          source: Type.String({ minLength: 1 }),
          method: optional(oneOf(['GET', 'POST'])),
          path: template,
          headers: optional(Type.Record(Type.String(), template)),
          query: optional(Type.Record(Type.String(), Type.Unknown())),
          json: optional(Type.Unknown()),
          sign,
          good: rules,
        },
        strict,
      ),
    ),
    answer: Type.Object(
      {
        parse: optional(oneOf(['json', 'form', 'text'])),
        accepted: rules,
        refused: optional(finalRules),
        throttled: optional(rules),
        unavailable: optional(rules),
        unknown: optional(rules),
        id: optional(inAnswer),
        receiptKey: optional(Type.Union([...inAnswer.anyOf, Type.Literal('messageId')])),
        segments: optional(inAnswer),
        price: price(inAnswer),
        words: optional(Type.Array(inAnswer)),
      },
      strict,
    ),
    receipts: optional(
      Type.Object(
        {
          method: optional(oneOf(['GET', 'POST'])),
          parse: oneOf(['json', 'form', 'query']),
          embedded: optional(pointer),
          list: optional(pointer),
          only: optional(rules),
          key: inReceipt,
          state: eitherSelector,
          states: Type.Record(Type.String(), receiptMeaning),
          other: optional(receiptMeaning),
          words: optional(Type.Array(inReceipt)),
          segments: optional(inReceipt),
          price: price(inReceipt),
          verify: either(
            Type.Object(
              {
                ...ways(verifiers),
                hmac: optional(
                  Type.Object(
                    {
                      key: template,
                      signature: inReceipt,
                      prefix: optional(Type.String()),
                      /** Values for `text`, by name, from anywhere in the call. */
                      values: optional(Type.Record(names, inReceipt)),
                      text: template,
                      algorithm: optional(Type.String()),
                      encoding: optional(Type.String()),
                      /** The one of `values` that is a Unix time in seconds, at most five minutes off. */
                      timestamp: optional(Type.String()),
                    },
                    strict,
                  ),
                ),
              },
              { ...strict, minProperties: 1 },
            ),
          ),
          answer: optional(
            Type.Object(
              {
                status: optional(Type.Integer({ minimum: 200, maximum: 299 })),
                contentType: optional(Type.String()),
                body: optional(Type.String()),
              },
              strict,
            ),
          ),
        },
        strict,
      ),
    ),
  },
  strict,
)

export type Condition = Static<typeof condition>
export type Rule = Readonly<Record<string, Condition>>
export type Rules = Rule | readonly Rule[]
/** The position of a value. */
export type Selector = Static<typeof inAnswer> | Static<typeof inReceipt>
export type Need = Static<typeof need>
export type CarrierBlock = Static<typeof blockSchema>
export type AnswerRules = CarrierBlock['answer']
export type ReceiptRules = NonNullable<CarrierBlock['receipts']>
export type RequestRules = CarrierBlock['request']
/** Ways that must all hold. */
export type Verification = Exclude<ReceiptRules['verify'], unknown[]>

/** The values that templates of a request have besides the block's needs, with their types in JSON. */
export type MessageValues = {
  /** E.164 with its plus, or the mailbox. */
  readonly to: string
  /** E.164 without its plus; empty for a mailbox. */
  readonly toDigits: string
  readonly mailbox: string
  /** ISO region of the number; empty for a mailbox. */
  readonly country: string
  readonly channel: string
  readonly text: string
  readonly subject: string
  readonly html: string
  /** Whether the text has characters outside GSM 03.38. */
  readonly isUnicode: boolean
  readonly template: string
  /** The operator's id of the template at the carrier; empty for carriers that take text. */
  readonly templateId: string
  readonly variables: readonly string[]
  readonly namedVariables: Readonly<Record<string, string>>
  readonly locale: string
  /** By the section's `senders`; empty if none fits. */
  readonly sender: string
  readonly messageId: string
  readonly tenant: string
  readonly app: string
  /** The seconds left of the message's life, at least 1. */
  readonly lifetimeSeconds: number
  readonly lifetimeMinutes: number
  /** Empty if receipts are off. */
  readonly receiptUrl: string
  /** Unix time in seconds. */
  readonly timestamp: number
  /** The same as `2030-01-31T23:59:59Z`. */
  readonly isoTime: string
  /** 32 hex digits, new for each dispatch. */
  readonly nonce: string
}

/** Those of them that the call to prove credentials has too, because a signature may need them. */
export const signingValueNames = [
  'timestamp',
  'isoTime',
  'nonce',
] as const satisfies readonly (keyof MessageValues)[]

export const messageValueNames: readonly (keyof MessageValues)[] = [
  ...(['to', 'toDigits', 'mailbox', 'country', 'channel', 'text', 'subject', 'html', 'isUnicode'] as const),
  ...(['template', 'templateId', 'variables', 'namedVariables', 'locale', 'sender'] as const),
  ...([
    'messageId',
    'tenant',
    'app',
    'lifetimeSeconds',
    'lifetimeMinutes',
    'receiptUrl',
    'timestamp',
    'isoTime',
    'nonce',
  ] as const),
]
