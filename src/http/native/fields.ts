/** Fields that several calls of the native API have, as schemas. */

import { Type } from '../../json-schema.ts'

export const closed = { additionalProperties: false }
/** Neither controls nor halves of characters, which not every store can keep as given. */
export const clean = '^[^\\p{Cc}\\p{Cs}]*$'
export const text = (maxLength: number, description: string, more: object = {}) =>
  Type.String({ minLength: 1, maxLength, pattern: clean, description, ...more })
export const time = (description: string) => Type.String({ format: 'date-time', description })
export const channel = Type.Union([
  Type.Literal('sms'),
  Type.Literal('email'),
  Type.Literal('voice'),
  Type.Literal('whatsapp'),
])

export const to = Type.Union(
  [
    Type.String({ minLength: 1, maxLength: 254 }),
    Type.Object({ phone: Type.String({ minLength: 1, maxLength: 254 }) }, closed),
    Type.Object({ email: Type.String({ minLength: 1, maxLength: 254 }) }, closed),
  ],
  { description: 'A phone number in E.164 form with its plus, or an e-mail address.' },
)

export const metadata = Type.Record(
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

export const verificationId = Type.String({ pattern: '^ver_[0-9a-f]{47}$' })
