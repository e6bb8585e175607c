/** Requests of every kind by the API's document, right and wrong: never a 5xx, never an answer that it does not promise. */

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { Pool } from 'undici'
import { apiWith } from './api.ts'
import { type ApiCall, callOf, faultsOf, nativeCalls, problemOf } from './api-document.ts'
import { type Known, rightValue, wrongValue } from './api-values.ts'
import { type Server, startServer } from './server.ts'

type Request = {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
}

/** So many are under way at once. */
const atOnce = 32
/** Calls that wait for something to happen would make the run wait, too. */
const longPollNames = ['wait_s']
const maxRemembered = 200

/** What an answer had, by the names of its members, for later requests: an id that exists, its secret, its proof. */
type Thing = Readonly<Record<string, string>>

function thingOf(value: unknown, name = ''): Thing {
  if (typeof value === 'string') return { [name]: value }
  if (typeof value !== 'object' || value === null) return {}
  return Object.assign(
    {},
    ...Object.entries(value).map(([inner, one]) => thingOf(one, Array.isArray(value) ? name : inner)),
  ) as Thing
}

const addresses = [
  ...Array.from({ length: 40 }, (_, nth) => `+8613800138${String(nth).padStart(3, '0')}`),
  ...['a@example.com', 'ü+tag@example.com', '+12025550123', '+5215512345678', '+86106', '13800138000'],
]

/** Names that answers have, too: values under them are taken from what the server answered. */
const answeredNames = new Set(
  nativeCalls.flatMap(({ answers }) =>
    [...answers.values()].flatMap(({ schemas }) => [...schemas.values()].flatMap(namesIn)),
  ),
)

function namesIn(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([keyword, inner]) => [
    ...(keyword === 'properties' ? Object.keys(inner as object) : []),
    ...namesIn(inner),
  ])
}

/** Stands for a value of the thing that a request is about: so arbitraries are made once, and things are not known yet. */
const markOf = (name: string) => `~known.${name}~`
const marks = /(?:~|%7E)known\.(\w+)(?:~|%7E)/g

const known: Known = (name) => {
  if (['to', 'phone', 'email'].includes(name)) return fc.constantFrom(...addresses)
  if (['url', 'return_url'].includes(name)) return fc.constant('http://127.0.0.1:9/here')
  if (longPollNames.includes(name)) return fc.constant(0)
  if (name === 'code') return fc.constantFrom(markOf(name), markOf(name), '000000', '１２３ 456')
  return answeredNames.has(name) ? fc.constant(markOf(name)) : undefined
}

function about(thing: Thing, { method, path, headers, body }: Request): Request {
  const filled = (text: string, written: (value: string) => string) =>
    text.replace(marks, (_, name: string) => written(thing[name] ?? 'none'))
  return {
    method,
    path: filled(path, encodeURIComponent),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name, filled(value, (one) => one)]),
    ),
    // No request leads the server to another machine.
    body:
      body &&
      filled(body, (value) => JSON.stringify(value).slice(1, -1)).replace(
        /\bhttps?:\/*[^/"\\]*/gi,
        'http://127.0.0.1:9',
      ),
  }
}

function requestsOf(calls: readonly ApiCall[], keys: readonly string[]): fc.Arbitrary<Request> {
  /** Texts that an address line or a header can carry. */
  const carried = (value: unknown) => String(value).replace(/[^\x21-\x7e]/g, '')

  const requestOf = (call: ApiCall): fc.Arbitrary<Request> => {
    const givenTo = ({ name, schema }: { name: string; schema: ApiCall['body'] & object }) =>
      longPollNames.includes(name)
        ? fc.constant(0)
        : fc.oneof(
            { weight: 4, arbitrary: rightValue(schema, known, name) },
            { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 60 }) },
          )
    const parameters = fc.tuple(
      ...call.parameters.map((one) =>
        fc.tuple(
          fc.constant(one),
          one.required
            ? givenTo(one)
            : fc.option(givenTo(one), { nil: undefined, freq: one.in === 'header' ? 1 : 2 }),
        ),
      ),
    )
    const body = call.body
      ? fc.oneof(
          { weight: 6, arbitrary: rightValue(call.body, known).map((one) => JSON.stringify(one)) },
          { weight: 3, arbitrary: wrongValue(call.body, known).map((one) => JSON.stringify(one)) },
          { weight: 1, arbitrary: fc.constantFrom('', '{', '[]', 'null', '{"to":"a","to":"b"}', '\ufeff{}') },
        )
      : fc.constant(null)
    const authorization = fc.oneof(
      // A thing is mostly asked for by whoever has it.
      { weight: 12, arbitrary: fc.constant(`Bearer ${markOf('key')}`) },
      { weight: 4, arbitrary: fc.constantFrom(...keys.map((key) => `Bearer ${key}`)) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('', 'Bearer', 'Basic eDp5', `Bearer ck_live_${'a'.repeat(43)}`),
      },
    )
    return fc.tuple(parameters, body, authorization).map(([given, body, authorization]) => {
      let path = call.path
      const query = new URLSearchParams()
      const headers: Record<string, string> = { authorization, origin: 'https://shop.example' }
      for (const [{ in: place, name }, value] of given) {
        if (value === undefined) continue
        if (place === 'query') query.append(name, String(value).toWellFormed())
        else if (place === 'header') headers[name.toLowerCase()] = carried(value)
        // An empty part would be another path.
        else path = path.replace(`{${name}}`, encodeURIComponent(String(value).toWellFormed()) || '0')
      }
      const asked = query.size > 0 ? `${path}?${query}` : path
      return { method: call.method, path: asked, headers, body }
    })
  }
  return fc.oneof(...calls.map(requestOf))
}

/**
 * Sends so many requests, the same for the same seed but for what the server answered.
 * @returns How often each answer came, by call and status.
 */
export async function fuzzApi(count: number, seed: number): Promise<ReadonlyMap<string, number>> {
  await using server = await startServer({ args: ['--limits', 'none'] })
  await using limited = await startServer()
  const tally = new Map<string, number>()
  for (const [one, share] of [
    [server, 0.8],
    [limited, 0.2],
  ] as const)
    await fuzzServer(one, Math.ceil(count * share), seed, tally)
  return tally
}

async function fuzzServer(server: Server, count: number, seed: number, tally: Map<string, number>) {
  const scopes = ['verifications:write', 'verifications:read', 'events:read', 'admin'].flatMap((scope) => [
    '--scope',
    scope,
  ])
  const keys = [
    (await apiWith(server, ...scopes)).key,
    (await apiWith(server, '--test')).key,
    (await apiWith(server)).key,
    (await apiWith(server, '--publishable', '--origin', 'https://shop.example')).key,
  ]
  const things: Thing[] = [{ key: keys[0]! }]
  const batches = fc.array(fc.tuple(requestsOf(nativeCalls, keys), fc.nat()), {
    minLength: atOnce,
    maxLength: atOnce,
  })
  await using pool = disposable(new Pool(server.http, { connections: atOnce, pipelining: 1 }))
  for (const batch of drawn(batches, Math.ceil(count / atOnce), seed)) {
    const requests = batch.map(([request, at]) => about(things[at % things.length]!, request))
    const made = await Promise.all(requests.map((request) => send(pool.value, request, tally)))
    const fresh = made.filter((one) => one !== undefined)
    if (fresh.some(({ to_masked }) => to_masked !== undefined)) await addCodes(server, fresh)
    things.push(...fresh)
    things.splice(1, things.length - maxRemembered)
  }
}

/** Drawn some at a time, because all of a long run would fill the memory. */
function* drawn<T>(values: fc.Arbitrary<T>, count: number, seed: number): Generator<T> {
  for (let left = count; left > 0; left -= 50)
    yield* fc.sample(values, { numRuns: Math.min(left, 50), seed: seed + left })
}

/** The codes of verifications that were started, from the inbox. */
async function addCodes(server: Server, things: Record<string, string>[]): Promise<void> {
  const messages = await server.inbox()
  for (const thing of things) {
    const code = messages.find(({ to }) => to === thing.to)?.code
    if (code) thing.code = code
  }
}

/** @returns What the answer had, and what was asked for. */
async function send(
  pool: Pool,
  request: Request,
  tally: Map<string, number>,
): Promise<Record<string, string> | undefined> {
  const { method, path, headers, body } = request
  const {
    statusCode: status,
    headers: answered,
    body: stream,
  } = await pool.request({
    method: method as 'GET',
    path,
    headers: { ...headers, ...(body !== null && { 'content-type': 'application/json' }) },
    body,
  })
  const text = await stream.text()
  const answer = { status, contentType: String(answered['content-type'] ?? ''), text }
  const asked = `${method} ${path} ${JSON.stringify(headers)} ${body}`
  assert.ok(status < 500, `${status} ${text} to ${asked}`)
  assert.ok(!/\bat .*\.ts:\d|node:internal|SQLITE/.test(text), `no inside shows: ${text}`)
  // Chance decides what comes here, so nothing is noted as tested.
  const asCalled = callOf(method, path.split('?', 1)[0]!)
  assert.deepEqual(asCalled && faultsOf(asCalled, answer), asCalled && [], asked)
  const value: unknown = answer.contentType.includes('json') ? JSON.parse(text) : undefined
  const { result } = (value ?? {}) as { result?: string }
  const name = [asCalled?.id ?? 'no call', status, problemOf(value), result].filter(Boolean).join(' ')
  tally.set(name, (tally.get(name) ?? 0) + 1)
  // What else is read describes the API, and names nothing that is there.
  if (status >= 300 || method === 'GET') return undefined
  const key = headers.authorization?.replace('Bearer ', '') ?? ''
  return { ...thingOf(JSON.parse(body?.replace('\ufeff', '') || '{}')), ...thingOf(value), key }
}

function disposable(value: Pool) {
  return { value, [Symbol.asyncDispose]: () => value.destroy() }
}
