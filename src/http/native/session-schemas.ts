/** Bodies and answers of the calls about sessions of the hosted page, as schemas. */

import { channels } from '../../flows/channels.ts'
import { askables, themes } from '../../flows/hosted-session.ts'
import { Type } from '../../json-schema.ts'
import { startBody } from './start-schemas.ts'
import { verification } from './verification-schemas.ts'

const closed = { additionalProperties: false }
const {
  purpose,
  subject,
  holder,
  channel: wantedChannel,
  plan,
  locale,
  template,
  values,
  metadata,
  audience,
  nonce,
  proof,
} = startBody.properties
const text = (maxLength: number, description: string) => Type.String({ minLength: 1, maxLength, description })
const time = (description: string) => Type.String({ format: 'date-time', description })
const asks = Type.Union(
  askables.map((one) => Type.Literal(one)),
  { description: 'The kind of address that the person may enter, if you give none.', default: 'either' },
)
const theme = Type.Union(
  themes.map((one) => Type.Literal(one)),
  { description: '`auto`: as the person’s device has it.', default: 'auto' },
)

export const sessionId = Type.String({ pattern: '^ses_[0-9a-f]{32}$' })

export const sessionBody = Type.Object(
  {
    to: Type.Optional(
      text(
        254,
        'A phone number in E.164 form with its plus, or an e-mail address. Without it the person enters one.',
      ),
    ),
    asks: Type.Optional(asks),
    return_url: text(
      1000,
      'Where the person comes back to, listed in `policy.pages.returnUrls`. `result` is added to its query, or `cancelled=true`.',
    ),
    locale,
    theme: Type.Optional(theme),
    purpose,
    subject,
    holder,
    channel: wantedChannel,
    plan,
    code: Type.Optional(
      Type.Object(
        {
          length: Type.Optional(Type.Integer({ minimum: 6, maximum: 10 })),
          life_s: Type.Optional(Type.Integer({ minimum: 30, maximum: 600 })),
          alphabet: Type.Optional(Type.Union([Type.Literal('digits'), Type.Literal('crockford')])),
        },
        { ...closed, description: 'The form of the code. Default: the policy of the app.' },
      ),
    ),
    template,
    values,
    metadata,
    audience,
    nonce,
    proof,
    test: Type.Optional(
      Type.Object(
        {
          risk: Type.Union(
            ['allow', 'challenge', 'refuse'].map((one) =>
              Type.Literal(one as 'allow' | 'challenge' | 'refuse'),
            ),
          ),
        },
        { ...closed, description: 'What the guard decides. Only for a test key.' },
      ),
    ),
  },
  { title: 'MakeSession', ...closed },
)

export const madeSession = Type.Object(
  {
    id: sessionId,
    url: Type.String({ format: 'uri', description: 'The page, for the person’s browser alone.' }),
    expires_at: time('The end of the page.'),
  },
  { title: 'Session' },
)

export const redeemBody = Type.Object(
  { result: text(4000, 'As it came with the person.') },
  { title: 'RedeemResult', ...closed },
)

export const redeemedResult = Type.Object(
  {
    session: Type.String({
      description: 'The id of the session. Compare it with the one that you keep for this person.',
    }),
    verification,
    proof: Type.Optional(
      Type.String({
        description: 'A signed statement (JWT) that the address was verified; see `/.well-known/jwks.json`.',
      }),
    ),
    proof_expires_at: Type.Optional(time('The end of the proof.')),
  },
  { title: 'RedeemedResult' },
)

const channel = Type.String({ description: 'The channel of the last message.' })

/** What the page of a session may know of its verification. */
export const pageVerification = Type.Object(
  {
    state: Type.Union(
      ['held', 'live', 'used', 'expired', 'ended'].map((one) => Type.Literal(one)),
      { description: '`ended`: it can be used no more, for whatever reason.' },
    ),
    to_masked: Type.String(),
    channel,
    code_length: Type.Integer(),
    alphabet: Type.Union([Type.Literal('digits'), Type.Literal('crockford')]),
    expires_in_s: Type.Integer({ description: 'What is left of its life. Clocks of browsers may be wrong.' }),
    next: Type.Union(
      [
        Type.Object({
          send_after_s: Type.Integer({ description: 'When a message may be sent again. 0: now.' }),
          channels: Type.Array(Type.String(), { description: 'By which it may be sent.' }),
        }),
        Type.Null(),
      ],
      { description: 'null: no message may be sent again.' },
    ),
    challenge: Type.Optional(
      Type.Object(
        { kinds: Type.Array(Type.Unsafe<object>({ type: 'object' })) },
        { description: 'While it is held: what the browser solves.' },
      ),
    ),
  },
  { title: 'PageVerification' },
)

export const pageSession = Type.Object(
  {
    app: Type.String({ description: 'The name of the app that sends the person here.' }),
    asks: Type.Union([...askables, 'none'].map((one) => Type.Literal(one))),
    to_masked: Type.Union([Type.String(), Type.Null()]),
    cancel_url: Type.String({ format: 'uri', description: 'The way back without a result.' }),
    regions: Type.Array(Type.Array(Type.String()), {
      description: 'Regions that codes may be sent to by SMS, each with its calling code.',
    }),
    expires_in_s: Type.Integer(),
    verification: Type.Union([pageVerification, Type.Null()]),
  },
  { title: 'PageSession' },
)

export const pageStartBody = Type.Object(
  {
    to: Type.Optional(text(254, 'As the person entered it. Without it, the address of the session.')),
    locale,
  },
  { title: 'StartOnPage', ...closed },
)

export const pageStarted = Type.Object(
  {
    token: Type.String({ description: 'Of the same session, for the calls from now on.' }),
    verification: pageVerification,
  },
  { title: 'StartedOnPage' },
)

export const pageCheckBody = Type.Object(
  { code: text(64, 'As the person typed it.') },
  { title: 'CheckOnPage', ...closed },
)

export const pageCheckAnswer = Type.Union(
  [
    Type.Object(
      {
        result: Type.Literal('verified'),
        return_url: Type.String({ format: 'uri', description: 'The way back, with the result.' }),
      },
      { title: 'PageVerified' },
    ),
    Type.Object({ result: Type.Literal('refused') }, { title: 'PageRefused' }),
  ],
  { title: 'PageCheckResult' },
)

export const pageSendBody = Type.Object(
  {
    channel: Type.Optional(
      Type.Union(
        channels.map((one) => Type.Literal(one)),
        { description: 'Default: that of the first message.' },
      ),
    ),
    next: Type.Optional(
      Type.Literal(true, { description: 'Another channel than that of the first message.' }),
    ),
  },
  { title: 'SendOnPage', ...closed },
)

export const pageSolutionBody = Type.Object(
  {
    solution: text(
      4000,
      'As ALTCHA has it: base64 of JSON with the members of the challenge and the `number` that was found.',
    ),
  },
  { title: 'SolveOnPage', ...closed },
)
