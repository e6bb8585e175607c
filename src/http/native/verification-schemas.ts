/** Bodies and answers of the calls about verifications, as schemas: the rules of each field and its words. */

import { Type } from '../../json-schema.ts'

const closed = { additionalProperties: false }
/** Neither controls nor halves of characters, which not every store can keep as given. */
const clean = '^[^\\p{Cc}\\p{Cs}]*$'
const text = (maxLength: number, description: string, more: object = {}) =>
  Type.String({ minLength: 1, maxLength, pattern: clean, description, ...more })
const time = (description: string) => Type.String({ format: 'date-time', description })
const channel = Type.Union([
  Type.Literal('sms'),
  Type.Literal('email'),
  Type.Literal('voice'),
  Type.Literal('whatsapp'),
])

const to = Type.Union(
  [
    Type.String({ minLength: 1, maxLength: 254 }),
    Type.Object({ phone: Type.String({ minLength: 1, maxLength: 254 }) }, closed),
    Type.Object({ email: Type.String({ minLength: 1, maxLength: 254 }) }, closed),
  ],
  { description: 'A phone number in E.164 form with its plus, or an e-mail address.' },
)

const metadata = Type.Record(
  Type.String({ pattern: '^[^\\p{Cc}\\p{Cs}]{1,64}$' }),
  Type.String({ maxLength: 256, pattern: clean }),
  {
    maxProperties: 10,
    ...closed,
    description: 'Your own pairs, echoed in answers and events. Not for personal data.',
  },
)

export const subjectField = text(
  128,
  'Your own word for the person, such as an id of your users; kept as given. It binds the code, and finds the verifications of a person again.',
)

export const startBody = Type.Object(
  {
    to,
    purpose: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9-]{0,31}$',
        default: 'verify',
        description: 'What the code is for. A code made for one purpose serves no other.',
      }),
    ),
    subject: Type.Optional(subjectField),
    locale: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$',
        maxLength: 35,
        description: 'The language of the message, BCP 47. The answer has the one that was found for it.',
      }),
    ),
    code: Type.Optional(
      Type.Object(
        {
          length: Type.Optional(Type.Integer({ minimum: 6, maximum: 10 })),
          life_s: Type.Optional(Type.Integer({ minimum: 30, maximum: 600 })),
        },
        { ...closed, description: 'The form of the code. Default: the policy of the app.' },
      ),
    ),
    client: Type.Optional(
      Type.Object(
        {
          ip: Type.Optional(text(45, 'The address of the person’s device, as your server sees it.')),
          asn: Type.Optional(Type.Integer({ minimum: 0, maximum: 4_294_967_295 })),
          user_agent: Type.Optional(text(512, 'Its `User-Agent`.')),
          device_id: Type.Optional(text(128, 'Your own id of the device.')),
          platform: Type.Optional(text(32, 'Such as `ios`, `android` or `web`.')),
          trusted: Type.Optional(
            Type.Boolean({ description: 'You know this person: passes the guard’s wide keys, but no cap.' }),
          ),
        },
        { ...closed, description: 'What you know about the person’s device.' },
      ),
    ),
    metadata: Type.Optional(metadata),
    audience: Type.Optional(text(128, 'The audience of the proof. Default: the id of the app.')),
    nonce: Type.Optional(text(128, 'Comes back in the proof.')),
    proof: Type.Optional(
      Type.Union([Type.Literal('plain'), Type.Literal('hashed')], {
        description: '`hashed`: the proof names the address by a hash alone. Default: the policy of the app.',
      }),
    ),
  },
  { title: 'StartVerification', ...closed },
)

export const checkBody = Type.Object(
  {
    code: text(64, 'As the person typed it. Spaces, hyphens and full-width digits do not matter.'),
  },
  { title: 'CheckVerification', ...closed },
)

export const publicCheckBody = Type.Object(
  {
    secret: text(64, 'The `secret` that came with the verification.'),
    code: text(64, 'As the person typed it.'),
  },
  { title: 'PublicCheck', ...closed },
)

export const verificationId = Type.String({ pattern: '^ver_[0-9a-f]{47}$' })

const verificationProperties = {
  id: verificationId,
  state: Type.Union(
    [
      Type.Literal('held'),
      Type.Literal('live'),
      Type.Literal('used'),
      Type.Literal('expired'),
      Type.Literal('spent'),
      Type.Literal('cancelled'),
      Type.Literal('undeliverable'),
    ],
    {
      description:
        '`held` waits for the solution of a challenge · `live` · `used` · `expired` · `spent`: too many submissions · `cancelled` · `undeliverable`: no carrier took its messages.',
    },
  ),
  to_masked: Type.String({ examples: ['+86138****8000'] }),
  channel,
  purpose: Type.String(),
  subject: Type.Union([Type.String(), Type.Null()]),
  locale: Type.String(),
  created_at: time('When it began.'),
  expires_at: time('The end of its code’s life.'),
  used_at: Type.Union([time('When its code was entered right.'), Type.Null()]),
  code_length: Type.Integer(),
  submissions_left: Type.Integer({ description: 'How often a code may still be entered.' }),
  is_test: Type.Boolean(),
  risk: Type.Object({
    action: Type.Union([Type.Literal('allow'), Type.Literal('challenge'), Type.Literal('refuse')]),
  }),
  metadata,
}

export const verification = Type.Object(verificationProperties, {
  title: 'Verification',
  description: 'One code’s life.',
})

export const startedVerification = Type.Object(
  {
    ...verificationProperties,
    secret: Type.Optional(
      Type.String({
        description:
          'For the browser: who has it beside the id may check a code without a key. Only the call that made the verification returns it.',
      }),
    ),
    sent: Type.Boolean({
      description: 'Whether this call sent a message. If not, one was sent too short a time ago.',
    }),
    retry_after_s: Type.Optional(
      Type.Integer({ minimum: 1, description: 'After which a message may be sent again.' }),
    ),
  },
  { title: 'StartedVerification' },
)

const proof = {
  proof: Type.Optional(
    Type.String({
      description: 'A signed statement (JWT) that the address was verified; see `/.well-known/jwks.json`.',
    }),
  ),
  proof_expires_at: Type.Optional(time('The end of the proof.')),
}

export const checkAnswer = Type.Union(
  [
    Type.Object({ result: Type.Literal('verified'), verification, ...proof }, { title: 'CheckVerified' }),
    Type.Object(
      {
        result: Type.Literal('refused'),
        reason: Type.Union([
          Type.Literal('wrong'),
          Type.Literal('expired'),
          Type.Literal('spent'),
          Type.Literal('used'),
          Type.Literal('cancelled'),
        ]),
        submissions_left: Type.Integer(),
        retry_after_s: Type.Integer({ description: 'After which a code may be entered again. 0: at once.' }),
        late: Type.Optional(
          Type.Literal(true, { description: 'The code was right, but came after its end.' }),
        ),
        verification,
      },
      { title: 'CheckRefused' },
    ),
  ],
  { title: 'CheckResult' },
)

export const publicCheckAnswer = Type.Union(
  [
    Type.Object({ result: Type.Literal('verified'), ...proof }, { title: 'PublicCheckVerified' }),
    Type.Object({ result: Type.Literal('refused') }, { title: 'PublicCheckRefused' }),
  ],
  { title: 'PublicCheckResult' },
)
