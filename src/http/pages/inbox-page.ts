/** The inbox page of development: what the sandbox carrier delivered, live, as page and as JSON. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** A message as the page and its callers get it. */
export type InboxMessage = {
  readonly seq: number
  readonly to: string
  readonly [field: string]: string | number | null
}

/** Where messages come from. */
export type InboxSource = {
  list(query: { readonly to?: string; readonly after?: number }): readonly InboxMessage[]
  subscribe(listener: (message: InboxMessage) => void): () => void
}

const files = {
  '/inbox': ['page.html', 'text/html; charset=utf-8'],
  '/inbox/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/inbox/page.js': ['page.js', 'text/javascript; charset=utf-8'],
} as const

const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  // Mails bring a style element of their own; they are shown in a frame without rights or scripts.
  "frame-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const heartbeatMs = 15_000
/** A page that does not read is cut off; it comes back and gets what it missed by Last-Event-ID. */
const mostUnreadBytes = 1_000_000
const mostListed = 200

/** Answers only requests that name this machine, so that no web page can read codes by a DNS trick. */
const loopbackHost = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/

export async function inboxPages(app: FastifyInstance, { inbox }: { inbox: InboxSource }): Promise<void> {
  const open = new Set<FastifyReply>()

  app.addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'content-security-policy': contentSecurityPolicy, 'cache-control': 'no-store' })
    if (loopbackHost.test(request.headers.host ?? '')) done()
    else reply.code(403).type('text/plain').send('The inbox is open only under the name of this machine.\n')
  })

  for (const [path, [file, type]] of Object.entries(files)) {
    const content = await readFile(join(import.meta.dirname, 'inbox', file))
    app.get(path, (_request, reply) => reply.type(type).send(content))
  }

  app.get<{ Querystring: { to?: string } }>('/inbox/messages', (request, reply) => {
    const to = addressIn(request.query.to)
    return reply.type('application/json').send(JSON.stringify(inbox.list(to === undefined ? {} : { to }).slice(0, mostListed)))
  })

  app.get<{ Params: { seq: string } }>('/inbox/mail/:seq', (request, reply) => {
    const seq = Number(request.params.seq)
    const message = inbox.list({ after: seq - 1 }).at(-1)
    if (message?.seq !== seq || typeof message.html !== 'string') return reply.code(404).type('text/plain').send('gone\n')
    return reply
      .header('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'")
      .header('x-frame-options', 'SAMEORIGIN')
      .type('text/html; charset=utf-8')
      .send(message.html)
  })

  app.get('/inbox/events', (request, reply) => {
    reply.hijack()
    const { raw } = reply
    raw.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'content-security-policy': contentSecurityPolicy,
    })
    raw.write('retry: 1000\n\n')
    const send = (message: InboxMessage) => {
      if (raw.writableLength > mostUnreadBytes) raw.destroy()
      else raw.write(`id: ${message.seq}\ndata: ${JSON.stringify(message)}\n\n`)
    }
    const last = lastSeen(request)
    for (const message of inbox.list({ after: last }).slice(0, mostListed).toReversed()) send(message)
    const unsubscribe = inbox.subscribe(send)
    const heartbeat = setInterval(() => raw.write(': alive\n\n'), heartbeatMs)
    open.add(reply)
    raw.on('close', () => {
      open.delete(reply)
      clearInterval(heartbeat)
      unsubscribe()
    })
  })

  // A stream never ends by itself; a stopping server would wait for it.
  app.addHook('preClose', async () => {
    for (const reply of open) reply.raw.end()
  })
}

/** `?to=+86…` as typed: in a query a plus means a space, and no number begins with one. */
function addressIn(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text.replace(/^ (?=\d)/, '+').trim()
}

function lastSeen(request: FastifyRequest): number {
  const id = Number(request.headers['last-event-id'])
  return Number.isSafeInteger(id) && id > 0 ? id : 0
}
