/** People who use an installation in earnest, and some who abuse it, while things fail; each call is kept. */

import { Agent, request } from 'node:http'
import type { Acquired } from '../scripted-carrier.ts'
import { appLogin, newNumber, paths, type Server } from '../server.ts'
import type { Act, Call, End, Holder } from './history.ts'

export type Installation = {
  /** Where each process listens; the same after a restart. */
  readonly urls: readonly string[]
  readonly app: Server['app']
  /** What the carrier took, in order. */
  readonly taken: readonly Acquired[]
  readonly lifetimeMs: number
}

export type People = {
  readonly calls: readonly Call[]
  /** Ends what each is about, then stops. */
  stop(): Promise<void>
  /** Everyone who took part, with the contact that they read from the server. */
  holders(): Promise<Holder[]>
}

type Person = { readonly member: string; readonly token: string }
type Answer = { readonly status: number; readonly word: string; readonly retryAfter: string | undefined }

/** Refusals that mean that the code was right, or that the caller must wait. */
const endOfWord: Readonly<Record<string, End>> = {
  'USG.206030001': 'wrong',
  'USG.206010065': 'matched',
  'USG.201040042': 'matched',
  'USG.206030019': 'throttled',
  'USG.206030004': 'throttled',
  'USG.206060008': 'throttled',
}
const verbs = {
  send: ['POST', paths.send],
  verify: ['POST', paths.verify],
  change: ['PUT', paths.contact],
} as const
/** Far beyond any promise: whoever waits so long is not answered. */
const patienceMs = 10_000
/** A send that was not accepted may have been done all the same. */
const hopeMs = 300
const arrivalMs = 10_000
/** A process remembers for less than a second who a member is. */
const newsMs = 1_000
let installations = 0

/** @param gapMs  The least time between two issues to one address, by the installation's settings. */
export async function startPeople(installation: Installation, gapMs: number): Promise<People> {
  const { urls, app, taken, lifetimeMs } = installation
  const name = `i${++installations}`
  const agents = urls.map(() => new Agent({ keepAlive: true, maxSockets: 64 }))
  const calls: Call[] = []
  const everyone: Person[] = []
  let isOn = true
  let lastRequest = 0
  let turn = 0

  const nextProcess = () => turn++ % urls.length
  const newRequest = () => `${name}-${++lastRequest}`

  /** @throws Error if there is no answer. */
  function ask(
    process: number,
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: object,
  ): Promise<Answer & { text: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(
        `${urls[process]}${path}`,
        {
          method,
          agent: agents[process]!,
          headers: { ...headers, ...(body && { 'Content-Type': 'application/json' }) },
          timeout: patienceMs,
        },
        (answer) => {
          let text = ''
          answer.setEncoding('utf8').on('data', (chunk) => {
            text += chunk
          })
          answer.on('error', reject).on('end', () =>
            resolve({
              status: answer.statusCode!,
              word: /"error_code":"([^"]+)"/.exec(text)?.[1] ?? '',
              retryAfter: answer.headers['retry-after'],
              text,
            }),
          )
        },
      )
      asked.on('timeout', () => asked.destroy(new Error('no answer')))
      asked.on('error', reject).end(body && JSON.stringify(body))
    })
  }

  /** @returns The call as it ended; undefined if nobody listened, so that it was never made. */
  async function call(
    act: Act,
    { member, token }: Person,
    address: string,
    more: {
      readonly code?: string
      readonly consumes?: boolean
      readonly process?: number
      readonly request?: string
      readonly headers?: Record<string, string>
    } = {},
  ): Promise<Call | undefined> {
    const { code = '', consumes = act === 'change', process = nextProcess(), request = newRequest() } = more
    const [method, path] = verbs[act]
    const body = { contact: address, country: 'chinaPR', ...(code && { verificationCode: code }) }
    const headers = { 'X-Access-Token': token, 'X-Request-Id': request, 'Accept-Language': 'en-US' }
    const startedAt = performance.now()
    const outcome = await ask(process, method, path, { ...headers, ...more.headers }, body).then(
      (answer) => ({ end: endOf(answer), word: `${answer.status} ${answer.word}`.trim() }),
      (error: NodeJS.ErrnoException): { end: End; word: string } => ({
        end: 'lost',
        word: error.code ?? error.message,
      }),
    )
    const endedAt = performance.now()
    if (outcome.word === 'ECONNREFUSED') {
      await pause(50)
      return undefined
    }
    const made = { act, process, member, address, code, consumes, request, startedAt, endedAt, ...outcome }
    calls.push(made)
    return made
  }

  /** Waits so long, or until all is to end. */
  async function rest(ms: number): Promise<void> {
    for (const end = performance.now() + ms; isOn && performance.now() < end; ) await pause(20)
  }

  /** Logs a new member in, trying until it is done. */
  async function join(kind: string): Promise<Person | undefined> {
    const member = `${name}-${kind}-${everyone.length}-${++lastRequest}`
    while (isOn) {
      const { headers, body } = appLogin(app, { userId: member })
      const answer = await ask(nextProcess(), 'POST', paths.appLogin, headers, body).catch(() => undefined)
      if (answer?.status === 200) {
        const person = { member, token: (JSON.parse(answer.text) as { accessToken: string }).accessToken }
        everyone.push(person)
        return person
      }
      await pause(100)
    }
    return undefined
  }

  /** Asks for a code and waits for it. */
  async function codeFor(
    person: Person,
    address: string,
    headers: Record<string, string> = {},
  ): Promise<string | undefined> {
    const before = taken.length
    const sent = await call('send', person, address, { headers })
    if (!sent || sent.end === 'throttled') return undefined
    const waitMs = sent.end === 'done' ? arrivalMs : hopeMs
    for (const end = performance.now() + waitMs; isOn && performance.now() < end; await pause(15)) {
      const code = taken.slice(before).find(({ to }) => to === address)?.code
      if (code) return code
    }
    return undefined
  }

  /** A last call with a code that may have been used: made until it is answered. */
  async function once(make: () => Promise<Call | undefined>): Promise<void> {
    for (let tries = 0; tries < 40; tries++) {
      await pause(50)
      const ended = await make()
      if (ended && ended.end !== 'unavailable' && ended.end !== 'lost') return
    }
  }

  /** Asks for codes for ever new numbers. */
  async function sender(person: Person): Promise<void> {
    await call('send', person, newNumber())
    await pause(30)
  }

  /** Asks again and again for one number, two at a time, for as many codes as anyone gets. */
  async function repeater(person: Person): Promise<void> {
    const address = newNumber()
    const send = () => call('send', person, address)
    for (let accepted = 0; isOn && accepted < 5; await pause(60))
      for (const made of await Promise.all([send(), send()])) if (made?.end === 'done') accepted++
  }

  /** Guesses at once, and goes on guessing at one number. */
  async function guesser(): Promise<void> {
    const person = await join('guesser')
    if (!person) return
    const address = newNumber()
    if (!(await codeFor(person, address))) return
    const guess = () => call('verify', person, address, { code: '000000' })
    // The limiters are there when the many come: nothing but a lock keeps these apart.
    for (let nth = 0; nth < 2; nth++) await guess()
    await Promise.all(Array.from({ length: 8 }, guess))
    for (let nth = 0; isOn && nth < 10; nth++) {
      await guess()
      await pause(150)
    }
  }

  /** Five calls with one right code, one of them a stranger's: all that a minute allows. */
  async function racer(stranger: Person): Promise<void> {
    const person = await join('racer')
    if (!person) return
    const address = newNumber()
    const code = await codeFor(person, address)
    if (!code) return
    const change = (process: number) => call('change', person, address, { code, process })
    await Promise.all([
      ...urls.map((_, process) => change(process)),
      ...(urls.length < 2 ? [change(0)] : []),
      call('change', stranger, address, { code }),
    ])
    await once(() => change(nextProcess()))
  }

  /** Enters a right code when its life has just ended. */
  async function latecomer(): Promise<void> {
    const person = await join('latecomer')
    if (!person) return
    const address = newNumber()
    const code = await codeFor(person, address)
    await rest(lifetimeMs + 100)
    if (code && isOn) await call('change', person, address, { code })
  }

  /** Stores a contact and proves it: the call that uses a code without changing anything. */
  async function prover(): Promise<void> {
    const person = await join('prover')
    if (!person) return
    const address = newNumber()
    const first = await codeFor(person, address)
    if (!first || (await call('change', person, address, { code: first }))?.end !== 'done') return
    await rest(Math.max(gapMs, newsMs) + 100)
    const code = isOn && (await codeFor(person, address))
    if (!code) return
    const verify = (more = {}) => call('verify', person, address, { code, consumes: true, ...more })
    // The first two are one call, made twice.
    const request = newRequest()
    await Promise.all([verify({ request }), verify({ request }), verify()])
    await once(verify)
  }

  /** Names another member in a header that nothing documents, and changes a contact: its own, at most. */
  async function thief(victim: Person): Promise<void> {
    const person = await join('thief')
    if (!person) return
    const headers = { 'X-User-Id': victim.member }
    const address = newNumber()
    const code = await codeFor(person, address, headers)
    if (code) await call('change', person, address, { code, headers })
    await pause(200)
  }

  async function forAsLong(act: () => Promise<void>): Promise<void> {
    while (isOn) {
      await act()
      await pause(10)
    }
  }

  const several = (count: number, act: () => Promise<void>) =>
    Array.from({ length: count }, () => forAsLong(act))
  const newcomers = await Promise.all(Array.from({ length: 7 }, () => join('regular')))
  const regulars = newcomers.map((one) => one!)
  // One without a contact, for one who has a contact must prove it first; and one who has.
  const [victim, stranger] = [regulars[0]!, regulars[1]!]
  const contact = newNumber()
  const code = await codeFor(stranger, contact)
  if (!code || (await call('change', stranger, contact, { code }))?.end !== 'done')
    throw new Error('the installation did not work before anything failed')
  const all = Promise.all([
    ...regulars.slice(2, 5).map((one) => forAsLong(() => sender(one))),
    ...regulars.slice(5, 7).map((one) => forAsLong(() => repeater(one))),
    ...several(3, guesser),
    ...several(2, () => racer(stranger)),
    ...several(3, prover),
    ...several(3, latecomer),
    ...several(1, () => thief(victim)),
  ])

  return {
    calls,
    async stop() {
      isOn = false
      await all
    },
    async holders() {
      await pause(Math.max(0, calls.at(-1)!.endedAt + newsMs - performance.now()))
      const found = await Promise.all(
        everyone.map(async ({ member, token }) => ({ member, before: null, after: await contactOf(token) })),
      )
      for (const agent of agents) agent.destroy()
      return found
    },
  }

  async function contactOf(token: string): Promise<string | null> {
    for (let tries = 0; ; tries++) {
      const answer = await ask(nextProcess(), 'GET', paths.member, { 'X-Access-Token': token }).catch(
        () => undefined,
      )
      if (answer?.status === 200) return (JSON.parse(answer.text) as { phone: string | null }).phone
      if (tries > 200) throw new Error(`a member is not told its own data: ${answer?.status} ${answer?.word}`)
      await pause(50)
    }
  }
}

function endOf({ status, word, retryAfter }: Answer): End {
  if (status === 200) return 'done'
  if (status === 500 && word === 'USG.000000001' && retryAfter !== undefined) return 'unavailable'
  return endOfWord[word] ?? 'strange'
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
