/** Another host reads the metrics: by a listener of its own, and only with the token. */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ofNoEngine } from './engine.ts'
import { freePort } from './free-port.ts'
import { startServer, temporaryFolder } from './server.ts'

test(
  'metrics.listen serves the metrics to who has the token, through a proxy too, and to nobody else',
  ofNoEngine,
  async () => {
    const folder = temporaryFolder()
    const config = join(folder, 'settings.yaml')
    const tokenFile = join(folder, 'scrape.token')
    const port = await freePort()
    writeFileSync(config, `metrics: { listen: '127.0.0.1:${port}', tokenFile: ${tokenFile} }\n`)
    await using server = await startServer({ args: ['--config', config] })
    const token = readFileSync(tokenFile, 'utf8').trim()
    const scrape = async (headers: Record<string, string>, path = '/metrics') => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers })
      return { status: answer.status, text: await answer.text() }
    }
    const passed = { Authorization: `Bearer ${token}`, 'X-Forwarded-For': '192.0.2.1' }
    const { status, text } = await scrape(passed)
    assert.equal(status, 200)
    assert.match(text, /^countersign_store_writable 1$/m)
    for (const wrong of [{}, { Authorization: 'Bearer wrong' }, { Authorization: `Basic ${token}` }]) {
      const refused = await scrape(wrong as Record<string, string>)
      assert.equal(refused.status, 401)
      assert.doesNotMatch(refused.text, /countersign_/)
    }
    assert.equal((await scrape(passed, '/readyz')).status, 404, 'nothing else is served there')
    assert.equal((await server.call('GET', '/metrics')).status, 404, 'and the metrics nowhere else')
    assert.ok(!server.output().includes(token))
  },
)
