/** `/v1/proofs/verify`: is a proof valid, and the one use of it. */

import { parseAddress } from '../../address/address.ts'
import type { ProofClaims } from '../../flows/proof-token.ts'
import { proofRefusals, verifyProof } from '../../flows/verify-proof.ts'
import { type Schema, Type } from '../../json-schema.ts'
import { addressProblem } from './address-problems.ts'
import { lackOf } from './authenticate.ts'
import { route } from './route.ts'

const closed = { additionalProperties: false }
const text = (description: string) => Type.Optional(Type.String({ description }))
const seconds = (description: string) => Type.Integer({ description })

export const proofClaims = Type.Object(
  {
    iss: Type.String({ description: 'The URL of this server.' }),
    aud: Type.String({
      description:
        'The id of the app, or the audience that the start asked for; `test:` stands before it for a test key.',
    }),
    sub: text('Your own word for the person, if there was one.'),
    iat: seconds('When the code was entered, in seconds since 1970.'),
    exp: seconds('The end of the proof, likewise.'),
    jti: Type.String({ description: 'The id of the verification.' }),
    azp: Type.String({ description: 'The id of the app that asked for the verification.' }),
    purpose: Type.String(),
    amr: Type.Array(Type.String(), {
      description: '`otp`, and the channel: `sms`, `email`, `tel` (a call)…',
    }),
    phone_number: text('In E.164 form.'),
    phone_number_verified: Type.Optional(Type.Literal(true)),
    email: Type.Optional(Type.String()),
    email_verified: Type.Optional(Type.Literal(true)),
    address_hash: text('In place of the address: a hash that is the same for each proof to this audience.'),
    nonce: text('As the start had it.'),
    is_test: Type.Optional(Type.Literal(true)),
  } satisfies Readonly<Record<keyof ProofClaims, Schema>>,
  { title: 'ProofClaims', description: 'What a proof states: the payload of the JWT.' },
)

const reason = Type.Union(
  proofRefusals.map((one) => Type.Literal(one)),
  {
    description:
      '`invalid`: not signed by this server, or by a key that is not published any more · `expired` · `audience`: for others, of another app, or of a test key where a live one asks, and the other way round · `address`: about another address · `consumed`: by an earlier call.',
  },
)

export const verifyProofRoute = route({
  operationId: 'verifyProof',
  method: 'POST',
  path: '/proofs/verify',
  tag: 'Proofs',
  summary: 'Verify a proof, and consume it if asked: of any number of calls one does.',
  description:
    'A proof can be verified without this server, by the keys at `/.well-known/jwks.json`. Here it is also known whether it was consumed. With the same `Idempotency-Key` the call that consumed it succeeds again.',
  access: 'verifications:read',
  body: Type.Object(
    {
      proof: Type.String({ minLength: 1, maxLength: 8192, description: 'The JWT.' }),
      consume: Type.Optional(
        Type.Boolean({
          default: false,
          description:
            'Use it up: every later call is refused. The key needs the scope `verifications:write` for it.',
        }),
      ),
      audience: Type.Optional(
        Type.String({ minLength: 1, maxLength: 140, description: 'The audience that it must be for.' }),
      ),
      to: Type.Optional(
        Type.String({
          minLength: 1,
          maxLength: 254,
          description: 'The address that it must be about, also where it has a hash alone.',
        }),
      ),
    },
    { title: 'VerifyProof', ...closed },
  ),
  answers: {
    200: {
      description: 'Whether it is valid.',
      schema: Type.Union([
        Type.Object({ result: Type.Literal('valid'), claims: proofClaims }, { title: 'ProofValid' }),
        Type.Object({ result: Type.Literal('refused'), reason }, { title: 'ProofRefused' }),
      ]),
    },
  },
  problems: ['address-invalid', 'address-unreachable'],
  async handle({ services }, { holder, body, once }) {
    const { proof, consume = false, audience, to } = body
    const lack = consume ? lackOf(holder.key, 'verifications:write') : undefined
    if (lack) return lack
    const parsed = to === undefined ? undefined : parseAddress(to, services.addressRules)
    if (parsed?.kind === 'refused') return addressProblem(parsed.reason, to, services.addressRules)
    const address = parsed?.address
    const caller = { app: holder.app.id, isTest: holder.key.isTest }
    const answer = await verifyProof(services, caller, { proof, consume, audience, address, once })
    switch (answer.kind) {
      case 'valid':
        return {
          status: 200,
          body: { result: 'valid', claims: answer.claims },
          isReplay: answer.isReplay,
        }
      case 'refused':
        return { status: 200, body: { result: 'refused', reason: answer.reason } }
      case 'mismatch':
        return { problem: 'idempotency-mismatch' }
    }
  },
})
