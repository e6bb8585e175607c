/** The built server as a process of its own, for tests: started on free ports and a temporary data folder. */

import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dropStore, storeEnv } from './engine.ts'
import { endWithUs } from './hard-end.ts'

export const bin = join(import.meta.dirname, '..', 'bin', 'countersign.js')

export type Answer = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Record<string, unknown>
}

export type Call = {
  readonly token?: string
  readonly headers?: Record<string, string>
  /** An object becomes JSON; a string goes as it is. */
  readonly body?: unknown
}

export type InboxMessage = {
  id: string
  to: string
  code: string | null
  text: string
  locale: string
  template: string
  channel: string
  html: string | null
  subject: string | null
}

export type Server = AsyncDisposable & {
  readonly http: string
  readonly https: string | null
  readonly dataFolder: string
  /** By which a command finds the same store, beside `--data`. */
  readonly env: Readonly<Record<string, string>>
  readonly app: { readonly id: string; readonly key: string }
  /** Of the same app, for the native API. */
  readonly apiKey: string
  readonly member: { readonly account: string; readonly password: string }
  readonly admin: { readonly account: string; readonly password: string }
  readonly process: ChildProcess
  /** All that it printed so far. */
  readonly output: () => string
  call(method: string, path: string, call?: Call): Promise<Answer>
  /** Logs in through App ID; a new user id makes a new member. */
  logIn(userId: string): Promise<string>
  /** Of the inbox page of development; empty if there is none. */
  readonly inboxKey: string
  inbox(to?: string): Promise<InboxMessage[]>
  /** Waits for the newest code that arrived at an address. */
  codeFor(to: string): Promise<string>
  /** Waits for its end, however it comes. */
  ended(): Promise<unknown>
  /** SIGTERM, then waits for the end. @returns The exit code. */
  stop(): Promise<number | null>
  kill(): Promise<void>
}

export type ServerOptions = {
  readonly args?: readonly string[]
  /** May name a store of the test's own; otherwise it is a fresh one of the engine that the tests run over. */
  readonly env?: Readonly<Record<string, string>>
  /** Kept by the caller, e.g. to start again on it. */
  readonly dataFolder?: string
  /** Modules to import before anything else. */
  readonly imports?: readonly string[]
  readonly https?: boolean
}

export const paths = {
  send: '/v1/usg/dcs/member/verification-code',
  verify: '/v1/usg/dcs/member/verification-code/verify',
  contact: '/v1/usg/dcs/member/contact',
  member: '/v1/usg/dcs/member',
  appLogin: '/v2/usg/acs/auth/appauth',
  accountLogin: '/v1/usg/acs/auth/account',
  token: '/v1/usg/acs/token',
  validate: '/v1/usg/acs/token/validate',
} as const

export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'countersign-test-'))
}

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const dataFolder = options.dataFolder ?? temporaryFolder()
  const hasOwnStore = options.env?.COUNTERSIGN_STORE !== undefined
  const env = hasOwnStore ? {} : await storeEnv(dataFolder)
  const child = spawn(
    process.execPath,
    [
      ...(options.imports ?? []).flatMap((path) => ['--import', path]),
      bin,
      'serve',
      '--dev',
      '--json',
      '--data',
      dataFolder,
      '--http',
      '127.0.0.1:0',
      '--https',
      options.https ? '127.0.0.1:0' : 'off',
      ...(options.args ?? []),
    ],
    { env: { ...process.env, ...env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  endWithUs(child)
  let printed = ''
  let errors = ''
  child.stderr!.on('data', (chunk) => {
    errors += chunk
  })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.on('data', (chunk) => {
      printed += chunk
      if (printed.includes('\n')) resolve(printed.slice(0, printed.indexOf('\n')))
    })
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}: ${errors}${printed}`)))
  })
  const { inbox: inboxPage, ...told } = JSON.parse(line) as Pick<
    Server,
    'http' | 'https' | 'app' | 'apiKey' | 'member' | 'admin'
  > & { inbox: string | null }
  const inboxKey = inboxPage === null ? '' : new URL(inboxPage).searchParams.get('key')!
  const ended = once(child, 'exit') as Promise<[number | null]>

  async function call(
    method: string,
    path: string,
    { token, headers = {}, body }: Call = {},
  ): Promise<Answer> {
    const response = await fetch(`${told.http}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(token !== undefined && { 'X-Access-Token': token }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    if (/^\/(v1|v2|\.well-known)\//.test(path)) {
      const contentType = response.headers.get('content-type') ?? ''
      // Loaded here, because tests of other things start servers too.
      const { assertPromised } = await import('./promised.ts')
      assertPromised(method, path, { status: response.status, contentType, text })
    }
    let json: Record<string, unknown> = {}
    try {
      json = JSON.parse(text) as Record<string, unknown>
    } catch {
      // an answer that is no JSON; the test sees its text
    }
    return { status: response.status, headers: response.headers, text, json }
  }

  const inbox = async (to?: string) => {
    const query = to === undefined ? '' : `?to=${encodeURIComponent(to)}`
    const headers = { Authorization: `Bearer ${inboxKey}` }
    return JSON.parse((await call('GET', `/inbox/messages${query}`, { headers })).text) as InboxMessage[]
  }

  return {
    ...told,
    inboxKey,
    dataFolder,
    env: { ...env, ...options.env },
    process: child,
    output: () => printed + errors,
    call,
    async logIn(userId) {
      const { headers, body } = appLogin(told.app, { userId })
      const answer = await call('POST', paths.appLogin, { headers, body })
      if (answer.status !== 200) throw new Error(`login of ${userId}: ${answer.status} ${answer.text}`)
      return answer.json.accessToken as string
    },
    inbox,
    async codeFor(to) {
      for (let tries = 0; tries < 100; tries++) {
        const code = (await inbox(to)).find((message) => message.code !== null)?.code
        if (code) return code
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
      throw new Error(`no code arrived at ${to}`)
    },
    ended: () => ended,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await ended
      return code
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGKILL')
        await ended
      }
      if (options.dataFolder !== undefined) return
      if (!hasOwnStore) await dropStore(dataFolder)
      rmSync(dataFolder, { recursive: true, force: true })
    },
  }
}

type AppLogin = { userId?: string; corpId?: string; expireTime?: number; nonce?: string; clientType?: number }

/** Header and body of an App ID login, signed as the wire demands. */
export function appLogin(app: { readonly id: string; readonly key: string }, login: AppLogin = {}) {
  const {
    userId = '',
    corpId,
    expireTime = Math.floor(Date.now() / 1000) + 3600,
    nonce = randomBytes(20).toString('hex'),
    clientType = 72,
  } = login
  const text = [app.id, ...(corpId === undefined ? [] : [corpId]), userId, expireTime, nonce].join(':')
  const signature = createHmac('sha256', app.key).update(text).digest('hex')
  return {
    headers: { Authorization: `HMAC-SHA256 signature=${signature}` },
    body: {
      appId: app.id,
      clientType,
      expireTime,
      nonce,
      ...(userId && { userId }),
      ...(corpId !== undefined && { corpId }),
    },
  }
}

let lastNumber = 10_000_000

/** A mobile number nobody else in this run uses. */
export function newNumber(): string {
  return `+86138${lastNumber++}`
}
