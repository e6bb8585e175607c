/** A client in another language, made from nothing but the API's document: Perl's OpenAPI::Client of Debian. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { apiWith } from './api.ts'
import { endWithUs } from './hard-end.ts'
import { requirePeer } from './peers.ts'
import { newNumber, startServer } from './server.ts'

const peer = requirePeer(
  'OpenAPI::Client (apt-get install libopenapi-client-perl)',
  '/usr/share/perl5/OpenAPI/Client.pm',
)

type Answer = { status: number; body: Record<string, unknown> }

/**
 * The module holds a document against the schema of OpenAPI 3.1, which it would read from the web and which Debian's copy
 * lacks. test/openapi.test.ts checks that; here any object will do.
 */
const specification = 'https://spec.openapis.org/oas/3.1/schema/2021-05-20'
const anyObject = { $schema: 'http://json-schema.org/draft-07/schema#', type: 'object' }

function startClient(url: string, key: string) {
  const cache = mkdtempSync(join(tmpdir(), 'countersign-perl-'))
  writeFileSync(join(cache, hash('md5', specification)), JSON.stringify(anyObject))
  const child = spawn('perl', [join(import.meta.dirname, 'generated-client.pl'), url, key], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, JSON_VALIDATOR_CACHE_PATH: cache },
  })
  endWithUs(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async call(name: string, parameters: object = {}, body?: object): Promise<Answer> {
      child.stdin.write(`${JSON.stringify([name, parameters, ...(body ? [body] : [])])}\n`)
      const { value, done } = await lines.next()
      assert.ok(!done, 'the client ended')
      const { status, body: answered } = JSON.parse(value) as { status: string; body: Answer['body'] }
      return { status: Number(status), body: answered }
    },
    async [Symbol.asyncDispose]() {
      child.kill()
      rmSync(cache, { recursive: true })
    },
  }
}

test(
  'a program in Perl with the document alone starts, checks, lists, and keeps webhooks',
  peer,
  async () => {
    const hooks = createServer((_, response) => response.writeHead(204).end())
    await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve))
    try {
      await using server = await startServer()
      const scopes = ['verifications:write', 'verifications:read', 'events:read', 'admin']
      const { key } = await apiWith(server, ...scopes.flatMap((scope) => ['--scope', scope]))
      await using client = startClient(`${server.http}/v1/openapi.json`, key)
      const to = newNumber()
      const { status, body: started } = await client.call('startVerification', {}, { to, subject: 'u_42' })
      assert.equal(status, 201, JSON.stringify(started))
      const wrong = await client.call('checkVerification', { id: started.id }, { code: 'abc' })
      assert.equal(wrong.body.result, 'refused', JSON.stringify(wrong))
      const code = await server.codeFor(to)
      const { body: checked } = await client.call('checkVerification', { id: started.id }, { code })
      assert.equal(checked.result, 'verified', JSON.stringify(checked))
      const { body: proved } = await client.call('verifyProof', {}, { proof: checked.proof, consume: true })
      assert.equal(proved.result, 'valid', JSON.stringify(proved))
      const { body: list } = await client.call('listVerifications', { subject: 'u_42' })
      assert.deepEqual(
        (list.verifications as { id: string; state: string }[]).map(({ id, state }) => [id, state]),
        [[started.id, 'used']],
      )
      const none = await client.call('readVerification', { id: `ver_${'0'.repeat(47)}` })
      assert.equal(none.status, 404)

      const { port } = hooks.address() as { port: number }
      const url = `http://127.0.0.1:${port}/hook`
      const made = await client.call('createWebhook', {}, { url })
      assert.equal(made.status, 201, JSON.stringify(made))
      const { id } = made.body
      const all = (await client.call('listWebhooks')).body.webhooks as { id: string; url: string }[]
      assert.deepEqual(
        all.map((one) => [one.id, one.url]),
        [[id, url]],
      )
      const changed = await client.call('changeWebhook', { id }, { description: 'orders' })
      assert.equal(changed.body.description, 'orders', JSON.stringify(changed))
      assert.equal((await client.call('readWebhook', { id })).body.description, 'orders')
      assert.equal((await client.call('deleteWebhook', { id })).status, 204)
      assert.equal((await client.call('readWebhook', { id })).status, 404)
    } finally {
      hooks.close()
    }
  },
)
