/** The form that asks for a phone number or mailbox, with the help that the server's list of countries gives. */

const find = (id) => document.getElementById(id)
const form = find('ask')
const [kinds, phone, email] = ['kinds', 'phone', 'email'].map(find)
const [region, number, mailbox] = ['region', 'number', 'mailbox'].map(find)
const [problem, suggestion, callingCode] = ['problem', 'suggestion', 'calling-code'].map(find)
const button = form.querySelector('[type=submit]')

/**
 * @param session  Its `asks`, and its `regions`: pairs of a region and its calling code.
 * @param say  The text of a name, in the language of the page.
 * @param start  Starts a verification of the address; undefined: of the one that the session has. Throws a problem.
 * @param changed  Called after the person chose another kind of address.
 */
export function createAsk({ session, say, start, changed }) {
  let refusal

  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    if (button.disabled) return
    button.disabled = true
    show(undefined)
    try {
      await start(session.asks === 'none' ? undefined : typed())
    } catch (thrown) {
      show(thrown)
      focus()
    } finally {
      button.disabled = false
    }
  })
  kinds.addEventListener('change', () => {
    show(undefined)
    changed()
  })
  region.addEventListener('change', drawCallingCode)
  number.addEventListener('input', () => {
    const code = typedCallingCode()
    if (code === undefined || code === chosen()) return
    region.value = session.regions.find(([, one]) => one === code)[0]
    drawCallingCode()
  })
  suggestion.addEventListener('click', () => {
    const field = kind() === 'email' ? mailbox : number
    field.value = refusal.suggestion
    form.requestSubmit()
  })

  /** `phone`, `email`, or `none` if the session has an address. */
  function kind() {
    return session.asks === 'either' ? form.elements.kind.value : session.asks
  }

  function draw(language) {
    kinds.hidden = session.asks !== 'either'
    phone.hidden = kind() !== 'phone'
    email.hidden = kind() !== 'email'
    const names = new Intl.DisplayNames([language], { type: 'region' })
    const before = region.value || likely()
    region.replaceChildren(
      ...session.regions
        .map(([one, code]) => ({ one, code, name: names.of(one) }))
        .sort((a, b) => a.name.localeCompare(b.name, language))
        .map(({ one, code, name }) => new Option(`${name} (+${code})`, one)),
    )
    region.value = before
    if (region.selectedIndex < 0) region.selectedIndex = 0
    drawCallingCode()
    show(refusal)
  }

  /** The region of the browser's language, as far as the person's own is not known. */
  function likely() {
    return new Intl.Locale(navigator.language).maximize().region
  }

  function chosen() {
    return session.regions.find(([one]) => one === region.value)?.[1] ?? ''
  }

  function drawCallingCode() {
    callingCode.textContent = typedCallingCode() === undefined ? `+${chosen()}` : ''
  }

  /** Of a number with its calling code, as people paste it. */
  function typedCallingCode() {
    const [, digits] = /^\s*(?:\+|00)\s*(\d{1,4})/.exec(number.value.normalize('NFKC')) ?? []
    return session.regions
      .map(([, code]) => code)
      .filter((code) => digits?.startsWith(code))
      .sort((a, b) => b.length - a.length)[0]
  }

  function typed() {
    if (kind() === 'email') return mailbox.value.trim()
    const text = number.value.normalize('NFKC').trim()
    const digits = text.replace(/\D/g, '')
    if (text.startsWith('+')) return `+${digits}`
    return text.startsWith('00') ? `+${digits.slice(2)}` : `+${chosen()}${digits}`
  }

  function show(thrown) {
    refusal = thrown
    const { type = '', retry_after_s: wait } = refusal ?? {}
    const name = type.slice(type.lastIndexOf('/') + 1)
    problem.hidden = !refusal
    problem.textContent = refusal ? sentence(name, wait) : ''
    suggestion.hidden = !refusal?.suggestion
    suggestion.textContent = refusal?.suggestion
      ? say('suggestion', { to: `\u2068${refusal.suggestion}\u2069` })
      : ''
    for (const input of [number, mailbox])
      if (name.startsWith('address-')) input.setAttribute('aria-invalid', 'true')
      else input.removeAttribute('aria-invalid')
  }

  function sentence(name, wait) {
    if (name === 'address-invalid') return say(kind() === 'email' ? 'invalidEmail' : 'invalidPhone')
    if (name === 'address-unreachable') return say('unreachable')
    if (refusal.status !== 429) return say('noAnswer')
    if (wait === undefined) return say('refused')
    return say('limited', { t: `${Math.floor(wait / 60)}:${String(wait % 60).padStart(2, '0')}` })
  }

  function focus() {
    ;({ phone: number, email: mailbox })[kind()]?.focus()
  }

  return { draw, focus, kind }
}
