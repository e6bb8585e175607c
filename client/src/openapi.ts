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

export type Operations = {
  /** What a problem means, and what to do about it. */
  describeProblem: {
    answer: ProblemDescription
  }
  /** This document. */
  readDocument: {
    answer: Record<string, unknown>
  }
}
