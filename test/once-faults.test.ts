/** The process killed between the acts of a call that has an Idempotency-Key: the same call, made again, acts once. */

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type Api, apiOf, apiWith } from './api.ts'
import { newNumber, type Server, startServer, temporaryFolder } from './server.ts'

const killAt = join(import.meta.dirname, 'plants', 'kill-at.ts')

let folder: string
before(() => {
  folder = temporaryFolder()
})
after(() => rmSync(folder, { recursive: true, force: true }))

const by = (key: string) => ({ 'idempotency-key': key })

/** Runs an act on a server that dies at a point, and what follows on one after it. */
async function killedAt<Known>(
  point: string,
  prepare: (api: Api, server: Server) => Promise<Known>,
  act: (api: Api, known: Known) => Promise<unknown>,
  follow: (api: Api, known: Known, server: Server) => Promise<void>,
): Promise<void> {
  const dataFolder = join(folder, point)
  let key: string
  let known: Known
  {
    await using server = await startServer({ dataFolder, imports: [killAt], env: { KILL_AT: point } })
    const api = await apiWith(server)
    key = api.key
    known = await prepare(api, server)
    await assert.rejects(act(api, known), 'the answer is lost')
  }
  await using server = await startServer({ dataFolder })
  await follow(apiOf(server, key), known, server)
}

test('killed after its commit, a start made again gets the same verification, and its message comes', async () => {
  const to = newNumber()
  await killedAt(
    'after-commit:1',
    async () => to,
    (api) => api.start(to, {}, by('k1')),
    async (api, _, server) => {
      const again = await api.start(to, {}, by('k1'))
      assert.equal(again.status, 201, again.text)
      assert.equal(again.headers.get('idempotency-replayed'), 'true')
      assert.match(String(again.json.secret), /^vs_/)
      const code = await server.codeFor(to)
      assert.equal((await api.check(again.json.id, code, by('k2'))).json.result, 'verified')
    },
  )
})

for (const [point, between] of [
  ['after-count:1', 'between count and use'],
  ['after-use:1', 'after the use'],
] as const)
  test(`killed ${between}, a check made again is right once more and counts no guess; another is not`, () =>
    killedAt(
      point,
      async (api, server) => {
        const to = newNumber()
        const { id } = (await api.start(to, { code: { life_s: 300 } })).json
        return { id: String(id), code: await server.codeFor(to) }
      },
      (api, { id, code }) => api.check(id, code, by('c1')),
      async (api, { id, code }) => {
        const again = await api.check(id, code, by('c1'))
        assert.equal(again.json.result, 'verified', again.text)
        const { verification } = again.json as { verification: { submissions_left: number; state: string } }
        assert.equal(verification.state, 'used')
        const other = await api.check(id, code, by('c2'))
        assert.deepEqual([other.json.result, other.json.reason], ['refused', 'used'])
        const mismatch = await api.check(id, '000000', by('c1'))
        assert.equal(mismatch.status, 422, mismatch.text)
      },
    ))
