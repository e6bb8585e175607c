// A sign-up: asks for a phone number or mailbox, sends a code, checks it. For Node 20 and newer:
// COUNTERSIGN_URL=http://127.0.0.1:8080 COUNTERSIGN_KEY=ck_test_… node sign-up.js

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { Countersign, CountersignError } from '@countersign/client'

const countersign = new Countersign({ url: process.env.COUNTERSIGN_URL, key: process.env.COUNTERSIGN_KEY })
/** What each browser is about to prove. Yours is in the session that you have already. */
const sessions = new Map()

const escaped = (text) => text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`)
const page = (say, form = '') => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Sign up</title>
<meta name="viewport" content="width=device-width"><h1>Sign up</h1><p role="status">${escaped(say)}</p>${form}`
const addressForm = `<form method="post" action="/start"><label>Phone number with + and country, or e-mail address
<input name="to" required></label> <button>Send me a code</button></form>`
const codeForm = `<form method="post" action="/check"><label>Code <input name="code" required inputmode="numeric"
autocomplete="one-time-code"></label> <button>Confirm</button></form><p><a href="/">Another address</a></p>`

async function start(session, { to }) {
  const { id, to_masked } = await countersign.verifications.start({ to, subject: session })
  sessions.set(session, { to, id })
  return page(`We sent a code to ${to_masked}.`, codeForm)
}

async function check(session, { code }) {
  const { to, id } = sessions.get(session) ?? {}
  if (id === undefined) return page('Please begin again.', addressForm)
  const { result, reason, submissions_left } = await countersign.verifications.check(id, code)
  if (result === 'verified') return page(`Welcome! ${to} is yours.`) // the place to make the account
  if (reason === 'wrong') return page(`That code is wrong. ${submissions_left} tries are left.`, codeForm)
  return page('That code is no longer good. Let us send you a new one.', addressForm)
}

/** What a person can mend is for the person; the rest is for the log. */
function explained(error) {
  if (!(error instanceof CountersignError)) throw error
  if (error.type === 'rate-limited') return `Please wait ${error.retryAfterS} seconds.`
  if (error.type.startsWith('address-')) return 'That is no address that we can reach.'
  console.error(error)
  return 'Something went wrong. Please try again.'
}

const server = createServer(async (request, response) => {
  const session = /\bsession=([\w-]+)/.exec(request.headers.cookie)?.[1] ?? randomUUID()
  const act = request.method === 'POST' && { '/start': start, '/check': check }[request.url]
  let body = ''
  for await (const chunk of request) body += chunk
  const form = Object.fromEntries(new URLSearchParams(body))
  const html = act
    ? await act(session, form).catch((error) => page(explained(error), addressForm))
    : page('', addressForm)
  const cookie = `session=${session}; HttpOnly; SameSite=Strict`
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'set-cookie': cookie }).end(html)
})
server.listen(process.env.PORT ?? 3000, '127.0.0.1', () => console.log(server.address().port))
