/** What tests of the hosted page need: a server with pages listed, keys for it, and calls as a shop makes them. */

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run } from './cli-run.ts'
import { type Answer, type Server, startServer, temporaryFolder } from './server.ts'

export type Shop = {
  readonly server: Server
  /** Calls with the shop's key, or another. */
  call(path: string, body: object, headers?: Record<string, string>): Promise<Answer>
  /** Makes a session, with the shop's key or another. @returns Its id, the URL of its page, and its token. */
  session(wishes?: Record<string, unknown>, key?: string): Promise<{ id: string; url: string; token: string }>
  /** A call as the page makes it. */
  page(token: string, path: string, body?: object): Promise<Answer>
  key(...options: readonly string[]): Promise<string>
  /** By the command, as an operator does. */
  revoke(secret: string): Promise<void>
}

export const returnUrl = 'http://127.0.0.1:9/done?cart=7'

/** @param settings  More lines of its settings file. */
export async function openShop(settings = ''): Promise<Shop & AsyncDisposable> {
  const folder = temporaryFolder()
  mkdirSync(folder, { recursive: true })
  const config = join(folder, 'settings.yaml')
  writeFileSync(config, settings)
  const server = await startServer({ args: ['--config', config] })
  const ids = new Map<string, string>()
  const beside = (...args: readonly string[]) =>
    run(['key', ...args, '--data', server.dataFolder], { env: server.env })
  const key = async (...options: readonly string[]) => {
    const made = await beside('create', '--json', '--app', server.app.id, '--name', 'shop', ...options)
    const { key, id } = JSON.parse(made.out) as { key: string; id: string }
    ids.set(key, id)
    return key
  }
  const authorization = `Bearer ${await key()}`
  const call: Shop['call'] = (path, body, headers = {}) =>
    server.call('POST', path, { body, headers: { authorization, ...headers } })
  return {
    server,
    call,
    key,
    async revoke(secret) {
      await beside('revoke', ids.get(secret)!)
    },
    async session(wishes = {}, key) {
      const headers = key === undefined ? {} : { authorization: `Bearer ${key}` }
      const answer = await call('/v1/sessions', { return_url: returnUrl, ...wishes }, headers)
      if (answer.status !== 201) throw new Error(`${answer.status} ${answer.text}`)
      const { id, url } = answer.json as { id: string; url: string }
      return { id, url, token: url.slice(url.lastIndexOf('/') + 1) }
    },
    page: (token, path, body) =>
      server.call(body ? 'POST' : 'GET', `/v1/public/sessions/${token}${path}`, body ? { body } : {}),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
