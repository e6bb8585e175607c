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
        description:
          'The language of the message, BCP 47. Where there is none such: that of the app, or by the region of the number. The answer has the one that was found.',
      }),
    ),
    code: Type.Optional(
      Type.Object(
        {
          length: Type.Optional(Type.Integer({ minimum: 6, maximum: 10 })),
          life_s: Type.Optional(Type.Integer({ minimum: 30, maximum: 600 })),
          alphabet: Type.Optional(
            Type.Union([Type.Literal('digits'), Type.Literal('crockford')], {
              default: 'digits',
              description: '`crockford`: digits and letters without those that look alike.',
            }),
          ),
          value: Type.Optional(
            Type.String({
              pattern: '^[0-9A-Za-z]{6,10}$',
              description: 'The code itself. Only a test key may choose one.',
            }),
          ),
        },
        { ...closed, description: 'The form of the code. Default: the policy of the app.' },
      ),
    ),
    channel: Type.Optional(
      Type.Union([Type.Literal('auto'), ...channel.anyOf], {
        default: 'auto',
        description: '`auto`: the plan of the app, or SMS for a number, mail for a mailbox.',
      }),
    ),
    plan: Type.Optional(
      Type.Array(
        Type.Object(
          {
            channel: Type.Union(channel.anyOf),
            after_s: Type.Integer({
              minimum: 0,
              maximum: 600,
              description: 'From the start. The first step is at 0; none comes in the last 20 s of the code.',
            }),
            unless: Type.Optional(
              Type.Union([Type.Literal('delivered'), Type.Literal('used')], {
                default: 'used',
                description: 'Left out if the code was used, or, with `delivered`, if delivery was reported.',
              }),
            ),
          },
          { ...closed, title: 'PlanStep' },
        ),
        {
          minItems: 1,
          maxItems: 4,
          description:
            'Channels in the order in which the code is sent until it is used. Default: the plan of the app, if no `channel` is named.',
        },
      ),
    ),
    template: Type.Optional(
      Type.String({
        pattern: '^[a-z][a-z0-9-]{0,31}$',
        description:
          'The text of the message: one of the operator’s templates. Default: the one that is named as the purpose, if there is one, or else `code`.',
      }),
    ),
    values: Type.Optional(
      Type.Record(
        Type.String({ pattern: '^[a-z][a-z0-9_]{0,31}$' }),
        Type.String({ minLength: 1, maxLength: 64, pattern: clean }),
        {
          maxProperties: 10,
          ...closed,
          description: 'The values that the template uses: all of them, and no others. They hold no link.',
        },
      ),
    ),
    origin: Type.Optional(
      text(
        253,
        'The host of the page that the code is entered on, for the last line of an SMS; listed by the app.',
      ),
    ),
    app_hash: Type.Optional(
      Type.String({
        pattern: '^[A-Za-z0-9+/]{11}$',
        description: '11 characters that your Android app is known by, likewise.',
      }),
    ),
    challenge: Type.Optional(
      Type.Union(
        [
          Type.Literal('none'),
          Type.Object(
            {
              accepts: Type.Array(Type.Union([Type.Literal('pow'), Type.Literal('captcha')]), {
                minItems: 1,
                maxItems: 2,
              }),
            },
            closed,
          ),
        ],
        {
          description:
            'The challenges that your page can show. `none`: where the guard wants one, the start is refused instead.',
        },
      ),
    ),
    test: Type.Optional(
      Type.Object(
        { risk: Type.Union([Type.Literal('allow'), Type.Literal('challenge'), Type.Literal('refuse')]) },
        { ...closed, description: 'What the guard is to decide. Only a test key may choose it.' },
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
    dry_run: Type.Optional(
      Type.Boolean({
        default: false,
        description: 'Answer what this start would do, and do nothing: nothing is sent, stored or counted.',
      }),
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

const next = Type.Object(
  {
    send_after_s: Type.Integer({ description: 'Seconds until a message may be sent again. 0: now.' }),
    channels: Type.Array(channel, { description: 'By which it may be sent.' }),
  },
  { title: 'NextSend' },
)

const challenge = Type.Object(
  {
    kinds: Type.Array(
      Type.Object(
        {
          kind: Type.Literal('pow'),
          algorithm: Type.Literal('SHA-256'),
          salt: Type.String(),
          challenge: Type.String({ description: 'SHA-256 of salt and number, in hex.' }),
          signature: Type.String(),
          max: Type.Integer({ description: 'The number is between 0 and this.' }),
          expires_at: time('By when it must be solved.'),
        },
        { title: 'PowChallenge', description: 'A proof of work, in the form of ALTCHA.' },
      ),
    ),
  },
  { title: 'Challenge', description: 'What must be solved before a code is sent.' },
)

const state = Type.Union(
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
)

const verificationProperties = {
  id: verificationId,
  state,
  to_masked: Type.String({ examples: ['+86138****8000'] }),
  channel,
  purpose: Type.String(),
  subject: Type.Union([Type.String(), Type.Null()]),
  locale: Type.String({ description: 'The language that the message is in.' }),
  locales_tried: Type.Array(Type.String(), {
    description: 'The languages that were looked for, the wanted one first.',
  }),
  created_at: time('When it began.'),
  expires_at: time('The end of its code’s life.'),
  used_at: Type.Union([time('When its code was entered right.'), Type.Null()]),
  code_length: Type.Integer(),
  submissions_left: Type.Integer({ description: 'How often a code may still be entered.' }),
  next: Type.Union([next, Type.Null()], {
    description:
      'How the code may be sent again; null, if it has ended, is held, or this call does not know.',
  }),
  dispatches: Type.Optional(
    Type.Integer({ description: 'Messages that were handed over so far; only where it is read.' }),
  ),
  challenge: Type.Optional(challenge),
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

export const sendBody = Type.Object(
  {
    channel: Type.Optional(
      Type.Union(channel.anyOf, { description: 'Another channel than that of the first message.' }),
    ),
    next: Type.Optional(
      Type.Literal(true, { description: 'The next step of the plan, now instead of at its time.' }),
    ),
  },
  { title: 'SendAgain', ...closed },
)

export const sentVerification = Type.Object(
  {
    ...verificationProperties,
    sent_by: Type.Union(channel.anyOf, { description: 'The channel of this message.' }),
  },
  { title: 'SentVerification' },
)

export const challengeSolution = Type.Object(
  {
    solution: text(
      4096,
      'As ALTCHA’s widget gives it: base64 of JSON with `algorithm`, `challenge`, `salt`, `signature` and `number`.',
    ),
  },
  { title: 'ChallengeSolution', ...closed },
)

export const noFields = Type.Object({}, { title: 'NoFields', ...closed })

const dispatch = Type.Object(
  {
    message: Type.String({ description: 'The id of the message. A resend is a message of its own.' }),
    nth: Type.Integer({ description: 'The try, from 1.' }),
    channel: Type.String(),
    carrier: Type.Union([Type.String(), Type.Null()], { description: 'null: it reached none.' }),
    outcome: Type.Union(
      [
        Type.Literal('accepted'),
        Type.Literal('refused'),
        Type.Literal('throttled'),
        Type.Literal('unavailable'),
        Type.Literal('unknown'),
        Type.Literal('expired'),
        Type.Literal('exhausted'),
      ],
      { description: 'What the carrier answered, or why none was asked.' },
    ),
    carrier_code: Type.Union([Type.String(), Type.Null()]),
    queued_at: time('When it was committed.'),
    handed_over_at: Type.Union([time('When it was handed over.'), Type.Null()]),
    answered_at: time('When the carrier answered.'),
    segments: Type.Union([Type.Integer(), Type.Null()]),
    price: Type.Union([
      Type.Object({ amount: Type.String(), currency: Type.String() }, { title: 'Price' }),
      Type.Null(),
    ]),
    receipt: Type.Union([
      Type.Object(
        {
          state: Type.Union([
            Type.Literal('enroute'),
            Type.Literal('delivered'),
            Type.Literal('undeliverable'),
            Type.Literal('unknown'),
          ]),
          at: time('When it was reported.'),
          carrier_code: Type.String(),
        },
        { title: 'Receipt' },
      ),
      Type.Null(),
    ]),
  },
  { title: 'Dispatch' },
)

const step = Type.Object(
  {
    at: time('When.'),
    event: Type.Union([
      Type.Literal('issued'),
      Type.Literal('queued'),
      Type.Literal('handed-over'),
      Type.Literal('answered'),
      Type.Literal('receipt'),
      Type.Literal('given-up'),
      Type.Literal('used'),
      Type.Literal('expired'),
    ]),
    message: Type.Optional(Type.String()),
    carrier: Type.Optional(Type.String()),
    channel: Type.Optional(Type.String()),
    outcome: Type.Optional(Type.String()),
    carrier_code: Type.Optional(Type.String()),
    may_be_copy: Type.Optional(
      Type.Literal(true, {
        description: 'The try before may have been taken, so the person may get it twice.',
      }),
    ),
  },
  { title: 'Step' },
)

export const timeline = Type.Object(
  { id: verificationId, steps: Type.Array(step), dispatches: Type.Array(dispatch) },
  { title: 'Timeline', description: 'What became of a verification and its messages, in order.' },
)

const paging = {
  state: Type.Optional(state),
  since: Type.Optional(
    Type.String({
      maxLength: 35,
      format: 'date-time',
      description: 'Made then or later, RFC 3339. Default: 24 hours ago.',
    }),
  ),
  cursor: Type.Optional(Type.String({ maxLength: 512, description: 'The `next` of the page before.' })),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, description: 'The most of a page. Default: 20.' }),
  ),
}

export const listQuery = Type.Object({ subject: Type.Optional(subjectField), ...paging }, closed)

export const searchBody = Type.Object({ to, ...paging }, { title: 'SearchVerifications', ...closed })

export const verificationPage = Type.Object(
  {
    verifications: Type.Array(verification),
    next: Type.Union([Type.String(), Type.Null()], {
      description:
        'The `cursor` of the next page; null: it is the last. A page may be empty and have a next one.',
    }),
  },
  { title: 'VerificationPage' },
)

const limitThatRefuses = Type.Object(
  { limit: Type.String(), retry_after_s: Type.Integer({ minimum: 1 }) },
  { title: 'RefusingLimit' },
)

export const dryRun = Type.Object(
  {
    dry_run: Type.Literal(true),
    channel,
    locale: Type.String(),
    locales_tried: Type.Array(Type.String()),
    route: Type.Object(
      {
        name: Type.String(),
        carriers: Type.Array(
          Type.Object({
            name: Type.String(),
            cost: Type.Number({ description: 'Of one message, in the unit of the settings.' }),
          }),
        ),
      },
      { title: 'DryRunRoute', description: 'The carriers in the order in which they are tried.' },
    ),
    text: Type.String({ description: 'The message, with a code that is none.' }),
    mail_subject: Type.Union([Type.String(), Type.Null()]),
    risk: verificationProperties.risk,
    refused_by: Type.Union([limitThatRefuses, Type.Null()], {
      description: 'The limit that would refuse it now.',
    }),
    is_test: Type.Boolean(),
  },
  { title: 'DryRun', description: 'What a start would do.' },
)

export const liveOrDryRun = Type.Union([startedVerification, dryRun])
