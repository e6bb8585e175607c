/** A carrier of a block in a test: the real provider, which calls a server on this machine with scripted answers. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import type { TestContext } from 'node:test'
import type { CarrierBlock } from '../src/config/carriers/block-schema.ts'
import { providersOf } from '../src/config/provider-settings.ts'
import type { HttpSettings } from '../src/config/providers/http.ts'
import type { CommonSettings } from '../src/config/providers/kind.ts'
import type { SettingsFile } from '../src/config/settings-schema.ts'
import { DeliveryError, type Message, type Provider, type Receipt } from '../src/delivery/provider.ts'
import { createHttpProvider } from '../src/providers/http/http-provider.ts'

export type Acquired = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** The body as a form. */
  readonly form: Readonly<Record<string, string>>
  /** The body as JSON; null if it is none. */
  readonly json: unknown
}

export type Told = {
  readonly status: number
  /** JSON if it is no string. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export type TestCarrier = {
  readonly provider: Provider
  /** What the server was asked, oldest first. */
  readonly requests: Acquired[]
  readonly receipts: Receipt[]
  /** What is answered from now on. */
  answer(told: Told): void
  /** Where the carrier would call. */
  readonly receiptUrl: string
}

export const phoneMessage: Message = {
  id: '0123456789abcdef0123456789abcdef',
  tenant: 'demo',
  app: '5f0c6f0e9e0b4d8f8b8f6a1f0c2d3e4f',
  channel: 'sms',
  to: { kind: 'phone', e164: '+15558675310', region: 'US' },
  locale: 'en-US',
  sender: null,
  text: 'Your code is 012345. It works for 1 minute.',
  template: 'code',
  variables: ['012345', '1 minute', 'Countersign'],
  deadlineAt: 1_700_000_060_000,
  remainingMs: 59_500,
}

export const mailMessage: Message = {
  ...phoneMessage,
  channel: 'email',
  to: { kind: 'email', mailbox: 'Li.Na@example.com', canonical: 'li.na@example.com', needsSmtpUtf8: false },
  subject: 'Your code (abcdef)',
  html: '<p>Your code is <b>012345</b></p>',
}

export const publicUrl = 'https://codes.example.com'

/** A section's settings as the loader reads them. Fails the test with the problems, if there are any. */
export function settingsOf(
  section: Readonly<Record<string, unknown>>,
  url = publicUrl,
): HttpSettings & CommonSettings {
  const problems: string[] = []
  const file = { providers: { carrier: { type: 'http', ...section } } } as unknown as SettingsFile
  const providers = providersOf(file, { publicUrl: url, dataFolder: '' }, problems)
  assert.deepEqual(problems, [])
  return providers.carrier as HttpSettings & CommonSettings
}

/**
 * @param section  As an operator writes it, less `type`. Whatever server its block calls, the test's is called.
 * @param receive  Default: they are kept in `receipts`.
 */
export async function startCarrier(
  t: TestContext,
  section: Readonly<Record<string, unknown>> & { readonly block?: CarrierBlock },
  receive?: (receipts: readonly Receipt[]) => Promise<void>,
): Promise<TestCarrier> {
  const requests: Acquired[] = []
  const receipts: Receipt[] = []
  // Before the server is there: one that nothing closes would keep a failed test from ending.
  const settings = settingsOf(section)
  let told: Told = { status: 500 }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { pathname, searchParams } = new URL(request.url!, 'http://carrier')
    requests.push({
      method: request.method!,
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body,
      form: Object.fromEntries(new URLSearchParams(body)),
      json: body.startsWith('{') || body.startsWith('[') ? JSON.parse(body) : null,
    })
    const text = typeof told.body === 'string' ? told.body : JSON.stringify(told.body ?? {})
    response.writeHead(told.status, told.headers).end(told.status === 204 ? '' : text)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const provider = createHttpProvider(
    {
      ...settings,
      name: 'carrier',
      server: `http://127.0.0.1:${port}${new URL(settings.server).pathname.replace(/\/$/, '')}`,
      allowPrivate: ['127.0.0.1'],
    },
    receive ?? (async (given) => void receipts.push(...given)),
  )
  t.after(async () => {
    await provider.close?.()
    server.closeAllConnections()
    server.close()
  })
  return {
    provider,
    requests,
    receipts,
    answer: (given) => {
      told = given
    },
    receiptUrl: `${publicUrl}/receipts/carrier`,
  }
}

/** A small block, for tests of what all have alike. */
export const plainBlock = {
  channels: ['sms'],
  request: { server: 'https://carrier.example', path: '/send', json: { to: '{{ to }}', text: '{{ text }}' } },
  answer: { accepted: { status: 200, '/ok': true }, id: '/id', words: ['/why'] },
} as const

/** Listens on this machine until the test ends. */
export async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** The provider of the small block at a server of the test's own. */
export function providerAt(t: TestContext, server: string, more: object = {}) {
  const provider = createHttpProvider(
    {
      ...settingsOf({ block: plainBlock }),
      name: 'carrier',
      server,
      allowPrivate: ['127.0.0.1'],
      ...more,
    },
    async () => undefined,
  )
  t.after(() => provider.close?.())
  return provider
}

export const never = { signal: new AbortController().signal }

/** The error that a hand-over ended with. */
export async function failureOf(sending: Promise<unknown>): Promise<DeliveryError> {
  const outcome = await sending.then(
    (accepted) => assert.fail(`accepted: ${JSON.stringify(accepted)}`),
    (error: unknown) => error,
  )
  assert.ok(outcome instanceof DeliveryError, String(outcome))
  return outcome
}

/** A carrier's call as the listener hands it on. */
export function callOf(
  call: {
    readonly method?: 'GET' | 'POST'
    readonly query?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string
    readonly clientIp?: string
  } = {},
) {
  const { method = 'POST', query = '', headers = {}, body = '', clientIp = '198.51.100.7' } = call
  return { method, query, headers, body: Buffer.from(body), clientIp } as const
}
