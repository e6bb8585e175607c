/** A line between the client and a server of a test: it loses answers, and brings the client's own code to a browser. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export type ClientLine = AsyncDisposable & {
  /** As the server, without a fault. */
  readonly url: string
  /** Of each call the answer to the first try is lost on its way back; the second try meets a server in trouble. */
  readonly lossyUrl: string
  /** Tries of calls over the lossy line, and how many of them reached the server. */
  readonly tries: { readonly made: number; readonly arrived: number }
}

/** @param files  By path, such as `/client/index.js`: its type and text. */
export async function startClientLine(
  target: string,
  files: Readonly<Record<string, { readonly type: string; readonly text: string }>> = {},
): Promise<ClientLine> {
  const lossy = '/lossy'
  const triesOf = new Map<string, number>()
  const tries = { made: 0, arrived: 0 }
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const path = request.url!
    const file = files[path]
    if (file) return void response.writeHead(200, { 'content-type': file.type }).end(file.text)
    const isLossy = path.startsWith(`${lossy}/`)
    const name = `${request.method} ${path} ${request.headers['idempotency-key'] ?? ''}`
    const number = isLossy ? (triesOf.get(name) ?? 0) + 1 : 0
    triesOf.set(name, number)
    if (isLossy) tries.made++
    if (number === 2) return void response.writeHead(503, { 'retry-after': '0' }).end('in trouble')
    if (isLossy) tries.arrived++
    try {
      const answer = await forward(request, isLossy ? path.slice(lossy.length) : path, Buffer.concat(chunks))
      if (number === 1) response.socket?.resetAndDestroy()
      else await pass(answer, response)
    } catch {
      response.socket?.destroy()
    }
  })

  function forward(request: IncomingMessage, path: string, body: Buffer): Promise<Response> {
    const names = ['authorization', 'content-type', 'idempotency-key', 'countersign-version', 'accept']
    const headers = names.flatMap((name) => {
      const value = request.headers[name]
      return typeof value === 'string' ? [[name, value] as [string, string]] : []
    })
    const withBody = body.length > 0 && { body: new Uint8Array(body) }
    return fetch(`${target}${path}`, { method: request.method!, headers, ...withBody })
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    lossyUrl: `${url}${lossy}`,
    tries,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
}

async function pass(answer: Response, response: ServerResponse): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer())
  const headers = Object.fromEntries(
    [...answer.headers].filter(
      ([name]) => !/^(connection|keep-alive|transfer-encoding|content-length)$/.test(name),
    ),
  )
  response.writeHead(answer.status, headers).end(body)
}
