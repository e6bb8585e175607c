/**
 * A program that calls the wire with the official SDK for Node, unmodified.
 *
 * The SDK's core (@huaweicloud/huaweicloud-sdk-core) is published, and makes, sends and reads the requests here. Its table
 * of calls, services/meeting/v1/MeetingClient.ts of huaweicloud-sdk-nodejs-v3, is not: what it hands to the core follows
 * from method, path and parameters, as in `optionsOf`, and so does its login, MeetingCredentials.ts beside it.
 */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { answerFields } from '../src/http/huawei/answer-fields.ts'
import type { Fields } from '../src/http/huawei/member-fields.ts'
import { holds } from './held-fields.ts'
import { requirePeer } from './peers.ts'
import type { Server } from './server.ts'

const core = join(import.meta.dirname, 'huawei-sdk', 'node_modules', '@huaweicloud', 'huaweicloud-sdk-core')

/** For a test that needs it. */
export const sdkPeer = requirePeer('the SDK of Huawei Cloud (npm ci --prefix test/huawei-sdk)', core)

const login = 'POST /v1/usg/acs/auth/account'

type Options = Record<string, unknown>
type Sent = { headers: Record<string, string> }
type Credential = { processAuthRequest(client: Client, request: Sent): Promise<Sent> }
type Client = {
  withCredential(credential: Credential): Client
  withEndpoints(endpoints: readonly string[]): Client
  sendRequest(options: Options): Promise<Options>
}
type Transport = object
type Core = {
  HcClient: new (transport: Transport) => Client
  DefaultHttpClient: new (options: Options, endpoints: readonly string[]) => Transport
}

export type Parameters = {
  readonly body?: unknown
  readonly query?: Record<string, unknown>
  /** Of the path, in its order. */
  readonly values?: readonly string[]
}

/** An answer's fields, with `list` if it is an array; or why it was refused: the status and code of the exception. */
export type Told = Record<string, unknown> & { readonly refusal?: string }
export type Program = (name: string, parameters?: Parameters) => Promise<Told>

/** JSON is the type of every call, also of those without a body. */
function optionsOf(name: string, { body, query = {}, values = [] }: Parameters, requestId: string): Options {
  const [method, url] = name.split(' ') as [string, string]
  const names = [...url.matchAll(/\{(\w+)\}/g)].map(([, each]) => each!)
  return {
    method,
    url,
    contentType: 'application/json',
    queryParams: query,
    pathParams: Object.fromEntries(names.map((each, at) => [each, values[at]])),
    headers: {
      'X-Request-Id': requestId,
      'Accept-Language': 'en-US',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { data: body }),
    responseHeaders: [''],
  }
}

/** Refusals are what is tested: they are not to be printed. */
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

type Account = { readonly account: string; readonly password: string }

/**
 * The program logs in by its account before its first call, unless it was given a token. Every answer is held to the table of
 * documented fields.
 * @param called  Gets the name of each call that was answered.
 */
export function programOf(
  { http }: Pick<Server, 'http'>,
  by: Account | { readonly token: string },
  called: Set<string> = new Set(),
): Program {
  const load = createRequire(import.meta.url)
  const { HcClient } = load(join(core, 'HcClient.js')) as Core
  const { DefaultHttpClient } = load(join(core, 'http', 'DefaultHttpClient.js')) as Core
  const clientWith = (credential: Credential) =>
    new HcClient(new DefaultHttpClient({ logger: quiet }, [http]))
      .withCredential(credential)
      .withEndpoints([http])

  const withToken = (request: Sent, token: string): Sent => ({
    ...request,
    headers: { ...request.headers, 'X-Access-Token': token },
  })
  let token = 'token' in by ? by.token : undefined
  const client = clientWith({
    async processAuthRequest(_, request) {
      token ??= await logIn(by as Account)
      return withToken(request, token)
    },
  })

  async function logIn({ account, password }: Account): Promise<string> {
    const basic = Buffer.from(`${account}:${password}`).toString('base64')
    const made = await clientWith({ processAuthRequest: async (_, request) => request }).sendRequest({
      ...optionsOf(login, { body: { account, clientType: 72 } }, randomUUID()),
      headers: { Authorization: `Basic ${basic}` },
    })
    hold(login, made)
    return made.accessToken as string
  }

  function hold(name: string, { httpStatusCode: _, ...answer }: Options): void {
    const fields: Fields | readonly [Fields] = answerFields[name as keyof typeof answerFields]
    if (Array.isArray(fields)) for (const each of answer.list as []) holds(each, fields[0] as Fields, name)
    else holds(answer, fields as Fields, name)
    called.add(name)
  }

  async function call(name: string, parameters: Parameters): Promise<Told> {
    const requestId = randomUUID()
    let made: Options
    try {
      made = await client.sendRequest(optionsOf(name, parameters, requestId))
    } catch (error) {
      const told = error as Options
      // A login of the SDK has no headers of the call's.
      if (token !== undefined) {
        assert.equal(told.requestId, requestId, name)
        assert.match(String(told.errorMsg), /^[A-Z][ -~]+$/, `${name} is refused in English`)
      }
      return { refusal: `${told.httpStatusCode} ${told.errorCode}` }
    }
    const { httpStatusCode: _, ...answer } = Array.isArray(made) ? { list: [...made] } : made
    assert.equal(made.httpStatusCode, 200, name)
    hold(name, answer)
    return answer
  }

  return async (name, parameters = {}) => {
    // Busy means that nothing was accepted, and happens on a busy machine.
    for (let tries = 1; ; tries++) {
      const told = await call(name, parameters)
      if (told.refusal !== '500 USG.000000001' || tries === 10) return told
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  }
}
