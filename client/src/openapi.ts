// Made by "npm run docs" from the server's OpenAPI document; do not edit.

/** The errors of the API, by the last part of their `type`. */
export type ProblemType =
  | 'invalid-request'
  | 'unknown-field'
  | 'address-invalid'
  | 'address-unreachable'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'method-not-allowed'
  | 'state-conflict'
  | 'idempotency-in-progress'
  | 'idempotency-mismatch'
  | 'payload-too-large'
  | 'rate-limited'
  | 'refused-by-guard'
  | 'spend-cap'
  | 'carrier-unavailable'
  | 'store-unavailable'
  | 'internal'

export type ProblemDescription = {
  type: string
  title: string
  status: number
  meaning: string
  remedy: string
  retry: 'no' | 'after-reading' | 'after-retry-after' | 'same-key'
  /** Names of the members that this type adds. */
  members: string[]
}

/** What a proof states: the payload of the JWT. */
export type ProofClaims = {
  /** The URL of this server. */
  iss: string
  /** The id of the app, or the audience that the start asked for; `test:` stands before it for a test key. */
  aud: string
  /** Your own word for the person, if there was one. */
  sub?: string
  /** When the code was entered, in seconds since 1970. */
  iat: number
  /** The end of the proof, likewise. */
  exp: number
  /** The id of the verification. */
  jti: string
  /** The id of the app that asked for the verification. */
  azp: string
  purpose: string
  /** `otp`, and the channel: `sms`, `email`, `tel` (a call)… */
  amr: string[]
  /** In E.164 form. */
  phone_number?: string
  phone_number_verified?: true
  email?: string
  email_verified?: true
  /** In place of the address: a hash that is the same for each proof to this audience. */
  address_hash?: string
  /** As the start had it. */
  nonce?: string
  is_test?: true
}

export type ProofRefused = {
  result: 'refused'
  /** `invalid`: not signed by this server, or by a key that is not published any more · `expired` · `audience`: for others, or of another app · `address`: about another address · `consumed`: by an earlier call. */
  reason: 'invalid' | 'expired' | 'audience' | 'address' | 'consumed'
}

export type ProofValid = {
  result: 'valid'
  claims: ProofClaims
}

export type VerifyProof = {
  /** The JWT. */
  proof: string
  /** Use it up: every later call is refused. */
  consume?: boolean
  /** The audience that it must be for. */
  audience?: string
  /** The address that it must be about, also where it has a hash alone. */
  to?: string
}

export type Operations = {
  /** Verify a proof, and consume it if asked: of any number of calls one does. */
  verifyProof: {
    body: VerifyProof
    answer: ProofValid | ProofRefused
  }
  /** What a problem means, and what to do about it. */
  describeProblem: {
    answer: ProblemDescription
  }
  /** This document. */
  readDocument: {
    answer: Record<string, unknown>
  }
}
