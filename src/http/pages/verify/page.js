/** The hosted page: asks for a number or mailbox, then for the code, and leads back to the page the person came from. */

import { createAsk } from './ask.js'
import './countersign-code.js'
import { texts } from './texts.js'

const find = (id) => document.getElementById(id)
const root = document.documentElement
const field = document.querySelector('countersign-code')
const onward = find('onward').firstElementChild
const isFramed = window.parent !== window

/** The token of the session. A start answers with another one, which knows the verification too. */
let token = decodeURIComponent(location.pathname.split('/').at(-1))
let session
let ask
/** ask: for the address · enter: the code · done: verified · gone: the session has ended · away: the server is. */
let stage
let language = root.lang.startsWith('zh') ? 'zh' : 'en'

const say = (name, values = {}) => texts[language][name].replace(/{(\w+)}/g, (_, key) => values[key] ?? '')

/** @throws `{status, …}`, the problem of the answer; status 0 if there was no answer. */
async function call(path, body) {
  const url = `/v1/public/sessions/${encodeURIComponent(token)}${path}`
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
  const ask = () =>
    fetch(url, {
      ...(body && { method: 'POST', headers, body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined)
  // A call whose answer was lost is made once more: by its key it is the same act.
  const answer = (await ask()) ?? (await ask())
  const json = await answer?.json().catch(() => ({}))
  if (answer?.ok) return json
  if (answer?.status === 404) show('gone')
  throw { ...json, status: answer?.status ?? 0 }
}

async function start(to) {
  const { token: next, verification } = await call('/start', { to, locale: root.lang })
  token = next
  // So that a reload shows the same verification.
  history.replaceState(null, '', `/verify/${encodeURIComponent(token)}`)
  return verification
}

field.transport = {
  async check(code) {
    const answer = await call('/check', { code })
    return answer.result === 'verified' ? answer : { ...answer, ...(await call('')) }
  },
  send: ({ next }) => call('/send', { channel: channelOf(field.verification, next) }),
  solve: (solution) => call('/challenge', solution),
  restart: () => start(),
}
field.addEventListener('countersign-verified', ({ detail }) => {
  onward.href = detail.return_url
  show('done')
  // A page around this one is told where to go on; only the origin of that place hears it.
  if (isFramed)
    window.parent.postMessage(
      { type: 'countersign-result', url: detail.return_url },
      new URL(detail.return_url).origin,
    )
  else location.assign(detail.return_url)
})

/** The channel that was used last, or another one. */
function channelOf({ channel, next }, isNext) {
  return isNext ? next.channels.find((one) => one !== channel) : channel
}

function show(next) {
  stage = next
  draw()
  if (stage === 'enter') field.focus()
  else if (stage !== 'ask') find('heading').focus()
}

function draw() {
  root.lang = texts[language].lang
  for (const one of document.querySelectorAll('[data-text]')) one.textContent = say(one.dataset.text)
  find('language').textContent = texts[language].other
  find('language').lang = texts[language === 'zh' ? 'en' : 'zh'].lang
  field.texts = texts[language].field
  find('ask').hidden = stage !== 'ask'
  find('enter').hidden = stage !== 'enter'
  find('onward').hidden = stage !== 'done'
  find('back').hidden = stage !== 'ask' && stage !== 'enter'
  ask?.draw(root.lang)
  find('heading').textContent = say(stage === 'ask' ? session.asks : stage)
  find('lead').textContent = lead()
  find('app').textContent = session?.app ?? ''
  document.title = [find('heading').textContent, session?.app].filter(Boolean).join(' · ')
}

function lead() {
  if (stage === 'enter') return ''
  if (stage === 'done') return say(isFramed ? 'leadDone' : 'leadLeaving')
  if (stage !== 'ask') return say(stage === 'gone' ? 'leadGone' : 'leadAway')
  if (session.asks === 'none') return say('leadTo', { to: `\u2068${session.to_masked}\u2069` })
  return say(ask.kind() === 'email' ? 'leadEmail' : 'leadPhone')
}

find('change').addEventListener('click', () => {
  show('ask')
  ask.focus()
})
find('language').addEventListener('click', () => {
  language = language === 'zh' ? 'en' : 'zh'
  draw()
})

try {
  session = await call('')
  find('back').href = session.cancel_url
  find('change').hidden = session.asks === 'none'
  ask = createAsk({
    session,
    say,
    changed: draw,
    async start(to) {
      const verification = await start(to)
      field.value = ''
      field.verification = verification
      show('enter')
    },
  })
  const { verification } = session
  if (verification === null) show('ask')
  else if (verification.state === 'used') show('gone')
  else {
    field.verification = verification
    show('enter')
  }
} catch (problem) {
  if (stage !== 'gone') show('away')
  if (problem instanceof Error) throw problem
}
