/** The answer of a timeline, as a schema: dispatches and steps. */

import { Type } from '../../json-schema.ts'
import { time, verificationId } from './fields.ts'

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
