/** Bodies and answers of the calls about verifications, as schemas, but for the start and the timeline. */

import { Type } from '../../json-schema.ts'
import { channel, closed, metadata, subjectField, text, time, to, verificationId } from './fields.ts'

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
