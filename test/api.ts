/** What a test does by the native API: makes keys, starts verifications, enters codes. */

import assert from 'node:assert/strict'
import { run } from './cli-run.ts'
import type { Answer, Server } from './server.ts'

export type Api = {
  readonly key: string
  readonly id: string
  /** A call of the API, such as `post('/verifications', { to })`. */
  post(path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<Answer>
  get(path: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
  start(to: string, more?: object, headers?: Readonly<Record<string, string>>): Promise<Answer>
  check(id: unknown, code: string, headers?: Readonly<Record<string, string>>): Promise<Answer>
}

/** Makes a key of the server's demo app by the command. @param options  Of `countersign key create`. */
export async function apiWith(server: Server, ...options: readonly string[]): Promise<Api> {
  const made = await run(
    [
      'key',
      'create',
      '--app',
      server.app.id,
      '--name',
      'test',
      ...options,
      '--json',
      '--data',
      server.dataFolder,
    ],
    { env: server.env },
  )
  assert.equal(made.code, 0, made.err)
  const { key, id } = JSON.parse(made.out) as { key: string; id: string }
  return apiOf(server, key, id)
}

export function apiOf(server: Server, key: string, id = ''): Api {
  const authorization = { authorization: `Bearer ${key}` }
  const post: Api['post'] = (path, body = {}, headers = {}) =>
    server.call('POST', `/v1${path}`, { body, headers: { ...authorization, ...headers } })
  return {
    key,
    id,
    post,
    get: (path, headers = {}) =>
      server.call('GET', `/v1${path}`, { headers: { ...authorization, ...headers } }),
    start: (to, more = {}, headers = {}) => post('/verifications', { to, ...more }, headers),
    check: (id, code, headers = {}) => post(`/verifications/${id}/check`, { code }, headers),
  }
}

/** e.g. `409 state-conflict`, for answers that are problems; else the status alone. */
export function told({ status, json }: Answer): string {
  const type = typeof json.type === 'string' ? json.type.split('/').at(-1) : undefined
  return [status, type].filter(Boolean).join(' ')
}

/** A code of the same form that is not the right one. */
export function otherThan(code: string): string {
  return String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0')
}
