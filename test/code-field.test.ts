/** <countersign-code> in pages of others: loaded from the server, in a form, with calls of the page's own, and by itself. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { createChallenge, verifySolution } from 'altcha-lib/v1'
import type { Browser } from 'playwright-core'
import { launchChromium, withChromium } from './chromium.ts'
import { ofNoEngine } from './engine.ts'
import { openShop, type Shop } from './hosted-page.ts'
import { newNumber } from './server.ts'

const file = join(import.meta.dirname, '../src/http/pages/verify/countersign-code.js')

test('the field is one file of at most 5 kB for the wire, and imports nothing', () => {
  const source = readFileSync(file, 'utf8')
  assert.ok(gzipSync(source, { level: 9 }).length <= 5 * 1024)
  assert.doesNotMatch(source, /\bimport\b(?!\.meta)|innerHTML|\beval\b/)
})

test('a program without a page may import it', async () => {
  const { CountersignCode } = (await import(file)) as { CountersignCode: unknown }
  assert.equal(typeof CountersignCode, 'function')
})

describe('the field', { ...withChromium, ...ofNoEngine }, () => {
  let browser: Browser
  let shop: Shop & AsyncDisposable
  let own: HttpServer
  let origin: string
  let body = ''

  before(async () => {
    browser = await launchChromium()
    shop = await openShop('limits: none')
    own = createServer(({ url = '' }, response) => {
      response.setHeader('content-type', 'text/html')
      // A page of somebody else's, as strict as pages can be.
      const { http } = shop.server
      const policy = `default-src 'none'; script-src ${http} 'nonce-own'; style-src 'none'; connect-src ${http}; worker-src ${http}; require-trusted-types-for 'script'; trusted-types 'none'`
      response.setHeader('content-security-policy', policy)
      response.end(
        url === '/'
          ? `<!doctype html><html lang="en"><title>Own</title><main><h1>Own</h1>
             <script type="module" src="${http}/verify/countersign-code.js"></script>${body}</main>`
          : `<!doctype html><title>${url}</title>`,
      )
    })
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(own.address() as { port: number }).port}`
  })
  after(async () => {
    await browser?.close()
    own?.close()
    await shop?.[Symbol.asyncDispose]()
  })

  /** @param html  The page around the field. @param script  Runs before the field is there; `told` keeps its events. */
  async function open(html: string, script = '') {
    body = html
    const context = await browser.newContext({ locale: 'en-US' })
    const page = await context.newPage()
    const complaints: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    const events = ['submit', 'verified', 'refused', 'sent', 'expired', 'restart', 'error']
    await page.addInitScript(`
      globalThis.told = []
      for (const one of ${JSON.stringify(events)})
        addEventListener('countersign-' + one, ({ type, detail }) => told.push([type, detail]))
      ${script}`)
    await page.goto(origin)
    await page.locator('countersign-code input').waitFor()
    return {
      page,
      complaints,
      input: page.locator('countersign-code input'),
      told: () => page.evaluate('told') as Promise<[string, Record<string, unknown>][]>,
      [Symbol.asyncDispose]: () => context.close(),
    }
  }

  const field = 'document.querySelector("countersign-code")'
  /** Answers of a page's own calls, kept in `asked`. */
  const calls = (members: string) => `
    globalThis.asked = []
    const live = { state: 'live', to_masked: '+86138****8000', channel: 'sms', code_length: 6, expires_in_s: 60, next: { send_after_s: 0, channels: ['sms', 'voice'] } }
    customElements.whenDefined('countersign-code').then(() => { ${field}.transport = {
      async check(code) { asked.push(code); return { result: 'refused', submissions_left: 3 } }, ${members} }
      ${field}.verification = live })`

  test('it is one real input, laid over its cells, which phones fill in', async () => {
    await using opened = await open('<countersign-code to="+86138****8000" length="8"></countersign-code>')
    const { page, input, complaints } = opened
    assert.equal(await page.locator('input').count(), 1)
    const attributes = ['inputmode', 'autocomplete', 'maxlength', 'pattern', 'readonly']
    assert.deepEqual(await Promise.all(attributes.map((one) => input.getAttribute(one))), [
      'numeric',
      'one-time-code',
      '8',
      '\\p{Nd}{8}',
      null,
    ])
    const [over, under] = await Promise.all([input.boundingBox(), page.locator('.cs-cells').boundingBox()])
    assert.deepEqual(over, under)
    assert.equal(await page.locator('.cs-cells span').count(), 8)
    assert.equal(await page.getByLabel('Enter the code sent to').count(), 1)
    assert.deepEqual(complaints, [], 'the strictest policy holds')
  })

  test('without calls it hands the code to the page, which says whether it was right', async () => {
    await using opened = await open('<countersign-code></countersign-code>')
    const { page, input, told } = opened
    await input.fill('123456')
    await input.press('Enter')
    assert.deepEqual(await told(), [['countersign-submit', { code: '123456' }]])
    await page.evaluate(`${field}.refuse({ submissions_left: 2 })`)
    await page.getByText('That code is not right. Tries left: 2.').waitFor()
    await page.evaluate(`${field}.accept()`)
    await page.getByText('Verified').waitFor()
    assert.equal(await page.getByRole('button').count(), 0)
  })

  test('in a form of the page it is a field of it', async () => {
    await using opened = await open(
      '<form action="/done"><countersign-code name="otp"></countersign-code></form>',
    )
    const { page, input } = opened
    await input.fill('123456')
    await input.press('Enter')
    await page.waitForURL(`${origin}/done?otp=123456`)
  })

  test('the last character submits only where the page asks for it', async () => {
    for (const [attribute, submitted] of [
      ['', 0],
      ['auto-submit', 1],
    ] as const) {
      await using opened = await open(`<countersign-code ${attribute}></countersign-code>`)
      await opened.input.pressSequentially('123456')
      assert.equal((await opened.told()).length, submitted)
    }
  })

  test('letters of Crockford’s alphabet are taken for what they look like', async () => {
    await using opened = await open('<countersign-code alphabet="crockford" length="8"></countersign-code>')
    const { input } = opened
    await input.pressSequentially('o0il-ab u9z')
    assert.equal(await input.inputValue(), '0011AB9Z')
    assert.equal(await input.getAttribute('inputmode'), 'text')
  })

  test('a code goes from the page to the server with the secret of the verification alone', async () => {
    const to = newNumber()
    const { id, secret } = (await shop.call('/v1/verifications', { to })).json
    const src = `${shop.server.http}/v1/public/verifications/${id}`
    await using opened = await open(`<countersign-code src="${src}" secret="${secret}"></countersign-code>`)
    const { page, input, told } = opened
    const code = await shop.server.codeFor(to)
    await input.fill(`${(Number(code[0]) + 1) % 10}${code.slice(1)}`)
    await input.press('Enter')
    await page.getByText('That code is not right.').waitFor()
    await input.fill(code)
    await input.press('Enter')
    await page.getByText('Verified').waitFor()
    assert.deepEqual(
      (await told()).map(([type, { result }]) => [type, result]),
      [
        ['countersign-refused', 'refused'],
        ['countersign-verified', 'verified'],
      ],
    )
  })

  test('a message is sent again, or by the next channel, after its countdown', async () => {
    await using opened = await open(
      '<countersign-code></countersign-code>',
      calls(
        `async send(wish) { asked.push(wish); return { ...live, channel: wish.next ? 'voice' : 'sms', next: { ...live.next, send_after_s: 1 } } }`,
      ),
    )
    const { page, told } = opened
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByText('A message is on its way.').waitFor()
    await page.getByRole('button', { name: /Send again in 0:01/ }).waitFor()
    assert.equal(await page.getByRole('button', { name: /Send again in/ }).isDisabled(), true)
    await page.getByRole('button', { name: 'Call me instead' }).click()
    await page.getByRole('button', { name: /Send again in 0:01/ }).waitFor()
    await page.getByRole('button', { name: 'Text me instead' }).waitFor()
    assert.deepEqual(await page.evaluate('asked'), [{}, { next: true }])
    assert.deepEqual(
      (await told()).map(([type]) => type),
      ['countersign-sent', 'countersign-sent'],
    )
  })

  test('a limit is shown with its wait, and a server that is away as such', async () => {
    await using opened = await open(
      '<countersign-code></countersign-code>',
      calls(
        `async send() { throw { status: 429, retry_after_s: 75 } }, async check() { throw new TypeError('Failed to fetch') }`,
      ),
    )
    const { page, input } = opened
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByText('Too many tries. Wait 1:15.').waitFor()
    await page.getByRole('button', { name: /Send again in 1:1/ }).waitFor()
    await input.fill('123456')
    await input.press('Enter')
    await page.getByText('No answer. Try again.').waitFor()
    await page.getByRole('button', { name: 'Verify' }).waitFor()
  })

  test('a held verification is let go by work that the server takes', async () => {
    const secret = 'a secret of the server'
    const made = await createChallenge({ hmacKey: secret, maxNumber: 60_000, number: 55_000 })
    const { algorithm, challenge, salt, signature } = made
    const kinds = [{ kind: 'pow', algorithm, challenge, salt, signature, max: 60_000 }]
    // Its worker may not be started from another origin, so here it works between the page's other work.
    await using opened = await open(
      '<countersign-code></countersign-code>',
      calls(`async solve(solution) { asked.push(solution); return live }`),
    )
    const { page, input } = opened
    await page.evaluate(
      `${field}.verification = { state: 'held', challenge: { kinds: ${JSON.stringify(kinds)} } }`,
    )
    await page.getByText('A short check before we send.').waitFor()
    await page.getByText('A message is on its way.').waitFor()
    const [{ solution }] = (await page.evaluate('asked')) as [{ solution: string }]
    assert.equal(await verifySolution(solution, secret), true)
    assert.equal(await input.evaluate((one) => one === one.ownerDocument.activeElement), true)
  })

  test('a browser that reads messages fills the code in, and stops reading on submit and on leaving', async () => {
    await using opened = await open(
      '<countersign-code auto-submit></countersign-code>',
      `globalThis.OTPCredential = class {}
       globalThis.reads = []
       navigator.credentials.get = (wish) => new Promise((resolve, reject) => {
         reads.push({ wish, resolve })
         wish.signal.addEventListener('abort', () => { reads.at(-1).isAborted = true; reject(wish.signal.reason) })
       })`,
    )
    const { page, told } = opened
    assert.deepEqual(await page.evaluate('reads.at(-1).wish.otp'), { transport: ['sms'] })
    await page.evaluate("reads.at(-1).resolve({ code: '123456' })")
    await page.waitForFunction('told.length > 0')
    assert.deepEqual(await told(), [['countersign-submit', { code: '123456' }]])
    assert.equal(await page.evaluate('reads.at(-1).wish.signal.aborted'), true)
    await page.evaluate(`${field}.refuse()`)
    assert.equal(await page.evaluate('reads.at(-1).wish.signal.aborted'), false)
    await page.evaluate(`${field}.remove()`)
    assert.equal(await page.evaluate('reads.at(-1).wish.signal.aborted'), true)
  })

  test('its texts are those of the page, and it can be moved', async () => {
    await using opened = await open('<countersign-code></countersign-code><div id="other"></div>')
    const { page, input } = opened
    await input.fill('12')
    await page.evaluate(`${field}.texts = { verify: 'Los' }`)
    await page.evaluate(`document.querySelector('#other').append(${field})`)
    await page.getByRole('button', { name: 'Los' }).waitFor()
    assert.equal(await page.locator('countersign-code input').count(), 1)
    assert.equal(await input.inputValue(), '12')
  })
})
