/** A server of HTTP that answers, or fails to answer, as a test scripts it. */

import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type Asked = {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly at: number
}

export type Step =
  | { readonly status: number; readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> }
  /** The connection is reset, before an answer or in the middle of one. */
  | 'cut'
  | 'cut in the answer'
  /** Nothing comes, and the connection stays. */
  | 'silence'

export type ScriptedPeer = AsyncDisposable & {
  readonly url: string
  readonly asked: Asked[]
  /** What becomes of the next requests; when the script is at its end, of each as of the last. */
  script(...steps: (Step | ((asked: Asked) => Step))[]): void
}

export async function startScriptedPeer(): Promise<ScriptedPeer> {
  const asked: Asked[] = []
  let steps: (Step | ((asked: Asked) => Step))[] = [{ status: 200, body: {} }]
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const one = {
      method: request.method!,
      path: request.url!,
      headers: request.headers,
      body,
      at: Date.now(),
    }
    asked.push(one)
    const next = steps.length > 1 ? steps.shift()! : steps[0]!
    answer(response, typeof next === 'function' ? next(one) : next)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    script(...given) {
      steps = given
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

function answer(response: ServerResponse, step: Step): void {
  if (step === 'silence') return
  if (step === 'cut') return void response.socket!.resetAndDestroy()
  if (step === 'cut in the answer') {
    response.writeHead(200, { 'content-length': 1000 })
    response.write('{"id":')
    setTimeout(() => response.socket?.resetAndDestroy(), 10)
    return
  }
  const { status, body, headers } = step
  response.writeHead(status, { 'content-type': 'application/json', 'x-request-id': 'r-1', ...headers })
  response.end(body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body))
}

export function problem(name: string, status: number, more: Readonly<Record<string, unknown>> = {}): Step {
  const headers = more.retry_after_s === undefined ? {} : { 'retry-after': `${more.retry_after_s}` }
  return {
    status,
    headers: { 'content-type': 'application/problem+json', ...headers },
    body: { type: `https://otp.example.com/v1/problems/${name}`, title: name, status, ...more },
  }
}
