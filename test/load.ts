/** Callers that ask for codes all the time, over kept connections and over new ones, and keep count of every answer. */

import { Agent, request } from 'node:http'
import { newNumber, paths } from './server.ts'

export type Load = {
  /** Numbers that were answered with 200. */
  readonly accepted: string[]
  /** Any other end of a call: a status, or how the connection failed. */
  readonly others: string[]
  /** Lets the calls under way end, then stops. */
  stop(): Promise<void>
}

const callers = 8

/** @param options.keepsConnections  Default: half of the callers do, half open one for each call. */
export function startLoad(
  base: string,
  token: string,
  options: { readonly keepsConnections?: boolean } = {},
): Load {
  const accepted: string[] = []
  const others: string[] = []
  const { keepsConnections = true } = options
  const agents = [new Agent({ keepAlive: keepsConnections }), new Agent({ keepAlive: false })]
  let isStopping = false

  async function caller(agent: Agent): Promise<void> {
    while (!isStopping) {
      const contact = newNumber()
      const end = await sendTo(base, token, contact, agent)
      if (end === '200') accepted.push(contact)
      else others.push(end)
    }
  }
  const all = Promise.all(Array.from({ length: callers }, (_, i) => caller(agents[i % 2]!)))
  return {
    accepted,
    others,
    async stop() {
      isStopping = true
      await all
      for (const agent of agents) agent.destroy()
    },
  }
}

/** @returns The status, or how the connection failed. */
function sendTo(base: string, token: string, contact: string, agent: Agent): Promise<string> {
  return new Promise((resolve) => {
    const body = JSON.stringify({ contact, country: 'chinaPR' })
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(body),
      'Accept-Language': 'en-US',
      'X-Access-Token': token,
    }
    const call = request(`${base}${paths.send}`, { method: 'POST', agent, headers }, (answer) => {
      answer.resume().on('end', () => resolve(String(answer.statusCode)))
      answer.on('error', (error) => resolve(error.message))
    })
    call.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    call.end(body)
  })
}
