/** The inbox page of development: messages that the sandbox carrier delivered, live, as a page and as JSON. */

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { parseAddress } from '../../address/address.ts'
import { isLoopback } from '../../network/loopback.ts'
import { isFromThisMachine } from '../this-machine.ts'
import { createInboxEvents, type InboxSource } from './inbox-events.ts'
import { isAnsweredForKey } from './inbox-key.ts'

const files = {
  '/inbox': ['page.html', 'text/html; charset=utf-8'],
  '/inbox/page.css': ['page.css', 'text/css; charset=utf-8'],
  '/inbox/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/inbox/password': ['password.html', 'text/html; charset=utf-8'],
  '/inbox/password.css': ['password.css', 'text/css; charset=utf-8'],
  '/inbox/password.js': ['password.js', 'text/javascript; charset=utf-8'],
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

/** A mail may style itself and nothing else, also when it is opened outside the page's frame. */
const mailSecurityPolicy = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
  'sandbox',
].join('; ')

const headers = {
  'content-security-policy': contentSecurityPolicy,
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/** Names of this machine. A page elsewhere whose name leads here (DNS rebinding) sends its own name. */
const isNameOfThisMachine = (host: string) => isLoopback(host.replace(/:\d+$/, ''))

/**
 * Registers the page. It shows codes, so register it only in development, and only on a listener of the loopback
 * interface. Other host names, other machines, requests through a proxy and those without the key are answered with 403.
 * - `GET /inbox?key=`: keeps the key in a cookie, and leads to the page.
 * - `GET /inbox`: the page; `?to=` fills its filter.
 * - `GET /inbox/password`: a page of the wire's calls for a forgotten password, with its puzzle to solve.
 * - `GET /inbox/messages?to=`: a JSON array of the messages to an address, newest first; of all without `to`.
 * - `GET /inbox/events`: server-sent events, see `createInboxEvents`.
 * - `GET /inbox/mail/:id`: the HTML of the mail with this message id.
 */
export async function inboxPages(
  app: FastifyInstance,
  { inbox, key }: { readonly inbox: InboxSource; readonly key: string },
): Promise<void> {
  const events = createInboxEvents(inbox)
  app.addHook('preClose', async () => events.close())

  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(headers)
    if (!isNameOfThisMachine(request.headers.host ?? ''))
      reply.code(403).type('text/plain').send('The inbox answers only under a name of this machine.\n')
    else if (!isFromThisMachine(request))
      reply.code(403).type('text/plain').send('The inbox is for this machine, and not through a proxy.\n')
    else if (!isAnsweredForKey(request, reply, key)) done()
  })

  for (const [path, [file, type]] of Object.entries(files)) {
    const content = await readFile(join(import.meta.dirname, 'inbox', file))
    app.get(path, (_request, reply) => reply.type(type).send(content))
  }

  app.get<{ Querystring: { to?: string | string[] } }>('/inbox/messages', (request, reply) => {
    const to = addressIn([request.query.to ?? ''].flat()[0]!)
    return reply.type('application/json').send(JSON.stringify(inbox.list(to === '' ? {} : { to })))
  })

  app.get<{ Params: { id: string } }>('/inbox/mail/:id', (request, reply) => {
    const html = inbox.list({}).find(({ id }) => id === request.params.id)?.html
    reply
      .type('text/html; charset=utf-8')
      .headers({ 'content-security-policy': mailSecurityPolicy, 'x-frame-options': 'SAMEORIGIN' })
    if (typeof html === 'string') return reply.send(html)
    return reply.code(404).send('<!doctype html><title>Gone</title><p>This mail is no longer kept.')
  })

  // No HEAD: it would open a stream that nobody reads.
  app.get('/inbox/events', { exposeHeadRoute: false }, (request, reply) => {
    const last = request.headers['last-event-id']
    reply.hijack()
    events.open(reply.raw, headers, typeof last === 'string' ? last : '')
  })
}

/**
 * An address that people type into a URL, in the form of the inbox. A plus in a query is read as a space, which no mailbox
 * has; of a number only the digits count.
 */
function addressIn(typed: string): string {
  const text = typed.trim()
  if (text === '') return ''
  const plain = text.includes('@') ? text.replaceAll(' ', '+') : `+${text.replace(/[^0-9]/g, '')}`
  const parsed = parseAddress(plain)
  if (parsed.kind === 'refused') return plain
  return parsed.address.kind === 'phone' ? parsed.address.e164 : parsed.address.mailbox
}
