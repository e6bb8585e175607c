/** The hosted page in a real browser, on the built server: from the shop that sends a person there and back again. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer, type Server as HttpServer } from 'node:http'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium, withChromium } from './chromium.ts'
import { ofNoEngine } from './engine.ts'
import { openShop, type Shop } from './hosted-page.ts'
import { newNumber } from './server.ts'
import { until } from './until.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** The rules of WCAG 2.2 AA, and axe's own good practice. @returns Each finding as a sentence. */
async function findingsOf(page: Page): Promise<unknown> {
  await page.evaluate(axe)
  return page.evaluate(
    'axe.run().then(({ violations }) => violations.flatMap((one) => one.nodes.map((node) => one.id + ": " + node.html)))',
  )
}

describe('the hosted page', { ...withChromium, ...ofNoEngine }, () => {
  let browser: Browser
  let shop: Shop & AsyncDisposable
  let own: HttpServer
  let origin: string
  let testKey: string

  before(async () => {
    browser = await launchChromium()
    // The shop's pages: the one that people come back to, and one that frames the hosted page.
    own = createServer(({ url = '' }, response) => {
      response.setHeader('content-type', 'text/html')
      const { pathname, searchParams } = new URL(url, 'http://shop')
      response.end(
        pathname === '/frame'
          ? `<!doctype html><title>Shop</title><iframe allow="otp-credentials" width="400" height="600" src="${searchParams.get('src')}"></iframe>
             <script>addEventListener('message', ({ origin, data }) => { document.title = JSON.stringify({ origin, data }) })</script>`
          : '<!doctype html><title>Back</title>',
      )
    })
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(own.address() as { port: number }).port}`
    shop = await openShop(
      `limits: none\npolicy: { pages: { returnUrls: ["http://127.0.0.1/"], frameAncestors: ["${origin}"] } }`,
    )
    testKey = await shop.key('--test')
  })
  after(async () => {
    await browser?.close()
    own?.close()
    await shop?.[Symbol.asyncDispose]()
  })

  type Opening = BrowserContextOptions & {
    readonly wishes?: Record<string, unknown>
    /** In place of the page of a new session. */
    readonly at?: (url: string) => string
    readonly hasClock?: boolean
    /** In place of the shop's key. */
    readonly key?: string
  }

  async function open(opening: Opening = {}) {
    const { wishes = {}, at = (url) => url, hasClock = false, key, ...options } = opening
    const session = await shop.session({ return_url: `${origin}/done`, ...wishes }, key)
    const context = await browser.newContext({ locale: 'en-US', ...options })
    const page = await context.newPage()
    const complaints: string[] = []
    const outside: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => {
      if (!request.url().startsWith(shop.server.http) && !request.url().startsWith('data:'))
        outside.push(request.url())
    })
    if (hasClock) await page.clock.install()
    await page.goto(at(session.url))
    return {
      ...session,
      page,
      complaints,
      outside,
      field: page.locator('countersign-code input'),
      cells: async () => (await page.locator('.cs-cells span').allTextContents()).join('|'),
      async [Symbol.asyncDispose]() {
        await context.close()
      },
    }
  }

  /** Enters a number. @returns The number. */
  async function enterNumber(page: Page): Promise<string> {
    const to = newNumber()
    await page.getByLabel('Phone number').fill(to)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.locator('countersign-code input').waitFor()
    return to
  }

  const wrongOf = (code: string) => `${(Number(code[0]) + 1) % 10}${code.slice(1)}`
  const redeem = async (url: string) => {
    const result = new URL(url).searchParams.get('result')
    return (await shop.call('/v1/sessions/redeem', { result })).json
  }

  test('by the keyboard alone: country, number, code, and back to the shop with a result', async () => {
    await using opened = await open({ locale: 'de-DE' })
    const { page, id, complaints, outside, field } = opened
    const to = newNumber()
    const press = (key: string) => page.keyboard.press(key)
    await page.getByLabel('Phone number').waitFor()
    assert.equal(await page.locator('#region').inputValue(), 'DE', 'the region of the browser')
    await press('Tab') // the kind of address
    await press('Tab')
    assert.equal(await page.evaluate('document.activeElement.id'), 'region')
    await page.keyboard.type('China')
    assert.equal(await page.locator('#calling-code').innerText(), '+86')
    await press('Tab')
    await page.keyboard.type(to.slice('+86'.length))
    await press('Enter')
    await field.waitFor()
    assert.equal(await page.evaluate('document.activeElement.autocomplete'), 'one-time-code')
    await page.keyboard.type(await shop.server.codeFor(to))
    await press('Enter')
    await page.waitForURL(`${origin}/done?result=*`)
    const { session, verification } = (await redeem(page.url())) as {
      session: string
      verification: { state: string; locale: string }
    }
    assert.equal(session, id)
    assert.equal(verification.state, 'used')
    assert.deepEqual(complaints, [])
    assert.deepEqual(
      outside.filter((url) => !url.startsWith(origin)),
      [],
    )
  })

  test('a code is pasted as people find it, and typed in any digits', async () => {
    await using opened = await open()
    const { page, field, cells } = opened
    await enterNumber(page)
    const paste = (text: string) =>
      page.evaluate(`{
        const clipboardData = new DataTransfer()
        clipboardData.setData('text', ${JSON.stringify(text)})
        const event = { clipboardData, bubbles: true, cancelable: true }
        document.querySelector('countersign-code input').dispatchEvent(new ClipboardEvent('paste', event))
      }`)
    for (const text of [
      '123 456',
      ' 123-456\n',
      '１２３４５６',
      'Your code is 123456.',
      '\u2066123\u00a0456\u2069',
    ]) {
      await paste(text)
      assert.equal(await field.inputValue(), '123456', text)
      assert.equal(await cells(), '1|2|3|4|5|6')
    }
    await field.fill('')
    await field.pressSequentially('1a2 ３-4٥')
    assert.equal(await field.inputValue(), '1234٥', 'the server reads digits of every script')
    await field.press('Backspace')
    assert.equal(await cells(), '1|2|3|4||')
  })

  test('a wrong code is told, described and selected; the right one then passes', async () => {
    await using opened = await open()
    const { page, field, complaints } = opened
    const code = await shop.server.codeFor(await enterNumber(page))
    await page.getByRole('button', { name: 'Verify' }).click()
    await page.getByRole('alert').filter({ hasText: 'Enter all 6 characters' }).waitFor()
    await field.fill(wrongOf(code))
    assert.equal(await field.getAttribute('aria-invalid'), null)
    await field.press('Enter')
    await page.getByRole('alert').filter({ hasText: 'That code is not right.' }).waitFor()
    assert.equal(await field.getAttribute('aria-invalid'), 'true')
    const described = (await field.getAttribute('aria-describedby'))!.split(' ')
    assert.match(await page.locator(`#${described[0]}`).innerText(), /not right/)
    assert.match(await page.locator(`#${described[1]}`).innerText(), /valid for [01]:\d\d/)
    await page.keyboard.type(code)
    await page.keyboard.press('Enter')
    await page.waitForURL(`${origin}/done?result=*`)
    assert.deepEqual(complaints, [])
  })

  test('a code counts down to its end; then another is asked for, and passes', async () => {
    await using opened = await open({ hasClock: true })
    const { page, field } = opened
    const to = await enterNumber(page)
    await page.getByText('The code is valid for 1:00').waitFor()
    await page.clock.fastForward(31_000)
    await page.getByText(/The code is valid for 0:2\d/).waitFor()
    await page.clock.fastForward(40_000)
    await page.getByRole('alert').filter({ hasText: 'This code has expired.' }).waitFor()
    assert.equal(await field.getAttribute('readonly'), '')
    await page.getByRole('button', { name: 'Get a new code' }).click()
    await page.getByText(/The code is valid for/).waitFor()
    await field.fill(await shop.server.codeFor(to))
    await field.press('Enter')
    await page.waitForURL(`${origin}/done?result=*`)
  })

  test('a code that was guessed at too often is replaced by a new one', async () => {
    await using opened = await open()
    const { page, field } = opened
    const to = await enterNumber(page)
    const code = await shop.server.codeFor(to)
    for (let tries = 0; tries < 5; tries++) {
      await field.fill(wrongOf(code))
      await field.press('Enter')
      await page.getByRole('alert').filter({ visible: true }).waitFor()
    }
    await page.getByText('This code can no longer be used.').waitFor()
    await page.getByRole('button', { name: 'Get a new code' }).click()
    await page.getByText(/The code is valid for/).waitFor()
    assert.equal(await field.inputValue(), '')
    const [{ code: next } = { code: null }] = await shop.server.inbox(to)
    assert.ok(next)
    await field.fill(next)
    await field.press('Enter')
    await page.waitForURL(`${origin}/done?result=*`)
  })

  test('a code is sent again, or read out by a call', async () => {
    await using opened = await open()
    const { page, field, complaints } = opened
    const to = await enterNumber(page)
    const code = await shop.server.codeFor(to)
    await page.getByRole('button', { name: 'Send again' }).click()
    await page.getByText('A message is on its way.').waitFor()
    await page.getByRole('button', { name: 'Call me instead' }).click()
    await page.getByRole('button', { name: 'Text me instead' }).waitFor()
    await until(async () => (await shop.server.inbox(to)).length === 3)
    const channels = (await shop.server.inbox(to)).map(({ channel }) => channel)
    assert.deepEqual(channels, ['voice', 'sms', 'sms'])
    await field.fill(code)
    await field.press('Enter')
    await page.waitForURL(`${origin}/done?result=*`)
    assert.deepEqual(complaints, [])
  })

  test('a held verification is let go by work in the background, and nobody has to do a thing', async () => {
    await using opened = await open({ wishes: { test: { risk: 'challenge' } }, key: testKey })
    const { page, field, complaints } = opened
    const workers: string[] = []
    page.on('worker', (worker) => workers.push(new URL(worker.url()).pathname))
    const to = newNumber()
    await page.getByLabel('Phone number').fill(to)
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByText('A message is on its way.').waitFor()
    await field.fill(await shop.server.codeFor(to))
    await field.press('Enter')
    await page.waitForURL(`${origin}/done?result=*`)
    assert.deepEqual(workers, ['/verify/countersign-code.js'])
    assert.deepEqual(complaints, [])
  })

  test('a page that is loaded again shows the same verification, and not a new message', async () => {
    await using opened = await open()
    const { page, field } = opened
    const to = await enterNumber(page)
    const code = await shop.server.codeFor(to)
    await page.reload()
    await field.waitFor()
    assert.equal((await shop.server.inbox(to)).length, 1)
    await field.fill(code)
    await field.press('Enter')
    await page.waitForURL(`${origin}/done?result=*`)
    await page.goBack()
    await page.getByText('This page has expired').waitFor()
  })

  test('a mailbox is verified too, and a number that is none is told to be so', async () => {
    await using opened = await open()
    const { page, field } = opened
    const number = page.getByLabel('Phone number')
    await number.fill('12')
    await page.getByRole('button', { name: 'Send code' }).click()
    await page.getByRole('alert').filter({ hasText: 'That is not a mobile number of this country' }).waitFor()
    assert.equal(await number.getAttribute('aria-invalid'), 'true')
    assert.equal(await page.evaluate('document.activeElement.id'), 'number')
    await page.getByRole('radio', { name: 'E-mail' }).check()
    await page.getByLabel('E-mail address').fill('wang.wei@example,com')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Did you mean ⁨wang.wei@example.com⁩?' }).click()
    await page.getByText('Code sent to ⁨w***@example.com⁩').waitFor()
    await field.fill(await shop.server.codeFor('wang.wei@example.com'))
    await field.press('Enter')
    await page.waitForURL(`${origin}/done?result=*`)
  })

  test('a number with its calling code chooses its country, however it is written', async () => {
    await using opened = await open()
    const { page } = opened
    for (const [typed, region] of [
      ['+44 7700 900123', 'GB'],
      ['0049 151 23456789', 'DE'],
      ['＋86 138', 'CN'],
    ] as const) {
      await page.getByLabel('Phone number').fill(typed)
      assert.equal(await page.locator('#region').inputValue(), region)
      assert.equal(await page.locator('#calling-code').isVisible(), false)
    }
  })

  test('an address that the shop gave is shown masked, and a code for it is sent on request alone', async () => {
    const to = newNumber()
    await using opened = await open({ wishes: { to } })
    const { page, field } = opened
    await page.getByText(`We will send a code to ⁨${to.slice(0, -8)}****${to.slice(-4)}⁩`).waitFor()
    assert.equal((await shop.server.inbox(to)).length, 0)
    await page.getByRole('button', { name: 'Send code' }).click()
    await field.waitFor()
    assert.equal(await page.getByRole('button', { name: 'Change number' }).isVisible(), false)
  })

  test('a person may change the number, or go back without a result', async () => {
    await using opened = await open()
    const { page } = opened
    const first = await enterNumber(page)
    await page.getByRole('button', { name: 'Change number or e-mail' }).click()
    assert.equal(await page.getByLabel('Phone number').inputValue(), first)
    const second = await enterNumber(page)
    assert.ok(await shop.server.codeFor(second))
    await page.getByRole('link', { name: 'Cancel and go back' }).click()
    await page.waitForURL(`${origin}/done?cancelled=true`)
  })

  test('it speaks the language of the browser, the session, or the person, and so does the message', async () => {
    await using chinese = await open({ locale: 'zh-CN' })
    await chinese.page.getByRole('heading', { name: '验证您的身份' }).waitFor()
    assert.equal(await chinese.page.locator('html').getAttribute('lang'), 'zh-CN')
    const to = newNumber()
    await chinese.page.getByLabel('手机号码').fill(to)
    await chinese.page.getByRole('button', { name: '发送验证码' }).click()
    await chinese.page.getByRole('button', { name: '验证', exact: true }).waitFor()
    await shop.server.codeFor(to)
    assert.equal((await shop.server.inbox(to))[0]!.locale, 'zh-CN')
    await chinese.page.getByRole('button', { name: 'English' }).click()
    await chinese.page.getByRole('button', { name: 'Verify', exact: true }).waitFor()
    assert.equal(await chinese.page.locator('html').getAttribute('lang'), 'en-US')
    await using session = await open({ locale: 'zh-CN', wishes: { locale: 'en-GB' } })
    await session.page.getByRole('heading', { name: 'Confirm it is you' }).waitFor()
  })

  test('a page around it that is listed may show it, and is told where to go on; no other may', async () => {
    await using opened = await open({ at: (url) => `${origin}/frame?src=${encodeURIComponent(url)}` })
    const { page, id } = opened
    const frame = page.frameLocator('iframe')
    const to = newNumber()
    await frame.getByLabel('Phone number').fill(to)
    await frame.getByRole('button', { name: 'Send code' }).click()
    await frame.locator('countersign-code input').fill(await shop.server.codeFor(to))
    await frame.getByRole('button', { name: 'Verify' }).click()
    await frame.getByText('You can go on now.').waitFor()
    await page.waitForFunction("document.title.startsWith('{')")
    const told = JSON.parse(await page.title()) as { origin: string; data: { type: string; url: string } }
    assert.equal(told.origin, shop.server.http)
    assert.equal(told.data.type, 'countersign-result')
    assert.equal((await redeem(told.data.url)).session, id)
    const elsewhere = origin.replace('127.0.0.1', 'localhost')
    await using hostile = await open({ at: (url) => `${elsewhere}/frame?src=${encodeURIComponent(url)}` })
    await hostile.page.waitForTimeout(300)
    assert.equal(await hostile.page.frameLocator('iframe').getByLabel('Phone number').count(), 0)
    assert.match(hostile.complaints.join(), /frame-ancestors/)
  })

  test('axe finds nothing in any state, light or dark, and the narrowest phone shows it whole', async () => {
    const findings: unknown[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      await using opened = await open({
        colorScheme,
        reducedMotion: 'reduce',
        viewport: { width: 320, height: 640 },
        hasClock: true,
      })
      const { page, field } = opened
      const examine = async (state: string) => {
        for (const one of (await findingsOf(page)) as string[])
          findings.push(`${state}, ${colorScheme}: ${one}`)
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320, state)
      }
      await page.getByLabel('Phone number').waitFor()
      await examine('asks for a number')
      await page.getByLabel('Phone number').fill('12')
      await page.keyboard.press('Enter')
      await page.getByRole('alert').filter({ visible: true }).waitFor()
      await examine('a number that is none')
      await page.getByRole('radio', { name: 'E-mail' }).check()
      await examine('asks for a mailbox')
      await page.getByRole('radio', { name: 'Phone' }).check()
      const code = await shop.server.codeFor(await enterNumber(page))
      await examine('asks for the code')
      await field.fill(wrongOf(code))
      await field.press('Enter')
      await page.getByText('That code is not right.').waitFor()
      await examine('a wrong code')
      await page.clock.fastForward(65_000)
      await page.getByText('This code has expired.').waitFor()
      await examine('an expired code')
      await page.getByRole('button', { name: '中文' }).click()
      await examine('in Chinese')
      await page.route('**/done*', (route) => route.fulfill({ status: 204 }))
      await page.getByRole('button', { name: '获取新验证码' }).click()
      await page.getByText(/验证码有效期/).waitFor()
      await field.fill(code)
      await field.press('Enter')
      await page.getByRole('heading', { name: '验证成功' }).waitFor()
      await examine('verified')
      await page.goto(`${opened.url}A`)
      await page.getByText('This page has expired').waitFor()
      await examine('no session')
    }
    assert.deepEqual(findings, [])
  })

  test('axe finds nothing where a code is held, spent, or the server away', async () => {
    const findings: string[] = []
    const examine = async (state: string, page: Page) => {
      for (const one of (await findingsOf(page)) as string[]) findings.push(`${state}: ${one}`)
    }
    for (const colorScheme of ['light', 'dark'] as const) {
      await using held = await open({
        colorScheme,
        reducedMotion: 'reduce',
        wishes: { test: { risk: 'challenge' } },
        key: testKey,
      })
      await held.page.route('**/challenge', () => undefined)
      await held.page.getByLabel('Phone number').fill(newNumber())
      await held.page.getByRole('button', { name: 'Send code' }).click()
      await held.page.getByText('A short check before we send.').waitFor()
      await examine(`held, ${colorScheme}`, held.page)

      await using spent = await open({ colorScheme, reducedMotion: 'reduce' })
      const code = await shop.server.codeFor(await enterNumber(spent.page))
      for (let tries = 0; tries < 5; tries++) {
        await spent.field.fill(wrongOf(code))
        await spent.field.press('Enter')
        await spent.page.getByRole('alert').filter({ visible: true }).waitFor()
      }
      await spent.page.getByText('This code can no longer be used.').waitFor()
      await examine(`spent, ${colorScheme}`, spent.page)

      await spent.page.route('**/v1/public/sessions/**', (route) => route.abort())
      await spent.page.reload()
      await spent.page.getByText('The server does not answer').waitFor()
      await examine(`away, ${colorScheme}`, spent.page)
    }
    assert.deepEqual(findings, [])
  })

  test('it stands from right to left, in colours of the device alone, and still where motion is not wanted', async () => {
    await using opened = await open({
      forcedColors: 'active',
      reducedMotion: 'reduce',
      viewport: { width: 320, height: 640 },
    })
    const { page, field } = opened
    await page.evaluate("document.documentElement.dir = 'rtl'")
    await enterNumber(page)
    await field.pressSequentially('12')
    const styleOf = (selector: string, property: string) =>
      page.evaluate(`getComputedStyle(document.querySelector('${selector}')).${property}`)
    assert.equal(
      await styleOf('.cs-input', 'webkitTextFillColor'),
      'rgba(0, 0, 0, 0)',
      'drawn by the cells alone',
    )
    assert.equal(await styleOf('.cs-field', 'direction'), 'ltr')
    assert.equal(await styleOf('.card', 'animationName'), 'none')
    assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 320)
  })

  test('light and dark are those of the device, or of the session', async () => {
    const backgroundOf = async (options: Opening) => {
      await using opened = await open(options)
      await opened.page.getByLabel('Phone number').waitFor()
      return await opened.page.evaluate('getComputedStyle(document.body).backgroundColor')
    }
    const [light, dark] = ['rgb(243, 245, 247)', 'rgb(16, 19, 23)']
    assert.equal(await backgroundOf({ colorScheme: 'light' }), light)
    assert.equal(await backgroundOf({ colorScheme: 'dark' }), dark)
    assert.equal(await backgroundOf({ colorScheme: 'light', wishes: { theme: 'dark' } }), dark)
    assert.equal(await backgroundOf({ colorScheme: 'dark', wishes: { theme: 'light' } }), light)
  })
})
