/** The client beside the server's document: it makes each call that a server key may make, and no other. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Countersign } from '../client/src/index.ts'
import { apiDocument } from '../src/http/api-document.ts'

type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly security: readonly object[] }>>>>
}

/** Every method of the client, called once. An id is the name of its place in the path. */
async function callsOfTheClient(): Promise<string[]> {
  const made: string[] = []
  const record = (async (url, init) => {
    made.push(`${init!.method} ${decodeURIComponent(new URL(`${url}`).pathname)}`)
    return new Response('{"events":[{"id":"evt_1"}]}')
  }) as typeof fetch
  const client = new Countersign({ url: 'http://127.0.0.1', key: 'ck_test_1', fetch: record })
  const { verifications, webhooks, proofs, sessions } = client
  const id = '{id}'
  await verifications.start({ to: 'li.na@example.com' })
  await verifications.check(id, '123456')
  await verifications.send(id)
  await verifications.next(id)
  await verifications.challenge(id, {} as never)
  await verifications.cancel(id)
  await verifications.get(id)
  await verifications.timeline(id)
  await verifications.list()
  await verifications.search({ to: 'li.na@example.com' })
  await client.events().next()
  await webhooks.create({} as never)
  await webhooks.list()
  await webhooks.get(id)
  await webhooks.update(id, {})
  await webhooks.delete(id)
  await webhooks.test(id)
  await webhooks.deliveries(id)
  await webhooks.replay(id, '{event}')
  await proofs.consume('eyJ')
  await sessions.create({ return_url: 'https://shop.example' })
  await sessions.redeem('result')
  await client.limits()
  return [...new Set(made)].toSorted()
}

test('the client makes each call that a server key may make, and no other', async () => {
  const { paths } = apiDocument() as Document
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { security }]) => security.some((one) => 'serverKey' in one))
      .map(([method]) => `${method.toUpperCase()} ${path}`),
  )
  assert.deepEqual(await callsOfTheClient(), documented.toSorted())
})
