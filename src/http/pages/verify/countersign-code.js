/** <countersign-code>, the field for a one-time code: docs/api/hosted-page.md. As a worker it solves proofs of work. */

const english = {
  label: 'Enter the code sent to {to}',
  you: 'you',
  short: 'Enter all {n} characters of the code.',
  verify: 'Verify',
  wrong: 'That code is not right.',
  left: 'Tries left: {n}.',
  life: 'The code is valid for {t}',
  expired: 'This code has expired.',
  ended: 'This code can no longer be used.',
  again: 'Send again',
  wait: 'Send again in {t}',
  sms: 'Text me instead',
  voice: 'Call me instead',
  email: 'E-mail me instead',
  whatsapp: 'Use WhatsApp instead',
  restart: 'Get a new code',
  sent: 'A message is on its way.',
  held: 'A short check before we send. It takes a few seconds.',
  used: 'Verified',
  limited: 'Too many tries. Wait {t}.',
  away: 'No answer. Try again.',
}

const css = `countersign-code{display:block;--e:var(--countersign-error,light-dark(#b3261e,#ffb4ab))}
countersign-code [hidden]{display:none!important}
.cs-label{display:block;margin-bottom:.7em}
.cs-field{position:relative;direction:ltr}
.cs-cells{display:flex;gap:min(.5em,1.6vw)}
.cs-cells span{flex:0 1 2.1em;min-width:0;height:2.2em;display:grid;place-items:center;border:1px solid var(--countersign-line,light-dark(#77828f,#8a97a6));border-radius:.4em;font:600 1.5em ui-monospace,monospace}
.cs-on{outline:2px solid var(--countersign-accent,light-dark(#0f7b6c,#3fc1ad))}
[aria-invalid]+.cs-cells{--countersign-line:var(--e);--countersign-accent:var(--e)}
.cs-input{position:absolute;inset:0;z-index:1;width:100%;padding:0;border:0;outline:0;background:0 0!important;font-size:16px;-webkit-text-fill-color:#0000;caret-color:#0000;forced-color-adjust:none;transition:background 9999s}
.cs-input::selection{background:0 0}
:read-only+.cs-cells{opacity:.6}
.bad{color:var(--e)}`

const workerName = 'countersign-proof-of-work'
const sheet = globalThis.document && new CSSStyleSheet()
sheet?.replaceSync(css)
let made = 0

const make = (tag, name, given, ...children) => {
  const element = Object.assign(document.createElement(tag), { className: name ? `cs-${name}` : '' }, given)
  element.append(...children)
  return element
}
const put = (element, text) => {
  element.hidden = !text
  if (element.textContent !== text) element.textContent = text
}
const clock = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`

/** The number whose SHA-256 after the salt is the challenge (ALTCHA); undefined if there is none. */
async function solve({ salt, challenge, max }) {
  const encoder = new TextEncoder()
  const isIt = (digest) =>
    [0, 8].every(
      (at) => new DataView(digest).getUint32(at / 2) === Number(`0x${challenge.slice(at, at + 8)}`),
    )
  for (let from = 0; from <= max; from += 1024) {
    const digests = Array.from({ length: 1024 }, (_, i) =>
      crypto.subtle.digest('SHA-256', encoder.encode(salt + (from + i))),
    )
    const found = (await Promise.all(digests)).findIndex(isIt)
    if (found >= 0) return from + found
    await new Promise((paint) => setTimeout(paint))
  }
}

/** In a worker; where the page may not start one, between its other work. */
const solveAside = (challenge) =>
  new Promise((resolve) => {
    const here = () => resolve(solve(challenge))
    try {
      const worker = new Worker(import.meta.url, { type: 'module', name: workerName })
      worker.onmessage = ({ data }) => resolve(data)
      worker.onerror = here
      worker.postMessage(challenge)
    } catch {
      here()
    }
  })

/** The calls below a URL. @throws The problem that a call was answered with. */
function callsAt(src, secret) {
  const post = async (path, body) => {
    const answer = await fetch(`${src}/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const json = await answer.json()
    if (answer.ok) return json
    throw json
  }
  return secret
    ? { check: (code) => post('check', { code, secret }) }
    : {
        check: (code) => post('check', { code }),
        send: (wish) => post('send', wish),
        solve: (solution) => post('challenge', solution),
      }
}

export class CountersignCode extends (globalThis.HTMLElement ?? Object) {
  transport
  texts = {}
  #parts
  #view = { state: 'live' }
  #ends
  #sendsAt
  #reading
  #timer
  #isBusy

  get verification() {
    return this.#view
  }
  set verification(given) {
    const view = { ...this.#view, ...given }
    const now = Date.now()
    this.#view = view
    this.#ends = view.expires_in_s ? now + view.expires_in_s * 1000 : Date.parse(view.expires_at)
    this.#sendsAt = now + view.next?.send_after_s * 1000
    if (!this.#parts) return
    this.#say(view.state === 'live' ? '' : view.state in english ? view.state : 'ended')
    this.#draw()
    if (view.state === 'held') this.#unhold()
    if (this.#isOpen) this.#readMessage()
  }

  get value() {
    return this.#parts.input.value
  }
  set value(text) {
    const typed = text.normalize('NFKC').toUpperCase()
    const folded = this.#isCrockford
      ? typed
          .replace(/O/g, 0)
          .replace(/[IL]/g, 1)
          .replace(/[^0-9A-HJKMNP-TV-Z]/g, '')
      : typed.replace(/\P{Nd}/gu, '')
    this.#parts.input.value = folded.slice(0, this.#view.code_length)
    this.#draw()
  }

  connectedCallback() {
    const root = this.getRootNode()
    root.adoptedStyleSheets = [...new Set([...root.adoptedStyleSheets, sheet])]
    if (!this.#parts) this.#build()
    this.verification = {}
    this.#timer = setInterval(() => this.#draw(), 500)
  }

  disconnectedCallback() {
    clearInterval(this.#timer)
    this.#reading?.abort()
  }

  focus() {
    this.#parts.input.focus()
  }

  accept(answer) {
    this.verification = { state: 'used' }
    this.#tell('verified', answer)
  }

  refuse(answer = {}) {
    const { reason = 'wrong', submissions_left: n, verification } = answer
    this.verification = verification ?? { state: n === 0 ? 'spent' : reason === 'wrong' ? 'live' : reason }
    if (this.#isOpen) {
      this.#say('wrong', {}, n ? ` ${this.#text('left', { n })}` : '')
      this.#parts.input.select()
    }
    this.#tell('refused', answer)
  }

  async submit() {
    const code = this.value
    if (!this.#isOpen) return
    if (code.length < this.#view.code_length) return this.#say('short', { n: this.#view.code_length })
    this.#reading?.abort()
    if (!this.#calls) return this.#tell('submit', { code })
    const answer = await this.#ask((calls) => calls.check(code))
    if (answer) this[answer.result === 'verified' ? 'accept' : 'refuse'](answer)
  }

  get #isCrockford() {
    return this.#view.alphabet === 'crockford'
  }
  get #isOpen() {
    return this.#view.state === 'live'
  }
  get #calls() {
    const src = this.getAttribute('src')
    return this.transport ?? (src && callsAt(src, this.getAttribute('secret')))
  }

  #text(name, values) {
    return (this.texts[name] ?? english[name]).replace(/{(\w{1,30})}/g, (_, key) => values[key])
  }

  #build() {
    const id = `countersign-code-${++made}`
    const [length, alphabet, to, name] = ['length', 'alphabet', 'to', 'name'].map((one) =>
      this.getAttribute(one),
    )
    this.#view = { code_length: length ?? 6, alphabet, to_masked: to, ...this.#view }
    const outer = this.closest('form')
    const message = make('p', 'message', { id: `${id}-message`, role: 'alert' })
    const life = make('p', 'life', { id: `${id}-life` })
    const input = make('input', 'input', { id, autocomplete: 'one-time-code', spellcheck: false })
    input.setAttribute('aria-describedby', `${message.id} ${life.id}`)
    input.name = name ?? ''
    const label = make('label', 'label', { htmlFor: id })
    const cells = make('div', 'cells', { ariaHidden: 'true' })
    const field = make('div', 'field', {}, input, cells)
    const go = make('button', 'go')
    const again = make('button', 'again', { type: 'button' })
    const next = make('button', 'next', { type: 'button' })
    const more = make('div', 'more', {}, again, next)
    this.#parts = { input, label, cells, field, message, life, go, again, next, more }
    this.append(make(outer ? 'div' : 'form', 'all', {}, label, field, message, life, go, more))
    input.form.addEventListener('submit', (event) => {
      if (outer && !this.#calls) return
      event.preventDefault()
      this.submit()
    })
    input.oninput = ({ isComposing }) => isComposing || this.#typed(input.value)
    input.addEventListener('compositionend', () => this.#typed(input.value))
    // Before maxlength cuts off what blanks make too long.
    input.onpaste = (event) => {
      event.preventDefault()
      if (this.#isOpen) this.#typed(event.clipboardData.getData('text'))
    }
    input.onclick = () => input.setSelectionRange(99, 99)
    input.onfocus = input.onblur = input.onkeyup = input.onselect = () => this.#draw()
    again.onclick = () => {
      if (this.#isOpen) return this.#renew((calls) => calls.send({}))
      this.value = ''
      this.#calls?.restart ? this.#renew((calls) => calls.restart()) : this.#tell('restart')
    }
    next.onclick = () => this.#renew((calls) => calls.send({ next: true }))
  }

  #typed(text) {
    this.#say('')
    this.value = text
    if (this.hasAttribute('auto-submit') && this.value.length === this.#view.code_length)
      this.#parts.input.form.requestSubmit()
  }

  #draw() {
    const { input, label, cells, field, life, go, again, next, more } = this.#parts
    const { state, to_masked: to, code_length: n, channel, sent_by: last = channel, next: plan } = this.#view
    const [isOpen, isCrockford] = [state === 'live', this.#isCrockford]
    const left = Math.ceil((this.#ends - Date.now()) / 1000)
    if (isOpen && left <= 0) {
      this.verification = { state: 'expired' }
      return this.#tell('expired')
    }
    Object.assign(input, { maxLength: n, readOnly: !isOpen, inputMode: isCrockford ? 'text' : 'numeric' })
    input.pattern = `${isCrockford ? '\\w' : '\\p{Nd}'}{${n}}`
    const { value, selectionStart, selectionEnd } = input
    const at = Math.min(selectionStart, n - 1)
    const isFocused = isOpen && input.matches(':focus')
    cells.replaceChildren(
      ...Array.from({ length: n }, (_, i) => {
        const isOn = isFocused && i >= at && i < Math.max(selectionEnd, at + 1)
        return make('span', isOn && 'on', { textContent: value[i] ?? '' })
      }),
    )
    put(label, this.#text('label', { to: to ? `\u2068${to}\u2069` : this.#text('you') }))
    label.hidden = field.hidden = state === 'held'
    put(life, isOpen && left ? this.#text('life', { t: clock(left) }) : '')
    put(go, isOpen && this.#text('verify'))
    const hasEnded = !/live|held|used/.test(state)
    const wait = Math.ceil((this.#sendsAt - Date.now()) / 1000)
    const isWaiting = !hasEnded && wait > 0
    const other = plan?.channels?.find((one) => one !== last)
    more.hidden = !hasEnded && !(isOpen && this.#calls?.send)
    put(again, this.#text(hasEnded ? 'restart' : isWaiting ? 'wait' : 'again', { t: clock(wait) }))
    put(next, isOpen && !isWaiting && other && this.#text(other))
    go.disabled = next.disabled = this.#isBusy
    again.disabled = this.#isBusy || isWaiting
  }

  async #unhold() {
    const { max, ...pow } = this.#view.challenge?.kinds.find(({ kind }) => kind === 'pow') ?? {}
    if (!max) return
    pow.number = await solveAside({ ...pow, max })
    await this.#renew((calls) => calls.solve({ solution: btoa(JSON.stringify(pow)) }))
  }

  /** The browser reads the code out of the text message, where it can and the person agrees. */
  #readMessage() {
    this.#reading?.abort()
    this.#reading = new AbortController()
    if (globalThis.OTPCredential)
      navigator.credentials
        .get({ otp: { transport: ['sms'] }, signal: this.#reading.signal })
        .then(({ code }) => this.#typed(code))
        .catch(() => {})
  }

  /** A call that has a message sent, and answers with the verification. */
  async #renew(call) {
    const view = await this.#ask(call)
    if (!view) return
    this.verification = view
    if (this.#isOpen) this.#say('sent')
    this.focus()
    this.#tell('sent', view)
  }

  /** One call at a time. @returns undefined if it failed, which is shown. */
  async #ask(call) {
    if (this.#isBusy) return
    this.#isBusy = true
    this.#say('')
    this.#draw()
    try {
      return await call(this.#calls)
    } catch (problem) {
      const t = problem.retry_after_s
      if (t) this.#sendsAt = Date.now() + t * 1000
      this.#say(t ? 'limited' : 'away', { t: clock(t) })
      this.#tell('error', problem)
    } finally {
      this.#isBusy = false
      this.#draw()
    }
  }

  #say(name, values, more = '') {
    const { message, input } = this.#parts
    message.classList.toggle('bad', !/sent|held|used/.test(name))
    put(message, name && this.#text(name, values) + more)
    input.ariaInvalid = /wrong|short/.test(name) || null
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(`countersign-${name}`, { bubbles: true, detail }))
  }
}

if (globalThis.name === workerName)
  globalThis.onmessage = async ({ data }) => {
    postMessage(await solve(data))
    close()
  }
else globalThis.customElements?.define('countersign-code', CountersignCode)
