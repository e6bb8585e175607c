/** S-11 over a real connection: whatever an SMSC sends, a link answers, cuts or goes on, and holds no more than allowed. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { emptyMessage } from '../../../test/smpp/fake-smsc.ts'
import { quick } from '../../../test/smpp/smpp-providers.ts'
import { until } from '../../../test/until.ts'
import { type Answer, type Link, openLink } from './link.ts'
import { encodePdu, type Pdu, type PduName, pduNames, simplePdu } from './pdu.ts'
import { takeReceipts } from './receipt-intake.ts'
import type { Timings } from './timings.ts'
import { noTlvs } from './tlv.ts'

/** A link and the bare socket of its peer. */
async function linked(t: TestContext, lastSequence = 0, timings: Timings = quick) {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepting = once(server, 'connection') as Promise<[Socket]>
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [[peer]] = await Promise.all([accepting, once(socket, 'connect')])
  peer.on('error', () => {})
  const told = { cuts: [] as string[], requests: [] as Pdu[] }
  const link: Link = openLink(
    socket,
    timings,
    {
      onRequest: (pdu) => void told.requests.push(pdu),
      onCut: (reason) => void told.cuts.push(reason),
    },
    lastSequence,
  )
  t.after(() => {
    link.cut('the test is over')
    peer.destroy()
    server.close()
  })
  return { link, peer, socket, told }
}

const enquire = (link: Link, onAnswer: (answer: Answer) => void) =>
  link.request<'enquire_link'>(simplePdu('enquire_link', 0) as Pdu<'enquire_link'>, onAnswer)

const anyFrame = fc
  .tuple(
    fc.oneof(fc.constantFrom(0x80000004, 0x05, 0x103, 0x15, 0x80000015, 0x80000000, 0x06), fc.nat()),
    fc.nat(3),
    fc.nat(12),
    fc.uint8Array({ maxLength: 80 }),
  )
  .map(([id, status, sequence, body]) => {
    const frame = Buffer.alloc(16 + body.length)
    frame.writeUInt32BE(frame.length, 0)
    frame.writeUInt32BE(id, 4)
    frame.writeUInt32BE(status, 8)
    frame.writeUInt32BE(sequence, 12)
    frame.set(body, 16)
    return frame
  })

test('S-11: frames of any content keep a link; octets that are none cut it; each request is told once', async (t) => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyFrame, { maxLength: 30 }),
      fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }), { nil: undefined }),
      async (frames, garbage) => {
        const { link, peer, told } = await linked(t)
        peer.resume()
        const answers: Answer[] = []
        for (let i = 0; i < 5; i++) enquire(link, (answer) => answers.push(answer))
        peer.write(Buffer.concat(frames))
        if (garbage) peer.end(Buffer.from(garbage))
        else peer.end()
        await until(() => told.cuts.length === 1)
        assert.equal(answers.length, 5)
        assert.equal(link.unanswered, 0)
        assert.ok(told.requests.length <= frames.length + 2)
      },
    ),
    { numRuns: 150 },
  )
})

test('S-11: a peer that floods and takes no bytes is cut before its answers fill the memory', async (t) => {
  const { peer, told, socket } = await linked(t)
  peer.pause()
  const flood = Buffer.concat(
    Array.from({ length: 4_096 }, (_, i) => encodePdu(simplePdu('enquire_link', i))),
  )
  let most = 0
  const write = () => {
    most = Math.max(most, socket.writableLength)
    if (told.cuts.length === 0) peer.write(flood, write)
  }
  write()
  await until(() => told.cuts.length === 1)
  assert.deepEqual(told.cuts, ['the peer takes no bytes'])
  assert.ok(most < 2 * 1_048_576 + 65_536, `${most} octets were held`)
})

test('S-2: after 0x7FFFFFFF comes 1', async (t) => {
  const { link, peer } = await linked(t, 0x7fffffff - 1)
  const sequences: number[] = []
  peer.on('data', (chunk: Buffer) => {
    for (let at = 0; at < chunk.length; at += 16) sequences.push(chunk.readUInt32BE(at + 12))
  })
  for (let i = 0; i < 3; i++) enquire(link, () => {})
  await until(() => sequences.length === 3)
  assert.deepEqual(sequences, [0x7fffffff, 1, 2])
})

test('a request without an answer in time is told so once, whatever comes later', async (t) => {
  const { link, peer, told } = await linked(t, 0, { ...quick, answerMs: 20 })
  const answers: Answer[] = []
  const unbind = simplePdu('unbind', 0) as Pdu<'unbind'>
  link.request<'unbind'>(unbind, (answer) => answers.push(answer))
  await until(() => answers.length > 0)
  peer.write(encodePdu(simplePdu('unbind_resp', 1)))
  // A request of the peer behind it shows that both were read.
  peer.write(encodePdu(simplePdu('unbind', 9)))
  await until(() => told.requests.length === 1)
  assert.deepEqual(answers, [{ kind: 'late' }])
  assert.equal(link.unanswered, 0)
})

test('a link that is cut tells every request once, and takes no more', async (t) => {
  const { link, told } = await linked(t)
  const answers: Answer[] = []
  enquire(link, (answer) => answers.push(answer))
  link.cut('enough')
  link.cut('again')
  enquire(link, (answer) => answers.push(answer))
  assert.deepEqual(answers, [
    { kind: 'lost', reason: 'enough' },
    { kind: 'lost', reason: 'not connected' },
  ])
  assert.deepEqual(told.cuts, ['enough'])
})

test('S-8: receipts beyond what can be recorded are asked for again, and are not held', async () => {
  const recorded = Promise.withResolvers<void>()
  let held = 0
  const take = takeReceipts(
    async (receipts) => {
      held += receipts.length
      await recorded.promise
    },
    { ids: 'as-is', states: {} },
  )
  const statuses: number[] = []
  const body = { ...emptyMessage, esmClass: 4, shortMessage: Buffer.from('id:9 stat:DELIVRD err:000') }
  for (let sequence = 0; sequence < 5_000; sequence++)
    take({ name: 'deliver_sm', status: 0, sequence, body, tlvs: noTlvs }, (pdu) => statuses.push(pdu.status))
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(held, 2_000)
  assert.deepEqual([statuses.length, new Set(statuses)], [3_000, new Set([0x64])])
  recorded.resolve()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(statuses.filter((status) => status === 0).length, 2_000)
})

test('what only an SMSC is asked is refused, and what asks for no answer gets none', () => {
  const take = takeReceipts(async () => {}, { ids: 'as-is', states: {} })
  const answered = (name: PduName) => {
    const answers: Pdu[] = []
    take(simplePdu(name, 7), (pdu) => answers.push(pdu))
    return answers.map((pdu) => [pdu.name, pdu.status, pdu.sequence])
  }
  for (const name of pduNames.filter((one) => /^(bind_\w+er|submit_sm)$/.test(one)))
    assert.deepEqual(answered(name), [['generic_nack', 3, 7]])
  for (const name of ['outbind', 'alert_notification'] as const) assert.deepEqual(answered(name), [])
})

test('while no answer is awaited a link checks nothing until its peer has been silent for long', async (t) => {
  const set = t.mock.method(globalThis, 'setTimeout')
  const { link, peer } = await linked(t, 0, { ...quick, idleMs: 60_000 })
  const checks = () => set.mock.calls.map(({ arguments: [, ms] }) => ms).filter((ms) => ms === quick.tickMs)
  const answered = new Promise<Answer>((resolve) => enquire(link, resolve))
  assert.ok(checks().length > 0)
  await once(peer, 'data')
  peer.write(encodePdu(simplePdu('enquire_link_resp', 1)))
  assert.equal((await answered).kind, 'answered')
  // The check that was due already is the last one.
  await new Promise((resolve) => setTimeout(resolve, 4 * quick.tickMs))
  const before = checks().length
  await new Promise((resolve) => setTimeout(resolve, 10 * quick.tickMs))
  assert.equal(checks().length, before)
})
