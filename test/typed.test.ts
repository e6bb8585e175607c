/** What people type and paste, over HTTP: numbers, mailboxes, codes and languages in all their forms. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { bin, newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'

const run = promisify(execFile)
const folder = temporaryFolder()
const config = join(folder, 'settings.yaml')
const templates = join(folder, 'templates')
let server: Server

before(async () => {
  mkdirSync(templates)
  writeFileSync(
    join(templates, 'code.en-US.sms.txt'),
    '{{ code }} is your code.\n\nFA+9qC12345\n@example.com #{{ code }}\n',
  )
  writeFileSync(
    config,
    `limits: none
numbers: { allow: ['+86149', '+1436'], refuse: ['+86170'] }
mailboxes: { dots: [docomo.ne.jp] }
templates: { folder: ${templates} }
`,
  )
  server = await startServer({ args: ['--config', config] })
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

/** Asks for a code of one's own, which is a new contact. @returns Whose inbox got it, or the refusal. */
async function sent(
  contact: string,
  country?: string,
): Promise<{ token: string; status: number; code: unknown }> {
  const token = await server.logIn(`asker-${Math.random()}`)
  const answer = await server.call('POST', paths.send, {
    token,
    body: { contact, ...(country && { country }) },
  })
  return { token, status: answer.status, code: answer.json.error_code }
}

/** The code for a number as it is known, whatever form it was typed in. */
async function verified(contact: string, known: string, verificationCode: (code: string) => string) {
  const { token, status } = await sent(contact)
  assert.equal(status, 200, contact)
  const body = { contact, verificationCode: verificationCode(await server.codeFor(known)) }
  return (await server.call('POST', paths.verify, { token, body })).status
}

test('a contact in full-width characters is the contact', async () => {
  const number = newNumber()
  const wide = [...number].map((one) => String.fromCharCode(one.charCodeAt(0) + 0xfee0)).join('')
  assert.equal(await verified(wide, number, (code) => code), 200)
  assert.equal(await verified('wide＠example。com', 'wide@example.com', (code) => code), 200)
})

test('a pasted code is the code; with another digit it is not', async () => {
  const forms: readonly ((code: string) => string)[] = [
    (code) => `${code}\r\n`,
    (code) => ` ${code.slice(0, 3)}\u00a0${code.slice(3)}`,
    (code) => `${code.slice(0, 3)}-${code.slice(3)}`,
    (code) => [...code].map((digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)).join(''),
  ]
  for (const form of forms) {
    const number = newNumber()
    assert.equal(await verified(number, number, form), 200, form('012345'))
  }
  const number = newNumber()
  assert.equal(
    await verified(number, number, (code) => `${code.slice(0, 5)}${(Number(code[5]) + 1) % 10} `),
    400,
  )
})

test('a pasted code changes the contact too', async () => {
  const contact = newNumber()
  const { token } = await sent(contact)
  const code = await server.codeFor(contact)
  const body = { contact, verificationCode: `${code.slice(0, 3)} ${code.slice(3)}\n` }
  assert.equal((await server.call('PUT', paths.contact, { token, body })).status, 200)
})

test('numbers of an allowed prefix get codes, those of a refused one do not', async () => {
  assert.equal(await verified('+8614912345678', '+8614912345678', (code) => code), 200)
  assert.equal((await sent('+14362345678', 'usa')).status, 200)
  assert.equal((await sent('+861491234567')).status, 400)
  assert.equal((await sent('+8617012345678')).status, 400)
  assert.equal((await sent('+8617112345678')).status, 200)
})

test('an old form of a number is the number', async () => {
  const token = await server.logIn('old-form')
  const send = await server.call('POST', paths.send, {
    token,
    body: { contact: '+541123456701', country: 'argentina' },
  })
  assert.equal(send.status, 200, send.text)
  const verificationCode = await server.codeFor('+5491123456701')
  const body = { contact: '+54111523456701', country: 'argentina', verificationCode }
  assert.equal((await server.call('PUT', paths.contact, { token, body })).status, 200)
  const member = await server.call('GET', paths.member, { token })
  assert.equal(member.json.phone, '+5491123456701')
})

test('double and final dots pass at the domains that are named', async () => {
  assert.equal(await verified('a..b.@docomo.ne.jp', 'a..b.@docomo.ne.jp', (code) => code), 200)
  assert.equal((await sent('a..b@ezweb.ne.jp')).status, 400)
})

test('a message comes in the language asked for, however the header is written', async () => {
  for (const [language, locale] of [
    ['en_US', 'en-US'],
    ['zh_CN;q=.8, en_GB;q=.9', 'en-US'],
    ['zh_CN', 'zh-CN'],
  ] as const) {
    const [contact, token] = [newNumber(), await server.logIn('reader')]
    const headers = { 'Accept-Language': language }
    await server.call('POST', paths.send, { token, headers, body: { contact } })
    await server.codeFor(contact)
    assert.equal((await server.inbox(contact))[0]?.locale, locale, language)
  }
})

test('a code bound to a site and read by an app is sent so, and the code it holds is right', async () => {
  const [contact, token] = [newNumber(), await server.logIn('bound')]
  const headers = { 'Accept-Language': 'en-US' }
  await server.call('POST', paths.send, { token, headers, body: { contact } })
  const code = await server.codeFor(contact)
  const [message] = await server.inbox(contact)
  assert.equal(message!.text, `${code} is your code.\n\nFA+9qC12345\n@example.com #${code}`)
  const body = { contact, verificationCode: code }
  assert.equal((await server.call('POST', paths.verify, { token, body })).status, 200)
})

test('doctor tells what numbers the settings add and take away, and what phones make of messages', async () => {
  const { stdout } = await run(process.execPath, [
    bin,
    'doctor',
    '--dev',
    '--config',
    config,
    '--data',
    folder,
    '--json',
  ])
  const { findings } = JSON.parse(stdout) as { findings: { check: string; isGood: boolean; text: string }[] }
  assert.deepEqual(
    findings.find(({ check }) => check === 'numbers'),
    {
      check: 'numbers',
      isGood: true,
      text: '+86149 (CN) is taken; +1436 (US) is taken; +86170 is refused',
    },
  )
  const { text } = findings.find(({ check }) => check === 'templates')!
  assert.match(text, /^every template renders; /)
  assert.match(text, /code\.en-US\.sms\.txt is bound to example\.com/)
  assert.match(text, /is read by the Android app of FA\+9qC12345 itself$/)
})
