/** The reference page in a real browser, under its own policy. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from 'playwright-core'
import { apiPages } from '../src/http/pages/api-page.ts'
import { createServer } from '../src/http/server.ts'
import { launchChromium, withChromium } from './chromium.ts'
import { until } from './until.ts'

const document = {
  openapi: '3.1.0',
  info: { title: 'An API', version: '1', description: 'Text with `code` and a [link](#).' },
  servers: [{ url: '/' }],
  paths: {
    '/v1/things': {
      post: {
        operationId: 'makeThing',
        summary: 'Makes a thing',
        tags: ['Things'],
        security: [{ key: [] }],
        requestBody: {
          content: {
            'application/json': {
              schema: { type: 'object', required: ['to'], properties: { to: { type: ['string', 'null'] } } },
            },
          },
        },
        responses: { 201: { description: 'Made' }, 422: { description: 'Refused' } },
      },
    },
  },
  components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
}

describe('the reference page', withChromium, () => {
  let browser: Browser
  let server: FastifyInstance
  let url: string
  before(async () => {
    browser = await launchChromium()
    server = createServer({ tls: null, trustedProxies: [], onAnswer() {} })
    await server.register(apiPages)
    server.get('/v1/openapi.json', () => document)
    server.post('/v1/things', ({ headers, body }, reply) => reply.code(201).send({ headers, body }))
    url = await server.listen({ host: '127.0.0.1', port: 0 })
  })
  after(async () => {
    await server.close()
    await browser.close()
  })

  async function open(colorScheme: 'light' | 'dark') {
    const context = await browser.newContext({ colorScheme })
    const page = await context.newPage()
    const complaints: string[] = []
    const outside: string[] = []
    await page.exposeFunction('violated', (directive: string) => complaints.push(directive))
    await page.addInitScript(
      "addEventListener('securitypolicyviolation', (event) => violated(event.violatedDirective))",
    )
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
    })
    page.on('pageerror', (error) => complaints.push(String(error)))
    page.on('request', (request) => {
      const asked = request.url()
      if (!asked.startsWith(`${url}/`) && !asked.startsWith('data:')) outside.push(asked)
    })
    await page.goto(`${url}/docs/api`)
    await page.getByText('/v1/things').first().waitFor()
    return { page, complaints, outside, [Symbol.asyncDispose]: () => context.close() }
  }

  for (const scheme of ['light', 'dark'] as const)
    test(`a call is read and tried out in ${scheme}, without a violation or a request outside`, async () => {
      await using opened = await open(scheme)
      const { page, complaints, outside } = opened
      await page.locator('.authorization__btn').first().click()
      await page.locator('.auth-container input').fill('ck_test_of_a_reader')
      await page.locator('.modal-ux .authorize').click()
      await page.locator('.modal-ux .btn-done').click()
      await page.locator('.opblock-summary-control').first().click()
      await page.getByRole('button', { name: 'Try it out' }).click()
      await page.getByRole('button', { name: 'Execute' }).click()
      await page.locator('.live-responses-table').getByText('"Bearer ck_test_of_a_reader"').waitFor()
      const { background } = (await page.evaluate(
        '({ background: getComputedStyle(document.body).backgroundColor })',
      )) as { background: string }
      assert.equal(background, scheme === 'dark' ? 'rgb(16, 19, 23)' : 'rgb(243, 245, 247)')
      assert.deepEqual(complaints, [])
      assert.deepEqual(outside, [])
      // The policy holds and is watched.
      await page.evaluate(
        "document.body.append(Object.assign(document.createElement('style'), { textContent: 'p {}' }))",
      )
      await until(() => complaints.length > 0)
    })

  test('a file is kept by the browser, and asked for by its tag', async () => {
    const first = await fetch(`${url}/docs/api/swagger-ui.css`)
    assert.equal(first.headers.get('content-encoding'), 'gzip')
    const tag = first.headers.get('etag')!
    const again = await fetch(`${url}/docs/api/swagger-ui.css`, { headers: { 'if-none-match': tag } })
    assert.equal(again.status, 304)
    const plain = await fetch(`${url}/docs/api/swagger-ui.css`, {
      headers: { 'accept-encoding': 'identity' },
    })
    assert.equal(plain.headers.get('content-encoding'), null)
    assert.equal(await plain.text(), await first.text())
  })
})
