// The five calls of a forgotten password, each with a form of its own. The token of a step goes into the next one.

const forms = Object.fromEntries([...document.forms].map((form) => [form.id, form]))
const user = document.getElementById('user')
const shadow = document.getElementById('shadow')
const piece = document.getElementById('piece')
const slider = document.getElementById('slider')
const problem = document.getElementById('problem')

const clientType = 0
const checkType = 1
let token = ''
let slidSince = 0

on(forms.who, newPuzzle)
on(forms.puzzle, async () => {
  const pointX = Number(slider.value)
  // From the first touch, as a person slides; the keyboard's first press counts as such.
  const slideTime = Math.round(performance.now() - slidSince)
  const body = { user: user.value, clientType, checkType, token, pointX, slideTime }
  try {
    token = (await call('PUT', '/v1/usg/acs/auth/slideverifycode/check', body)).token
  } catch (refusal) {
    // Another puzzle, because this one has few tries.
    await newPuzzle()
    throw refusal
  }
  show('send')
})
on(forms.send, async () => {
  const sendMethod = new FormData(forms.send).get('method')
  const body = { user: user.value, token, sendMethod }
  const { bindPhone, bindEmail } = await call('POST', '/v1/usg/acs/verifycode/send', body)
  document.getElementById('sent').textContent = bindPhone ?? bindEmail
  show('code')
})
on(forms.code, async () => {
  const code = document.getElementById('entered').value
  token = (await call('PUT', '/v1/usg/acs/verifycode/check', { user: user.value, code })).token
  show('password')
})
on(forms.password, async () => {
  const newPwd = document.getElementById('chosen').value
  await call('PUT', '/v1/usg/acs/password/reset', { user: user.value, newPwd, passWordType: 0 }, token)
  show('done')
})

slider.addEventListener('input', () => {
  slidSince ||= performance.now()
  piece.style.left = `${slider.value}px`
})
slider.addEventListener('pointerdown', () => {
  slidSince = performance.now()
})
user.focus()

async function newPuzzle() {
  const made = await call('POST', '/v1/usg/acs/auth/slideverifycode/send', {
    user: user.value,
    clientType,
    checkType,
  })
  token = made.token
  shadow.src = made.shadowImage
  piece.src = made.cutImage
  piece.style.top = `${made.pointY}px`
  piece.style.left = '0px'
  slider.value = '0'
  slidSince = 0
  show('puzzle')
}

function on(form, act) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    problem.textContent = ''
    const button = form.querySelector('button')
    button.disabled = true
    try {
      await act()
    } catch (refusal) {
      problem.textContent = refusal.message
    }
    button.disabled = false
  })
}

function show(id) {
  for (const step of document.querySelectorAll('main > form, #done')) step.hidden = step.id !== id
  document.querySelector(`#${id} input:not([type="radio"])`)?.focus()
}

async function call(method, path, body, accessToken) {
  const answer = await fetch(path, {
    method,
    headers: {
      'Content-Type': 'application/json',
      'Accept-Language': 'en-US',
      ...(accessToken && { 'X-Access-Token': accessToken }),
    },
    body: JSON.stringify(body),
  })
  const told = await answer.json()
  if (!answer.ok) throw new Error(`${told.error_msg} (${told.error_code})`)
  return told
}
