// The inbox page: listens for messages, shows the newest first, counts their codes' lives down.

/** As many as the server keeps; the filter looks through these, and the newest of what it finds are shown. */
const maxKept = 1000
const maxShown = 200

const list = document.getElementById('messages')
const template = document.getElementById('message')
const empty = document.getElementById('empty')
const none = document.getElementById('none')
const state = document.getElementById('state')
const count = document.getElementById('count')
const announcer = document.getElementById('announcer')
const filter = document.getElementById('to')

/** Newest first: `{ key, data, element }`; only what is shown has an element. */
let kept = []
const keys = new Set()
let shown = []
/** Oldest first: not looked at yet. */
let arrived = []
let isScheduled = false
let unannounced = 0

document.getElementById('origin').textContent = location.origin
filter.value = (new URLSearchParams(location.search).get('to') ?? '').trim()
filter.form.addEventListener('submit', (event) => event.preventDefault())
filter.addEventListener('input', () => {
  const url = new URL(location.href)
  if (filter.value.trim() === '') url.searchParams.delete('to')
  else url.searchParams.set('to', filter.value.trim())
  history.replaceState(null, '', url)
  render()
})
listen()
setInterval(tick, 250)
// What the server holds comes at once; before that nobody can say that nothing has arrived.
setTimeout(render, 300)

function listen() {
  const events = new EventSource('/inbox/events')
  events.addEventListener('open', () => show('live', true))
  events.addEventListener('message', take)
  events.addEventListener('error', () => {
    show('reconnecting', false)
    // The browser comes back by itself, except after an answer that was no stream.
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, 2000)
  })
}

function show(text, isLive) {
  state.textContent = text
  state.classList.toggle('live', isLive)
}

function take({ lastEventId, data }) {
  arrived.push({ key: lastEventId, data: JSON.parse(data) })
  // A page in the background draws no frames.
  if (arrived.length >= 2 * maxKept) arrived = arrived.slice(-maxKept)
  if (isScheduled) return
  isScheduled = true
  requestAnimationFrame(keepArrived)
}

/** Thousands may come at once: one pass over the page a frame, in a flood two a second. */
function keepArrived() {
  const fresh = arrived.filter(({ key }) => !keys.has(key))
  arrived = []
  for (const { key } of fresh) keys.add(key)
  kept = [...fresh.reverse(), ...kept]
  for (const { key } of kept.slice(maxKept)) keys.delete(key)
  kept.length = Math.min(kept.length, maxKept)
  render()
  announce(fresh.filter(({ data }) => Date.now() - data.arrivedAt < 5000).length)
  const again = () => {
    isScheduled = arrived.length > 0
    if (isScheduled) requestAnimationFrame(keepArrived)
  }
  if (fresh.length > 20) setTimeout(again, 500)
  else again()
}

/** Brings the list in line with what is kept and wanted. What stays is not touched: focus and mails stay. */
function render() {
  const typed = filter.value.trim()
  const wanted = typed.toLowerCase().replace(/\s/g, '')
  const found = wanted === '' ? kept : kept.filter(({ data }) => data.to.toLowerCase().includes(wanted))
  const next = found.slice(0, maxShown)
  const focused = shown.find(({ element }) => element.contains(document.activeElement))
  if (focused && !next.includes(focused)) next.push(focused)

  const staying = new Set(next)
  for (const one of shown) {
    if (staying.has(one)) continue
    one.element.remove()
    one.element = undefined
  }
  let place = list.firstElementChild
  for (const one of next) {
    if (one.element === place && place) place = place.nextElementSibling
    else {
      one.element = elementOf(one.data)
      list.insertBefore(one.element, place)
    }
  }
  shown = next
  empty.hidden = kept.length > 0
  none.hidden = kept.length === 0 || found.length > 0
  document.getElementById('wanted').textContent = typed
  count.textContent =
    kept.length === 0 ? '' : wanted === '' ? `${kept.length}` : `${found.length} of ${kept.length}`
  tick()
}

/** Says what came, at most once a second. */
function announce(howMany) {
  if (howMany === 0) return
  if (unannounced === 0)
    setTimeout(() => {
      const { data } = kept[0]
      const code = data.code === null ? '' : `, code ${[...data.code].join(' ')}`
      const newest = `${nameOf(data)} to ${data.to}${code}`
      announcer.textContent =
        unannounced === 1 ? newest : `${unannounced} new messages, the newest: ${newest}`
      unannounced = 0
    }, 1000)
  unannounced += howMany
}

function elementOf(message) {
  const element = template.content.firstElementChild.cloneNode(true)
  const find = (selector) => element.querySelector(selector)
  const name = nameOf(message)
  element.classList.toggle('fresh', Date.now() - message.arrivedAt < 2000)
  find('article').setAttribute('aria-label', `${name} to ${message.to}`)
  find('use').setAttribute('href', `#${message.channel}`)
  find('.icon').classList.add(message.channel)
  find('.to').textContent = message.to
  find('.kind').textContent = `${name} · ${message.locale}`
  const at = new Date(message.arrivedAt)
  const time = find('time')
  time.dateTime = at.toISOString()
  time.title = at.toLocaleString()
  time.textContent = at.toLocaleTimeString('en-GB')
  find('.body').append(message.channel === 'email' ? mailOf(message) : bubbleOf(message))
  if (message.code === null) find('footer').remove()
  else {
    find('.digits').textContent = message.code
    const button = find('.copy')
    button.setAttribute('aria-label', `Copy code ${[...message.code].join(' ')}`)
    button.addEventListener('click', () => copy(message.code, button))
  }
  return element
}

function bubbleOf({ text, locale }) {
  const bubble = document.createElement('p')
  bubble.className = 'bubble'
  bubble.lang = locale
  bubble.textContent = text
  return bubble
}

/** A mail's HTML is shown in a frame that may do nothing: no scripts, no forms, no outside content. */
function mailOf({ id, locale, subject, text, hasHtml }) {
  const mail = document.createElement('div')
  mail.className = 'mail'
  mail.lang = locale
  const heading = document.createElement('p')
  heading.className = 'subject'
  heading.textContent = subject ?? ''
  const body = document.createElement(hasHtml ? 'iframe' : 'pre')
  if (hasHtml) {
    body.setAttribute('sandbox', '')
    body.loading = 'lazy'
    body.title = `Mail: ${subject ?? ''}`
    body.src = `/inbox/mail/${encodeURIComponent(id)}`
  } else body.textContent = text
  mail.append(heading, body)
  return mail
}

function nameOf({ channel }) {
  return channel === 'email' ? 'E-mail' : 'SMS'
}

async function copy(code, button) {
  const hint = button.querySelector('.hint')
  try {
    await navigator.clipboard.writeText(code)
    hint.textContent = 'Copied'
    announcer.textContent = `Copied ${[...code].join(' ')}`
  } catch {
    hint.textContent = 'Press Ctrl-C'
    getSelection().selectAllChildren(button.querySelector('.digits'))
  }
  setTimeout(() => {
    hint.textContent = 'Copy'
  }, 2000)
}

function tick() {
  const now = Date.now()
  for (const { data, element } of shown) {
    if (data.code === null || element.classList.contains('expired')) continue
    const left = data.expiresAt - now
    element.classList.toggle('expired', left <= 0)
    element.classList.toggle('ending', left > 0 && left < 15_000)
    element.querySelector('.left').textContent = left <= 0 ? 'expired' : `${clockOf(left)} left`
    const share = Math.max(0, Math.min(1, left / Math.max(1, data.expiresAt - data.arrivedAt)))
    element.querySelector('.rest').style.transform = `scaleX(${share})`
  }
}

/** mm:ss */
function clockOf(ms) {
  const seconds = Math.ceil(ms / 1000)
  return [Math.floor(seconds / 60), seconds % 60].map((part) => String(part).padStart(2, '0')).join(':')
}
