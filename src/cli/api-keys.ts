/** `countersign key …`: keys of apps for the native API. */

import { parseDuration } from '../config/duration.ts'
import { type ApiKey, type ApiKeyScope, isUsableKey, liveScopes, newApiKey } from '../directory/api-key.ts'
import { AppError } from '../errors.ts'
import { isNetwork } from '../network/networks.ts'
import { plain } from './plain.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

type CreateOptions = CommonOptions & {
  readonly app: string
  readonly name: string
  readonly scope?: readonly ApiKeyScope[]
  readonly test?: boolean
  readonly publishable?: boolean
  readonly origin?: readonly string[]
  readonly network?: readonly string[]
  readonly expires?: string
}

const usualScopes: readonly ApiKeyScope[] = ['verifications:write', 'verifications:read']

export async function createKey(options: CreateOptions, terminal: Terminal): Promise<void> {
  const { app: id, name, test: isTest = false, publishable = false, network: networks = [] } = options
  const origins = (options.origin ?? []).map(originOf)
  if (publishable && options.scope)
    throw new AppError('input.invalid', '--scope: a publishable key has none; it may only begin sessions')
  if (isTest && options.scope?.some((scope) => liveScopes.includes(scope)))
    throw new AppError(
      'input.invalid',
      `--scope: ${liveScopes.join(' and ')} are of live keys alone, because they reach what is live; make one without --test`,
    )
  if (publishable && origins.length === 0)
    throw new AppError('input.invalid', '--origin: name the pages that may use it, e.g. https://shop.example')
  if (!publishable && origins.length > 0)
    throw new AppError('input.invalid', '--origin: only for a publishable key; a server key has --network')
  const stray = networks.find((one) => !isNetwork(one))
  if (stray !== undefined)
    throw new AppError(
      'input.invalid',
      `--network: ${plain(stray)} is no address or CIDR block, e.g. 10.0.0.0/8`,
    )
  const lifeMs = options.expires === undefined ? null : lifeOf('--expires', options.expires)
  await withStore(options, terminal, async ({ store, by }) => {
    const app = await store.directory.app(id)
    if (!app)
      throw new AppError('input.invalid', `there is no app ${plain(id)}; "countersign app list" shows them`)
    const createdAt = Date.now()
    const { key, secret } = newApiKey({
      tenant: app.tenant,
      app: app.id,
      name,
      kind: publishable ? 'publishable' : 'server',
      isTest,
      scopes: publishable ? [] : (options.scope ?? usualScopes),
      origins,
      networks,
      createdAt,
      expiresAt: lifeMs === null ? null : createdAt + lifeMs,
    })
    await store.keys.add(
      key,
      by('key.add', app.tenant, key.id, { app: app.id, isTest, scopes: key.scopes.join(' ') }),
    )
    if (options.json) return terminal.out(JSON.stringify({ ...shown(key), key: secret }))
    terminal.out(`Key  ${secret}\nId   ${key.id}`)
    terminal.out(
      publishable
        ? 'Pages of its origins may have it. It is shown only now.'
        : 'The key is shown only now. Keep it where the app reads its secrets.',
    )
  })
}

export async function listKeys(
  options: CommonOptions & { readonly app?: string; readonly all?: boolean },
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store }) => {
    const now = Date.now()
    const keys = (await store.keys.list(options.app)).filter((key) => options.all || isUsableKey(key, now))
    if (options.json) return terminal.out(JSON.stringify(keys.map(shown)))
    for (const key of keys) terminal.out(lineOf(key, now))
    if (keys.length === 0) terminal.err('There is no key. Make one with "countersign key create".')
  })
}

export async function revokeKey(
  id: string,
  options: CommonOptions & { readonly in?: string },
  terminal: Terminal,
): Promise<void> {
  const inMs = options.in === undefined ? 0 : lifeOf('--in', options.in)
  await withStore(options, terminal, async ({ store, by }) => {
    const at = Date.now() + inMs
    const key = (await store.keys.list()).find((one) => one.id === id)
    if (!(await store.keys.revoke(id, at, by('key.revoke', key?.tenant ?? '', id, { at }))))
      throw new AppError('input.invalid', `there is no key ${plain(id)}; "countersign key list" shows them`)
    const when = inMs === 0 ? 'within a second' : `from ${new Date(at).toISOString()} on`
    terminal.out(
      options.json
        ? JSON.stringify({ id, revokedAt: new Date(at).toISOString() })
        : `Key ${id} is refused ${when}.`,
    )
  })
}

/** e.g. `key_…  ck_live_…wxyz  shop backend  app 5f0c…  verifications:write  last used 2026-12-01T10:00:00.000Z`. */
function lineOf(key: ApiKey, now: number): string {
  const { id, hint, name, app, scopes, origins, networks, expiresAt, revokedAt, lastUsedAt } = key
  const day = (at: number) => new Date(at).toISOString()
  const ends = [
    revokedAt !== null && `${revokedAt > now ? 'will be refused from' : 'revoked'} ${day(revokedAt)}`,
    expiresAt !== null && `${expiresAt > now ? 'expires' : 'expired'} ${day(expiresAt)}`,
  ]
  const where = [...origins, ...networks].map((one) => `from ${plain(one)}`)
  const used = lastUsedAt === null ? 'never used' : `last used ${day(lastUsedAt)}`
  return [id, hint, plain(name), `app ${app}`, ...scopes, ...where, ...ends, used].filter(Boolean).join('  ')
}

/** A key without its hash, with times that people can read. */
function shown({ hash: _, createdAt, expiresAt, revokedAt, lastUsedAt, ...key }: ApiKey) {
  const time = (at: number | null) => (at === null ? null : new Date(at).toISOString())
  return {
    ...key,
    createdAt: time(createdAt),
    expiresAt: time(expiresAt),
    revokedAt: time(revokedAt),
    lastUsedAt: time(lastUsedAt),
  }
}

/** @throws AppError `input.invalid` for a text that is not exactly an origin, because browsers send nothing else. */
function originOf(text: string): string {
  const origin = URL.parse(text)?.origin
  if (origin === undefined || origin === 'null' || origin !== text || !/^https?:/.test(text))
    throw new AppError('input.invalid', `--origin: ${plain(text)} is no origin, such as https://shop.example`)
  return origin
}

function lifeOf(option: string, text: string): number {
  const ms = parseDuration(text)
  if (!ms) throw new AppError('input.invalid', `${option}: ${plain(text)} is no time, such as 24h or 90d`)
  return ms
}
