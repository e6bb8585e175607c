/** `/v1/limits`: what an app and a person have left. */

import { callerOf } from '../../flows/api-caller.ts'
import { limitsLeft } from '../../flows/limits-left.ts'
import { Type } from '../../json-schema.ts'
import { subjectField } from './fields.ts'
import { secondsOf } from './problems.ts'
import { type Outcome, route } from './route.ts'

const limit = Type.Object(
  {
    limit: Type.Union(
      [
        Type.Literal('app'),
        Type.Literal('app-day'),
        Type.Literal('subject'),
        Type.Literal('subject-tos'),
        Type.Literal('subject-wrong'),
      ],
      {
        description:
          '`app`: codes of the app, in bursts · `app-day` · `subject`: codes of the person · `subject-tos`: different addresses of the person · `subject-wrong`: wrong codes of the person.',
      },
    ),
    quota: Type.Integer({ description: 'How many at most in `window_s`.' }),
    window_s: Type.Integer(),
    left: Type.Integer({ description: 'How many are still allowed now.' }),
    retry_after_s: Type.Integer({ description: 'After which one more is allowed. 0: now.' }),
  },
  { title: 'Limit' },
)

export const limitsRoute = route({
  operationId: 'readLimits',
  method: 'GET',
  path: '/limits',
  tag: 'Limits',
  summary: 'What the limits still allow the app, and a person of yours.',
  description:
    'Nothing is counted by asking. There is no answer about an address: others ask for codes to it too, and what they do is not yours to see.',
  access: 'verifications:read',
  query: Type.Object({ subject: Type.Optional(subjectField) }, { additionalProperties: false }),
  answers: {
    200: {
      description: 'Every limit that counts by the app or the person alone.',
      schema: Type.Object({ limits: Type.Array(limit) }, { title: 'Limits' }),
    },
  },
  problems: [],
  async handle({ services }, { holder, query }): Promise<Outcome> {
    const limits = await limitsLeft(services, callerOf(holder), query.subject)
    return {
      status: 200,
      body: {
        limits: limits.map(({ limit, quota, windowMs, left, retryAfterMs }) => ({
          limit,
          quota,
          window_s: Math.ceil(windowMs / 1000),
          left,
          retry_after_s: retryAfterMs > 0 ? secondsOf(retryAfterMs) : 0,
        })),
      },
    }
  },
})
