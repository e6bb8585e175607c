/** The body of a start, as a schema: the rules of each field and its words. */

import { Type } from '../../json-schema.ts'
import { channel, clean, closed, metadata, subjectField, text, to } from './fields.ts'

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
    holder: Type.Optional(
      Type.Boolean({
        default: false,
        description:
          'You know that your `subject` holds `to` already, for example by an earlier verification. Then its codes come out of an allowance of their own, which nobody else who asks for codes to this address can use up. Needs a `subject`.',
      }),
    ),
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
