/** The inbox page in a real browser. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Browser, BrowserContextOptions } from 'playwright-core'
import { inboxPages } from '../src/http/pages/inbox-page.ts'
import { createServer } from '../src/http/server.ts'
import { createInbox, type InboxMessage } from '../src/providers/sandbox/inbox.ts'
import { launchChromium, withChromium } from './chromium.ts'

const key = 'the-key-that-the-server-printed'

let made = 0
function sms(given: Partial<InboxMessage> = {}): Omit<InboxMessage, 'seq'> {
  const now = Date.now()
  return {
    id: `message-${++made}`,
    channel: 'sms',
    to: '+8613800138000',
    locale: 'zh-CN',
    template: 'code',
    subject: null,
    text: '【云会议】您的验证码是 012345，1分钟内有效。',
    html: null,
    code: '012345',
    arrivedAt: now,
    expiresAt: now + 60_000,
    ...given,
  }
}

function mail(given: Partial<InboxMessage> = {}): Omit<InboxMessage, 'seq'> {
  return sms({
    channel: 'email',
    to: 'li.na@example.com',
    locale: 'en-US',
    subject: 'Your verification code',
    text: 'Your verification code is 987654',
    html: '<!doctype html><style>p { color: #000 }</style><p>Your verification code is <b>987654</b></p>',
    code: '987654',
    ...given,
  })
}

describe('the inbox page', withChromium, () => {
  let browser: Browser
  before(async () => {
    browser = await launchChromium()
  })
  after(() => browser.close())

  async function serve(inbox = createInbox(), port = 0) {
    const asked: string[] = []
    const server = createServer({ tls: null, trustedProxies: [], onAnswer() {} })
    server.addHook('onRequest', async ({ url }) => void asked.push(url))
    await server.register(inboxPages, { inbox, key })
    const url = await server.listen({ host: '127.0.0.1', port })
    return { inbox, server, url, asked }
  }

  async function open(options: BrowserContextOptions & { query?: string } = {}) {
    const { query = '', ...rest } = options
    const served = await serve()
    const context = await browser.newContext(rest)
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: served.url })
    const page = await context.newPage()
    const complaints: string[] = []
    const requests: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => requests.push(request.url()))
    await page.goto(`${served.url}/inbox?key=${key}${query.replace('?', '&')}`)
    assert.equal(page.url(), `${served.url}/inbox${query}`, 'the key stays in no history')
    await page.getByText('live', { exact: true }).waitFor()
    return {
      ...served,
      page,
      complaints,
      messages: page.locator('.message'),
      copied: () => page.evaluate('navigator.clipboard.readText()'),
      /** What was asked for beyond the page's own server and its data: images. */
      outside: () => requests.filter((one) => !one.startsWith(`${served.url}/`) && !one.startsWith('data:')),
      async [Symbol.asyncDispose]() {
        await context.close()
        await served.server.close()
      },
    }
  }

  test('a message appears without a reload, above those before it', async () => {
    await using opened = await open()
    const { page, inbox, messages, complaints, outside } = opened
    await page.getByText('Nothing has arrived yet.').waitFor()
    inbox.add(sms())
    await messages.getByText('您的验证码是 012345').waitFor()
    assert.equal(await page.getByText('Nothing has arrived yet.').isVisible(), false)
    inbox.add(mail())
    await messages.nth(1).waitFor()
    assert.match(await messages.first().innerText(), /li\.na@example\.com[\s\S]*Your verification code/)
    const body = page.frameLocator('iframe').locator('p')
    assert.equal(await body.innerText(), 'Your verification code is 987654')
    assert.deepEqual(complaints, [])
    assert.deepEqual(outside(), [])
  })

  test('one click copies the code and says so', async () => {
    await using opened = await open()
    const { page, inbox, copied, complaints } = opened
    inbox.add(sms())
    await page.getByRole('button', { name: 'Copy code 0 1 2 3 4 5' }).click()
    await page.locator('.hint', { hasText: 'Copied' }).waitFor()
    assert.equal(await copied(), '012345')
    await page.getByRole('status').filter({ hasText: 'Copied 0 1 2 3 4 5' }).waitFor()
    assert.deepEqual(complaints, [])
  })

  test('everything is reached by keyboard, and arrivals take the focus from nobody', async () => {
    await using opened = await open()
    const { page, inbox, messages, copied } = opened
    inbox.add(sms({ code: '111111' }))
    await messages.first().waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.id'), 'to')
    await page.keyboard.press('Tab')
    assert.equal(await page.evaluate('document.activeElement.className'), 'copy')
    assert.notEqual(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle'), 'none')
    for (let i = 0; i < 300; i++) inbox.add(sms({ code: '222222' }))
    await page.locator('#count', { hasText: '301' }).waitFor()
    await page.keyboard.press('Enter')
    await page.locator('.hint', { hasText: 'Copied' }).waitFor()
    assert.equal(await copied(), '111111')
  })

  test('the filter shows one address, old and new messages alike, and stays in the URL', async () => {
    await using opened = await open()
    const { page, inbox, messages } = opened
    for (const to of ['+8613800138000', '+447700900123', '+8613800138000']) inbox.add(sms({ to }))
    await messages.nth(2).waitFor()
    await page.getByLabel('Show only messages to').fill('+44 7700')
    await page.locator('#count', { hasText: '1 of 3' }).waitFor()
    assert.deepEqual(await page.locator('.to').allInnerTexts(), ['+447700900123'])
    inbox.add(sms())
    inbox.add(sms({ to: '+447700900456' }))
    await page.locator('#count', { hasText: '2 of 5' }).waitFor()
    assert.deepEqual(await page.locator('.to').allInnerTexts(), ['+447700900456', '+447700900123'])
    await page.reload()
    await page.locator('#count', { hasText: '2 of 5' }).waitFor()
    await page.getByLabel('Show only messages to').fill('nobody')
    await page.getByText('No message to nobody').waitFor()
  })

  test('a filter may come with the URL, typed without care', async () => {
    await using opened = await open({ query: '?to=+8613800138000' })
    const { page, inbox } = opened
    inbox.add(sms())
    inbox.add(sms({ to: '+447700900123' }))
    await page.locator('#count', { hasText: '1 of 2' }).waitFor()
  })

  test('the life of a code counts down to its end', async () => {
    await using opened = await open()
    const { inbox, messages } = opened
    inbox.add(sms({ expiresAt: Date.now() + 2_000 }))
    await messages.getByText(/^00:0[12] left$/).waitFor()
    await messages.getByText('expired', { exact: true }).waitFor()
    assert.match((await messages.getAttribute('class')) ?? '', /expired/)
  })

  test('a message that holds no code has no button and no end', async () => {
    await using opened = await open()
    const { inbox, messages } = opened
    inbox.add(mail({ html: null, code: null, expiresAt: 0, text: 'Your contact was changed.' }))
    await messages.getByText('Your contact was changed.').waitFor()
    assert.equal(await messages.getByRole('button').count(), 0)
    assert.equal(await messages.getByText('expired').count(), 0)
  })

  test('nothing in a message runs or asks for anything', async () => {
    await using opened = await open()
    const { page, inbox, asked, messages } = opened
    // A second listener, for what blocked requests there are only it can tell.
    await using elsewhere = createServer({ tls: null, trustedProxies: [], onAnswer() {} })
    elsewhere.addHook('onRequest', async ({ url }) => void asked.push(`elsewhere ${url}`))
    const outsideUrl = await elsewhere.listen({ host: '127.0.0.1', port: 0 })
    const attack = `<img src="/owned-1" onerror="fetch('/owned-2')"><script>fetch('/owned-3');top.owned = 1</script>`
    const html = `${attack}<svg onload="fetch('/owned-4')"></svg><iframe src="/owned-5"></iframe><p>end</p>
      <link rel="stylesheet" href="/owned-6"><style>p { background: url(/owned-7) }</style>
      <meta http-equiv="refresh" content="0; url=/owned-8"><img src="${outsideUrl}/owned-9">`
    inbox.add(sms({ text: attack, to: attack, locale: attack, code: attack }))
    inbox.add(mail({ subject: attack, to: attack, html, code: null }))
    inbox.add(mail({ subject: attack, html: null, text: attack }))
    await messages.nth(2).waitFor()
    await page.frameLocator('iframe').getByText('end').waitFor()
    // One round trip more of everything that could have been started.
    inbox.add(sms())
    await messages.nth(3).waitFor()
    await page.waitForTimeout(200)
    assert.equal(await page.evaluate('window.owned'), undefined)
    assert.deepEqual(
      asked.filter((url) => url.includes('owned')),
      [],
    )
    assert.ok((await messages.last().innerText()).includes(attack))
  })

  test('light and dark both apply, and it fits a small phone', async () => {
    const backgrounds: unknown[] = []
    for (const colorScheme of ['light', 'dark'] as const) {
      await using opened = await open({ colorScheme, viewport: { width: 360, height: 640 } })
      const { page, inbox, messages } = opened
      inbox.add(sms({ text: `${'很长'.repeat(60)}${'W'.repeat(80)}` }))
      inbox.add(
        mail({ to: `${'long'.repeat(15)}@${'long.'.repeat(15)}example.com`, subject: 'W'.repeat(90) }),
      )
      await messages.nth(1).waitFor()
      backgrounds.push(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), 360)
    }
    assert.deepEqual(backgrounds, ['rgb(243, 245, 247)', 'rgb(16, 19, 23)'])
  })

  test('who wants less motion gets none', async () => {
    for (const [reducedMotion, animation] of [
      ['no-preference', 'arrive'],
      ['reduce', 'none'],
    ] as const) {
      await using opened = await open({ reducedMotion })
      opened.inbox.add(sms())
      await opened.messages.first().waitFor()
      const name = `getComputedStyle(document.querySelector('.message article')).animationName`
      assert.equal(await opened.page.evaluate(name), animation)
    }
  })

  test('a flood leaves the page small, with the newest on top', async () => {
    await using opened = await open()
    const { page, inbox, messages, complaints } = opened
    for (let i = 0; i < 5_000; i++) {
      inbox.add(i % 2 ? sms({ code: String(100_000 + i) }) : mail())
      if (i % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await messages.first().getByRole('button', { name: 'Copy code 1 0 4 9 9 9' }).waitFor()
    assert.equal(await messages.count(), 200)
    assert.equal(await page.locator('#count').innerText(), '1000')
    // A mail may be gone from the inbox before its frame is loaded.
    assert.deepEqual(
      complaints.filter((one) => !one.includes('404')),
      [],
    )
  })

  test('it tells when the server is away and comes back with it', async () => {
    await using opened = await open()
    const { page, inbox, messages, url } = opened
    inbox.add(sms({ code: '111111' }))
    await messages.first().waitFor()
    await opened.server.close()
    await page.getByText('reconnecting', { exact: true }).waitFor()
    await using stack = new AsyncDisposableStack()
    const again = await serve(createInbox(), Number(new URL(url).port))
    stack.defer(() => again.server.close())
    again.inbox.add(sms({ code: '222222' }))
    await page.getByText('live', { exact: true }).waitFor()
    await messages.getByRole('button', { name: 'Copy code 2 2 2 2 2 2' }).waitFor()
    assert.equal(await messages.count(), 2)
  })

  test('a screen reader finds its way', async () => {
    await using opened = await open()
    const { page, inbox, messages } = opened
    inbox.add(sms())
    await messages.first().waitFor()
    for (const role of ['banner', 'search', 'main'] as const)
      assert.equal(await page.getByRole(role).count(), 1)
    assert.equal(await page.getByRole('heading', { level: 1 }).innerText(), 'Inbox')
    await page.getByRole('list', { name: 'Messages, newest first' }).waitFor()
    await page.getByRole('article', { name: 'SMS to +8613800138000' }).waitFor()
    const announcement = page
      .getByRole('status')
      .filter({ hasText: 'SMS to +8613800138000, code 0 1 2 3 4 5' })
    await announcement.waitFor({ state: 'attached' })
    assert.equal(await page.locator('.bubble').getAttribute('lang'), 'zh-CN')
  })
})
