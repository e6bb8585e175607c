/** The keys by which an app calls the native API: what each may do, from where, and until when. */

import { hash, randomBytes } from 'node:crypto'
import type { App, Tenant } from './directory.ts'

export const apiKeyScopes = ['verifications:write', 'verifications:read', 'events:read', 'admin'] as const
export type ApiKeyScope = (typeof apiKeyScopes)[number]
/** Of live keys alone, because an app has one feed and one set of endpoints, which are of its live verifications too. */
export const liveScopes: readonly ApiKeyScope[] = ['events:read', 'admin']

/** The behaviours of the API by their day. A key keeps the one of its making; a call may name another. */
export const apiVersions = ['2026-12-01'] as const
export type ApiVersion = (typeof apiVersions)[number]
export const newestApiVersion: ApiVersion = apiVersions.at(-1)!

/** A key as the store keeps it: the SHA-256 of its secret, never the secret itself. */
export type ApiKey = {
  readonly id: string
  readonly tenant: string
  readonly app: string
  /** Base64url SHA-256 of the secret. */
  readonly hash: string
  /** Beginning and last four characters of the secret, by which people know it again. */
  readonly hint: string
  readonly name: string
  /** server: for programs, with scopes · publishable: for pages, which may only begin a session from its origins. */
  readonly kind: 'server' | 'publishable'
  /** Works on test addresses and the sandbox alone. */
  readonly isTest: boolean
  readonly scopes: readonly ApiKeyScope[]
  /** Of pages that may use a publishable key, such as `https://shop.example`. */
  readonly origins: readonly string[]
  /** Addresses and CIDR blocks that it may be used from; empty: from anywhere. */
  readonly networks: readonly string[]
  readonly version: ApiVersion
  readonly createdAt: number
  /** The end of its life, ms since the epoch; null: it has none. */
  readonly expiresAt: number | null
  /** From when on it is refused, which may lie ahead; null: it is not revoked. */
  readonly revokedAt: number | null
  /** When it was last used, to about a minute; null: never. */
  readonly lastUsedAt: number | null
}

/** A key with all that its calls need to know. */
export type KeyHolder = {
  readonly key: ApiKey
  readonly tenant: Tenant
  readonly app: App
  /** Whether anyone reads the events of the app, so that they are worth writing. */
  readonly hasEvents: boolean
}

const secretForm = /^(?:ck|pk)_(?:live|test)_[A-Za-z0-9_-]{43}$/

export type NewApiKey = Pick<
  ApiKey,
  | 'tenant'
  | 'app'
  | 'name'
  | 'kind'
  | 'isTest'
  | 'scopes'
  | 'origins'
  | 'networks'
  | 'createdAt'
  | 'expiresAt'
>

/** @param secret  Of an earlier `newSecret`, if the caller keeps one. */
export function newApiKey(given: NewApiKey, secret = newSecret(given)): { key: ApiKey; secret: string } {
  return {
    secret,
    key: {
      id: `key_${randomBytes(16).toString('hex')}`,
      hash: apiKeyHash(secret),
      hint: `${secret.slice(0, 'ck_live_'.length)}…${secret.slice(-4)}`,
      version: newestApiVersion,
      revokedAt: null,
      lastUsedAt: null,
      ...given,
    },
  }
}

/** 256 random bits after a prefix that shows people and scanners of leaked secrets what it is. */
export function newSecret({ kind, isTest }: Pick<ApiKey, 'kind' | 'isTest'>): string {
  const prefix = `${kind === 'server' ? 'ck' : 'pk'}_${isTest ? 'test' : 'live'}_`
  return prefix + randomBytes(32).toString('base64url')
}

export function isApiKeySecret(text: string): boolean {
  return secretForm.test(text)
}

/** The secret is random, so it needs no salt and no slow hash. */
export function apiKeyHash(secret: string): string {
  return hash('sha256', secret, 'base64url')
}

export function isUsableKey({ expiresAt, revokedAt }: ApiKey, now: number): boolean {
  return (expiresAt === null || now < expiresAt) && (revokedAt === null || now < revokedAt)
}
