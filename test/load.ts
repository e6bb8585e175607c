/** Callers that ask for codes all the time, over kept connections and over new ones, and keep count of every answer. */

import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { newNumber, paths } from './server.ts'

export type Load = AsyncDisposable & {
  /** Numbers that were answered with 200. */
  readonly accepted: string[]
  /** Any other end of a call: a status, or how the connection failed. */
  readonly others: string[]
  /** Lets the calls under way end, then stops. */
  stop(): Promise<void>
}

const callers = 8
/** After each call. Callers that never rest would keep a small machine from what the test waits for, such as a start. */
const restMs = 10
/** After a call that found nobody: until the load is stopped there may be nobody for long. */
const failedRestMs = 50

/**
 * Ends with the block it is in, so that a test that fails leaves no callers behind.
 * @param options.keepsConnections  Default: half of the callers do, half open one for each call.
 */
export function startLoad(
  base: string,
  token: string,
  options: { readonly keepsConnections?: boolean } = {},
): Load {
  const accepted: string[] = []
  const others: string[] = []
  const { keepsConnections = true } = options
  // Each has one connection, which so is never idle for longer than its rest: of a pool's, one could wait
  // for the time of a whole drain and then be taken in the moment in which the server closes it.
  const agents = Array.from(
    { length: callers },
    (_, i) => new Agent({ keepAlive: keepsConnections && i % 2 === 0, maxSockets: 1 }),
  )
  let isStopping = false
  const cut = new AbortController()

  async function caller(agent: Agent): Promise<void> {
    while (!isStopping) {
      const contact = newNumber()
      const end = await sendTo({ base, token, contact, agent, signal: cut.signal })
      if (end === '200') accepted.push(contact)
      else others.push(end)
      await sleep(end === '200' ? restMs : failedRestMs)
    }
  }
  const all = Promise.all(agents.map(caller))
  const stop = async () => {
    isStopping = true
    await all
    for (const agent of agents) agent.destroy()
  }
  return {
    accepted,
    others,
    stop,
    async [Symbol.asyncDispose]() {
      // After a failure nobody needs to know how the calls under way would end, nor whether.
      cut.abort()
      await stop()
    },
  }
}

type Sending = {
  readonly base: string
  readonly token: string
  readonly contact: string
  readonly agent: Agent
  readonly signal: AbortSignal
}

/** @returns The status, or how the connection failed. */
function sendTo({ base, token, contact, agent, signal }: Sending): Promise<string> {
  return new Promise((resolve) => {
    const body = JSON.stringify({ contact, country: 'chinaPR' })
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'Accept-Language': 'en-US',
      'X-Access-Token': token,
    }
    const call = request(`${base}${paths.send}`, { method: 'POST', agent, headers, signal }, (answer) => {
      answer.resume().on('end', () => resolve(String(answer.statusCode)))
      answer.on('error', (error) => resolve(error.message))
    })
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    call.end(body)
  })
}
