// The inbox page: listens for messages, shows the newest first, counts their codes' lives down.

const mostShown = 200
const list = document.getElementById('messages')
const template = document.getElementById('message')
const empty = document.getElementById('empty')
const state = document.getElementById('state')
const count = document.getElementById('count')
const announcer = document.getElementById('announcer')
const filter = document.getElementById('to')

/** Newest first, at most `mostShown`. */
let messages = []
let arrived = []
let isScheduled = false

document.getElementById('origin').textContent = location.origin
filter.value = new URLSearchParams(location.search).get('to') ?? ''
filter.form.addEventListener('submit', (event) => event.preventDefault())
filter.addEventListener('input', () => {
  const url = new URL(location.href)
  if (filter.value.trim() === '') url.searchParams.delete('to')
  else url.searchParams.set('to', filter.value.trim())
  history.replaceState(null, '', url)
  applyFilter()
})

const events = new EventSource('/inbox/events')
events.addEventListener('open', () => show('live', true))
events.addEventListener('error', () => show('reconnecting', false))
events.addEventListener('message', (event) => {
  arrived.push(JSON.parse(event.data))
  // Thousands may come at once: one pass over the page a frame is enough.
  if (!isScheduled) {
    isScheduled = true
    requestAnimationFrame(takeArrived)
  }
})
setInterval(tick, 250)
applyFilter()

function show(text, isLive) {
  state.textContent = text
  state.classList.toggle('live', isLive)
}

function takeArrived() {
  isScheduled = false
  const fresh = arrived.slice(-mostShown)
  arrived = []
  for (const message of fresh) {
    // After a reconnect the server may have begun anew, with lower numbers.
    if (messages.some(({ data }) => data.id === message.id)) continue
    const element = elementOf(message)
    messages.unshift({ data: message, element })
    list.prepend(element)
  }
  for (const { element } of messages.slice(mostShown)) element.remove()
  messages = messages.slice(0, mostShown)
  const last = fresh.at(-1)
  if (last && Date.now() - last.arrivedAt < 5000)
    announcer.textContent = `${nameOf(last)} to ${last.to}${last.code ? `, code ${[...last.code].join(' ')}` : ''}`
  applyFilter()
  tick()
}

function elementOf(message) {
  const element = template.content.firstElementChild.cloneNode(true)
  const find = (selector) => element.querySelector(selector)
  element.classList.toggle('fresh', Date.now() - message.arrivedAt < 2000)
  find('.channel').textContent = nameOf(message)
  find('.to').textContent = message.to
  const time = find('time')
  time.dateTime = new Date(message.arrivedAt).toISOString()
  time.textContent = new Date(message.arrivedAt).toLocaleTimeString()
  find('.body').append(message.channel === 'email' ? mailOf(message) : bubbleOf(message))
  if (message.code === null) find('footer').remove()
  else {
    find('.digits').textContent = message.code
    const button = find('.copy')
    button.setAttribute('aria-label', `Copy code ${[...message.code].join(' ')}`)
    button.addEventListener('click', () => copy(message.code, find('.hint')))
  }
  return element
}

function bubbleOf(message) {
  const bubble = document.createElement('p')
  bubble.className = 'bubble'
  bubble.lang = message.locale
  bubble.textContent = message.text
  return bubble
}

/** A mail's HTML is shown in a frame that may do nothing: no scripts, no forms, no outside content. */
function mailOf(message) {
  const mail = document.createElement('div')
  mail.className = 'mail'
  mail.lang = message.locale
  const subject = document.createElement('p')
  subject.className = 'subject'
  subject.textContent = message.subject ?? ''
  const body = document.createElement(message.html === null ? 'pre' : 'iframe')
  if (message.html === null) body.textContent = message.text
  else {
    body.setAttribute('sandbox', '')
    body.loading = 'lazy'
    body.tabIndex = -1
    body.title = `Mail: ${message.subject}`
    body.src = `/inbox/mail/${message.seq}`
  }
  mail.append(subject, body)
  return mail
}

function nameOf(message) {
  return message.channel === 'email' ? 'E-mail' : 'SMS'
}

async function copy(code, hint) {
  try {
    await navigator.clipboard.writeText(code)
    hint.textContent = 'Copied'
    announcer.textContent = `Copied ${[...code].join(' ')}`
  } catch {
    hint.textContent = 'Press Ctrl-C'
    getSelection().selectAllChildren(hint.previousElementSibling)
  }
  setTimeout(() => {
    hint.textContent = 'Copy'
  }, 2000)
}

function applyFilter() {
  const wanted = filter.value.trim().toLowerCase()
  let shown = 0
  for (const { data, element } of messages) {
    element.hidden = !data.to.toLowerCase().includes(wanted)
    if (!element.hidden) shown++
  }
  empty.hidden = messages.length > 0
  count.textContent = messages.length === 0 ? '' : wanted === '' ? `${shown}` : `${shown} of ${messages.length}`
}

function tick() {
  const now = Date.now()
  for (const { data, element } of messages) {
    if (data.code === null || element.classList.contains('expired')) continue
    const left = data.expiresAt - now
    const life = element.querySelector('.left')
    element.classList.toggle('expired', left <= 0)
    element.classList.toggle('ending', left > 0 && left < 15_000)
    const seconds = Math.ceil(left / 1000)
    life.textContent = left <= 0 ? 'expired' : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')} left`
    const share = Math.max(0, Math.min(1, left / Math.max(1, data.expiresAt - data.arrivedAt)))
    element.querySelector('.rest').style.transform = `scaleX(${share})`
  }
}
