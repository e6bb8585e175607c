/** Idempotency keys: what makes a repeated call the same act, and the calls that are under way. */

import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { invalidParameter } from './faults.ts'
import type { Problem } from './problems.ts'
import type { OnceOfCall } from './route.ts'

const maxLength = 255

/**
 * @param scope  What the key is unique in: an app and its world, live or test, or whoever calls without a key.
 * @returns undefined if the caller gave no key; a problem if it is none.
 */
export function onceOf(request: FastifyRequest, scope: string): OnceOfCall | undefined | Problem {
  const given = request.headers['idempotency-key']
  if (given === undefined) return undefined
  // Bare, or a string of RFC 9651 in quotes, as draft-ietf-httpapi-idempotency-key-header has it.
  const key = typeof given === 'string' ? (/^"(.*)"$/.exec(given)?.[1] ?? given) : ''
  if (key === '' || key.length > maxLength)
    return invalidParameter('Idempotency-Key', 'length', `It takes 1 to ${maxLength} characters.`)
  const path = request.url.split('?', 1)[0]!
  return {
    key: hash('sha256', JSON.stringify([scope, request.method, path, key]), 'base64url'),
    fingerprint: hash('sha256', canonical(request.body ?? {}), 'base64url'),
  }
}

/** The same text for the same value, in whatever order its members came. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

export type UnderWay = {
  /** Runs the act unless one with its key is under way. */
  run<T>(once: OnceOfCall, act: () => Promise<T> | T): Promise<T | Problem>
}

/** The acts of this process alone. Those of others are told apart by the store, which does one after the other. */
export function createUnderWay(): UnderWay {
  const keys = new Set<string>()
  return {
    async run(once, act) {
      if (keys.has(once.key))
        return {
          problem: 'idempotency-in-progress',
          detail: 'The first call with this Idempotency-Key has not been answered yet.',
          retryAfterMs: 1000,
        }
      keys.add(once.key)
      try {
        return await act()
      } finally {
        keys.delete(once.key)
      }
    },
  }
}
