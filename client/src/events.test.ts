import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import {
  type Asked,
  problem,
  type ScriptedPeer,
  type Step,
  startScriptedPeer,
} from '../test/scripted-peer.ts'
import { Countersign } from './index.ts'

let peer: ScriptedPeer
let client: Countersign
before(async () => {
  peer = await startScriptedPeer()
  client = new Countersign({ url: peer.url, key: 'ck_test_1' })
})
afterEach(() => peer.asked.splice(0))
after(() => peer[Symbol.asyncDispose]())

/** A feed of ten events, two a page. */
function page({ path }: Asked): Step {
  const after = Number(new URL(path, peer.url).searchParams.get('after')?.slice(4) ?? 0)
  const events = [after + 1, after + 2]
    .filter((n) => n <= 10)
    .map((n) => ({ id: `evt_${n}`, type: 'verification.sent' }))
  return { status: 200, body: { events, next: events.at(-1)?.id ?? `evt_${after}` } }
}

async function take(count: number, after?: string): Promise<string[]> {
  const ids: string[] = []
  for await (const { id } of client.events({ after, waitS: 0 })) if (ids.push(id) === count) break
  return ids
}
const numbers = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, n) => `evt_${from + n}`)

test('events come once and in order, over pages, from the one that was dealt with', async () => {
  peer.script(page)
  assert.deepEqual(await take(10), numbers(1, 10))
  assert.deepEqual(await take(3, 'evt_7'), numbers(8, 10))
})

test('lost connections, restarts and proxies in trouble leave no gap and no second', async () => {
  const down = problem('store-unavailable', 503)
  peer.script(
    page,
    'cut',
    page,
    'cut in the answer',
    down,
    page,
    { status: 502, body: 'x' },
    'cut',
    'cut',
    'cut',
    page,
  )
  assert.deepEqual(await take(10), numbers(1, 10))
})

test('types and the wait are asked for', async () => {
  peer.script(page)
  for await (const _ of client.events({ types: ['verification.used', 'verification.sent'], waitS: 3 })) break
  assert.equal(peer.asked[0]!.path, '/v1/events?types=verification.used%2Cverification.sent&wait_s=3')
})

test('what waiting does not mend is thrown', async () => {
  peer.script(page, problem('unauthenticated', 401))
  await assert.rejects(take(10), { type: 'unauthenticated' })
})

test('a signal ends it while it waits for something new', async () => {
  peer.script('silence')
  const abort = new AbortController()
  setTimeout(() => abort.abort(new Error('we stop')), 30)
  await assert.rejects(client.events({ signal: abort.signal }).next(), /we stop/)
})
