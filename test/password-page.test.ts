/** The page of a forgotten password in a real browser: a person solves the puzzle by sliding, or with the keys alone. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { launchChromium, withChromium } from './chromium.ts'
import { holeIn } from './puzzle.ts'
import { appLogin, newNumber, paths, type Server, startServer } from './server.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

async function problemsIn(page: Page): Promise<string[]> {
  await page.evaluate(axe)
  return page.evaluate(
    'axe.run().then(({ violations }) => violations.flatMap((one) => one.nodes.map((node) => one.id + ": " + node.html)))',
  )
}

describe('the page of a forgotten password', withChromium, () => {
  let browser: Browser
  let server: Server
  before(async () => {
    server = await startServer()
    browser = await launchChromium()
  })
  after(async () => {
    await browser?.close()
    await server?.[Symbol.asyncDispose]()
  })

  async function open(): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ viewport: { width: 360, height: 640 } })
    const complaints: string[] = []
    page.on('console', (message) => {
      // The browser's own line about a refused call.
      if (message.type() === 'error' && !message.text().includes('status of 400'))
        complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(`${server.http}/inbox?key=${server.inboxKey}`)
    await page.goto(`${server.http}/inbox/password`)
    return { page, complaints }
  }

  /** Where the piece belongs, as seen in the two pictures and the piece's place. */
  async function seen(page: Page): Promise<number> {
    const [shadow, piece] = [page.locator('#shadow'), page.locator('#piece')]
    const top = await piece.evaluate((element) =>
      Number.parseInt((element as unknown as { style: { top: string } }).style.top, 10),
    )
    return holeIn((await shadow.getAttribute('src'))!, (await piece.getAttribute('src'))!, top)
  }

  /** Drags the knob until the piece lies in the hole. */
  async function slide(page: Page): Promise<void> {
    const hole = await seen(page)
    const slider = page.locator('#slider')
    const { x, y, width, height } = (await slider.boundingBox())!
    const middle = y + height / 2
    await page.mouse.move(x + 8, middle)
    await page.mouse.down()
    for (let at = x + 8; at < x + width; at += 2) {
      await page.mouse.move(at, middle)
      if (Number(await slider.inputValue()) >= hole) break
    }
    await page.mouse.up()
    await page.getByRole('button', { name: 'Check' }).click()
  }

  test('a person slides the piece into its place, enters the code, and logs in with a new password', async () => {
    const { page, complaints } = await open()
    const [account, phone] = ['forgetful', newNumber()]
    const root = await server.call('POST', paths.appLogin, appLogin(server.app))
    const body = { name: 'F', account, phone, pwd: 'good-pass-1', sendNotify: '0' }
    const token = String(root.json.accessToken)
    assert.equal((await server.call('POST', '/v1/usg/dcs/corp/member', { token, body })).status, 200)
    await page.getByLabel('Account').fill(account)
    await page.getByRole('button', { name: 'Next' }).click()
    await page.locator('#shadow').waitFor()
    assert.deepEqual(await problemsIn(page), [])
    await slide(page)
    await page.getByRole('button', { name: 'Send' }).click()
    const code = page.getByLabel('Code')
    await code.waitFor()
    assert.match(await page.locator('#sent').innerText(), /^\+\d{5}\*{4}\d{4}$/)
    await code.fill(await server.codeFor(phone))
    assert.deepEqual(await problemsIn(page), [])
    await page.getByRole('button', { name: 'Check' }).click()
    await page.getByLabel('New password').fill('password1')
    await page.getByRole('button', { name: 'Set' }).click()
    await page.getByText('too weak').waitFor()
    await page.getByLabel('New password').fill('remembered-now-1')
    await page.getByRole('button', { name: 'Set' }).click()
    await page.getByText('The password is set').waitFor()
    assert.equal((await logIn(account, 'remembered-now-1')).status, 200)
    assert.deepEqual(complaints, [])
    await page.close()
  })

  test('the keys alone solve a puzzle, and a piece in a wrong place brings another one', async () => {
    const { page, complaints } = await open()
    await page.keyboard.type('nobody-at-all')
    await page.keyboard.press('Enter')
    await page.locator('#shadow').waitFor()
    const first = await page.locator('#shadow').getAttribute('src')
    await page.keyboard.press('ArrowRight')
    await page.waitForTimeout(150)
    await page.keyboard.press('Enter')
    await page.getByText('not in its place').waitFor()
    assert.notEqual(await page.locator('#shadow').getAttribute('src'), first)
    for (let at = 0, hole = await seen(page); at < hole; at++) await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Send' }).waitFor()
    assert.deepEqual(complaints, [])
    await page.close()
  })

  function logIn(account: string, password: string) {
    const authorization = `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`
    return server.call('POST', paths.accountLogin, {
      headers: { authorization },
      body: { account, clientType: 72 },
    })
  }
})
