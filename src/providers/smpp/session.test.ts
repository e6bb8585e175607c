import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from '../../../test/mail-servers.ts'
import { startFakeSmsc } from '../../../test/smpp/fake-smsc.ts'
import { message, never, providerOf } from '../../../test/smpp/smpp-providers.ts'
import { until } from '../../../test/until.ts'

const many = (count: number) => Array.from({ length: count }, (_, i) => i)

test('S-3: never more than the window is unanswered, and what is beyond waits', async (t) => {
  await using smsc = await startFakeSmsc()
  let open = 0
  let most = 0
  smsc.script.answer = () => {
    most = Math.max(most, ++open)
    setTimeout(() => open--, 4)
    return { delayMs: 5 }
  }
  const provider = providerOf(t, smsc.port, { settings: { bindWindow: 3, binds: 2 } })
  const accepted = await Promise.all(many(40).map(() => provider.send(message, never)))
  assert.equal(new Set(accepted.map(({ id }) => id)).size, 40)
  assert.equal(most, 6)
  const by = [0, 1].map((one) => smsc.submits.filter(({ connection }) => connection === one).length)
  assert.ok(by[0]! >= 10 && by[1]! >= 10, `both binds work: ${by}`)
})

test('S-2: sequence numbers are not reused while pending', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = (_, n) => ({ delayMs: n % 7 })
  const provider = providerOf(t, smsc.port)
  await Promise.all(many(100).map(() => provider.send(message, never)))
  const sequences = smsc.submits.map(({ pdu }) => pdu.sequence)
  assert.equal(new Set(sequences).size, 100)
  assert.ok(sequences.every((one) => one >= 1 && one <= 0x7fffffff))
})

test('S-3: a storm of 0x58 and 0x14 loses nothing, sends nothing twice, and is no failure', async (t) => {
  await using smsc = await startFakeSmsc()
  // Of each ten submits eight are throttled, for a while.
  smsc.script.answer = (_, n) => (n < 60 && n % 10 < 8 ? { status: n % 2 ? 0x58 : 0x14 } : {})
  const provider = providerOf(t, smsc.port, { settings: { binds: 2 } })
  const accepted = await Promise.all(
    many(50).map((i) => provider.send({ ...message, text: `code ${100_000 + i}` }, never)),
  )
  assert.equal(new Set(accepted.map(({ id }) => id)).size, 50)
  const taken = smsc.submits.filter(({ status }) => status === 0).map(({ code }) => code)
  assert.equal(taken.length, 50)
  assert.equal(new Set(taken).size, 50)
})

test('S-3: a throttled bind pauses: it does not ask again at once', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = () => ({ status: 0x58 })
  const provider = providerOf(t, smsc.port, { timings: { throttle: { minMs: 60_000, maxMs: 90_000 } } })
  const aborting = new AbortController()
  const sending = many(30).map(() => failure(provider.send(message, { signal: aborting.signal })))
  await until(() => smsc.submits.filter(({ status }) => status === 0x58).length === 10)
  await new Promise((resolve) => setTimeout(resolve, 50))
  aborting.abort()
  const errors = await Promise.all(sending)
  assert.ok(errors.every(({ kind }) => kind === 'throttled'))
  assert.equal(errors.filter((one) => one.providerCode === '0x00000058 ESME_RTHROTTLED').length, 10)
  assert.equal(smsc.submits.length, 10)
})

test('S-3: a message that is out of time while throttled says so', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = () => ({ status: 0x14 })
  const provider = providerOf(t, smsc.port, { timings: { throttle: { minMs: 60_000, maxMs: 90_000 } } })
  await provider.check?.()
  const error = await failure(provider.send({ ...message, remainingMs: 1_000 }, never))
  assert.deepEqual([error.kind, error.providerCode], ['throttled', '0x00000014 ESME_RMSGQFUL'])
})

test('S-3: a submit without an answer in time is unknown; its late answer disturbs no other', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = (_, n) => (n === 0 ? { delayMs: 200 } : {})
  const provider = providerOf(t, smsc.port, { timings: { answerMs: 60 } })
  const error = await failure(provider.send(message, never))
  assert.deepEqual([error.kind, error.providerCode], ['unknown', 'no answer to submit_sm in time'])
  await until(() => smsc.submits[0]!.status === 0)
  assert.equal((await provider.send(message, never)).id, 'm1')
})

test('an abort settles soon: unknown if it was sent, else not taken', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = () => ({ instead: 'silence' })
  const provider = providerOf(t, smsc.port, { settings: { bindWindow: 1 } })
  const aborting = new AbortController()
  const sending = many(2).map(() => failure(provider.send(message, { signal: aborting.signal })))
  await until(() => smsc.submits.length === 1)
  aborting.abort()
  assert.deepEqual(
    (await Promise.all(sending)).map(({ kind }) => kind),
    ['unknown', 'unavailable'],
  )
})

test('S-6: on disconnect every unanswered submit is unknown, and what was not sent goes on by another bind', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = (_, n) => (n < 5 ? { instead: n === 4 ? 'drop' : 'silence' } : {})
  const provider = providerOf(t, smsc.port, { settings: { bindWindow: 5 } })
  await provider.check?.()
  const settled = await Promise.allSettled(many(5).map(() => provider.send(message, never)))
  for (const one of settled) {
    assert.ok(one.status === 'rejected')
    assert.deepEqual(
      [one.reason.kind, one.reason.providerCode],
      ['unknown', 'connection lost: the peer closed the connection'],
    )
  }
  await until(() => smsc.binds.length === 2)
  await provider.check?.()
  assert.equal((await provider.send(message, never)).id, 'm5')
})

test('a message waits for a bind that is coming up, and not for one that is down', async (t) => {
  const port = await (async () => {
    await using smsc = await startFakeSmsc()
    return smsc.port
  })()
  const provider = providerOf(t, port, { timings: { reconnect: { minMs: 300, maxMs: 300 } } })
  const error = await failure(provider.send(message, never))
  assert.equal(error.kind, 'unavailable')
  assert.match(error.providerCode, /ECONNREFUSED/)
  await using smsc = await startFakeSmsc({ port })
  await until(() => smsc.binds.length === 1)
  assert.equal((await provider.send(message, never)).id, 'm0')
})

test('a message makes a bind that would rest for long be tried soon, and is sent once the carrier is back', async (t) => {
  let share = 0
  t.mock.method(Math, 'random', () => share)
  await using smsc = await startFakeSmsc()
  smsc.script.bindStatus = () => 0x08
  const timings = { reconnect: { minMs: 1, maxMs: 3_600_000 } }
  const provider = providerOf(t, smsc.port, { timings })
  await until(() => smsc.binds.length >= 20)
  share = 0.999 // the next rest takes a quarter of an hour at least
  for (let before = 0; before < smsc.binds.length; ) {
    before = smsc.binds.length
    await new Promise((resolve) => setTimeout(resolve, 300))
  }
  smsc.script.bindStatus = () => 0
  const { length } = smsc.binds
  for (let tries = 0; tries < 1_000 && smsc.submits.length === 0; tries++) {
    await provider.send(message, never).catch(() => undefined)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.equal(smsc.submits.length, 1)
  assert.ok(smsc.binds.length - length <= 2)
})

test('S-5: a peer that is gone without a word is found out, and the bind made anew', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port, { timings: { idleMs: 30, answerMs: 200 } })
  await provider.check?.()
  await until(() => (smsc.counts.enquire_link ?? 0) >= 2)
  assert.equal(smsc.binds.length, 1, 'an answer keeps the bind')
  smsc.script.isDeaf = () => true
  await until(() => smsc.connections === 0)
  smsc.script.isDeaf = () => false
  await until(() => smsc.binds.length >= 2)
  await provider.check?.()
  assert.equal((await provider.send(message, never)).id, 'm0')
})

test('S-5: with submits waiting it is asked sooner, and other binds are preferred meanwhile', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port, { settings: { binds: 2 }, timings: { probeMs: 30 } })
  await provider.check?.()
  // The bind that gets the first submit does not answer any more.
  let deaf = -1
  smsc.script.answer = ({ connection }) => {
    if (deaf !== -1) return { delayMs: 20 }
    deaf = connection
    return { instead: 'silence' }
  }
  smsc.script.isDeaf = (connection) => connection === deaf
  const aborting = new AbortController()
  const lost = failure(provider.send(message, { signal: aborting.signal }))
  // Only the bind with an unanswered submit gets an enquire_link.
  await until(() => smsc.counts.enquire_link === 1)
  // Without a doubt some of these, while they are more than one, would go to the bind with one unanswered.
  await Promise.all(many(8).map(() => provider.send(message, never)))
  assert.ok(smsc.submits.slice(1).every(({ connection }) => connection !== deaf))
  aborting.abort()
  assert.equal((await lost).kind, 'unknown')
})

test('S-1: a refused bind says so and is not tried again soon', async (t) => {
  for (const status of [0x0d, 0x0e, 0x0f]) {
    await using smsc = await startFakeSmsc()
    smsc.script.bindStatus = () => status
    const provider = providerOf(t, smsc.port)
    const error = await failure(provider.send(message, never))
    assert.equal(error.kind, 'unavailable')
    assert.match(error.providerCode, /^bind refused: 0x0000000[DEF] ESME_R/)
    const check = await failure(provider.check!())
    assert.match(check.providerCode, /^1 of 1 binds down; transceiver: bind refused: 0x0000000[DEF] ESME_R/)
    await new Promise((resolve) => setTimeout(resolve, 200)) // the quick reconnect would have come
    assert.equal(smsc.binds.length, 1)
    assert.equal(smsc.connections, 0)
  }
})

test('S-1: a refusal that passes by itself, such as a session not yet noticed dead, is tried again', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.bindStatus = (_, connection) => (connection < 2 ? 0x05 : 0)
  const provider = providerOf(t, smsc.port)
  await until(() => smsc.binds.length === 3)
  await provider.check?.()
  assert.equal((await provider.send(message, never)).id, 'm0')
})

test('S-11: a length that no PDU has closes the session at once, and the next one works', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port)
  for (const length of [0, 15, 65_537, 0xffffffff]) {
    smsc.script.answer = () => ({ instead: Buffer.from(length.toString(16).padStart(8, '0'), 'hex') })
    await provider.check?.()
    const before = smsc.binds.length
    const error = await failure(provider.send(message, never))
    assert.deepEqual(
      [error.kind, error.providerCode],
      ['unknown', 'connection lost: the peer sent a length that no PDU has'],
    )
    await until(() => smsc.binds.length > before)
  }
})

test('S-11: garbage of the right length, unknown commands and answers nobody asked for are lived through', async (t) => {
  await using smsc = await startFakeSmsc()
  const provider = providerOf(t, smsc.port)
  await provider.check?.()
  const frame = (id: number, sequence: number, rest = '') => {
    const body = Buffer.from(rest, 'hex')
    const head = Buffer.alloc(16)
    head.writeUInt32BE(16 + body.length, 0)
    head.writeUInt32BE(id, 4)
    head.writeUInt32BE(sequence, 12)
    return Buffer.concat([head, body])
  }
  smsc.write(frame(0x80000004, 77, '6100')) // a response to nothing
  smsc.write(frame(0x80000004, 1, '6100')) // to what was a bind
  smsc.write(frame(0x00000999, 5)) // an unknown request
  smsc.write(frame(0x80000999, 5)) // an unknown response
  smsc.write(frame(0x00000005, 0, 'ffffff')) // a deliver_sm of three octets, under sequence 0
  smsc.write(frame(0x00000102, 9)) // alert_notification asks for no answer
  smsc.write(frame(0x00000015, 0)) // enquire_link
  await until(() => smsc.answers.length === 3)
  assert.deepEqual(
    smsc.answers.map(({ name, status, sequence }) => [name, status, sequence]),
    [
      ['generic_nack', 3, 5],
      ['deliver_sm_resp', 0, 0],
      ['enquire_link_resp', 0, 0],
    ],
  )
  assert.equal((await provider.send(message, never)).id, 'm0')
  assert.equal(smsc.binds.length, 1)
})

test('a stream cut into octets or merged into few segments says the same', async (t) => {
  for (const cut of ['octets', 'merged'] as const) {
    await using smsc = await startFakeSmsc()
    smsc.script.cut = cut
    smsc.script.answer = () => ({ receipts: [{ stat: 'DELIVRD' }] })
    let receipts = 0
    const provider = providerOf(t, smsc.port, {
      receive: async (told) => {
        receipts += told.length
      },
    })
    const accepted = await Promise.all(many(20).map(() => provider.send(message, never)))
    assert.equal(new Set(accepted.map(({ id }) => id)).size, 20)
    await until(() => receipts === 20)
  }
})

test('a generic_nack is the answer to what it names', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = ({ pdu }) => {
    const nack = Buffer.alloc(16)
    nack.writeUInt32BE(16, 0)
    nack.writeUInt32BE(0x80000000, 4)
    nack.writeUInt32BE(0x03, 8)
    nack.writeUInt32BE(pdu.sequence, 12)
    return { instead: nack }
  }
  const error = await failure(providerOf(t, smsc.port).send(message, never))
  assert.deepEqual([error.kind, error.providerCode], ['unavailable', '0x00000003 ESME_RINVCMDID'])
})

test('a peer’s unbind is answered; nothing new goes there, what it has may still be answered', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = (_, n) => ({ delayMs: n === 0 ? 30 : 0 })
  const provider = providerOf(t, smsc.port, { timings: { closeMs: 300 } })
  const first = provider.send(message, never)
  await until(() => smsc.submits.length === 1)
  smsc.write(Buffer.from('00000010000000060000000000000009', 'hex'))
  await until(() => smsc.counts.unbind_resp === 1)
  const second = provider.send(message, never).catch((error) => error.kind)
  assert.equal((await first).id, 'm0')
  await until(() => smsc.binds.length === 2)
  await provider.check?.()
  await provider.send(message, never)
  assert.ok(smsc.submits.slice(1).every(({ connection }) => connection === 1))
  assert.notEqual(await second, 'unknown')
})

test('closing lets what was sent be answered, refuses the rest, and unbinds', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.answer = () => ({ delayMs: 50 })
  const provider = providerOf(t, smsc.port, {
    settings: { bindWindow: 1, binds: 2 },
    timings: { closeMs: 5_000 },
  })
  await provider.check?.()
  const sending = many(3).map(() => provider.send(message, never))
  await until(() => smsc.submits.length === 2)
  const waiting = failure(sending[2]!)
  await provider.close?.()
  assert.equal((await waiting).kind, 'unavailable')
  await Promise.all(sending.slice(0, 2))
  assert.equal(smsc.counts.unbind, 2)
  assert.equal((await failure(provider.send(message, never))).providerCode, 'closing')
})

test('closing ends whatever a bind is about: connecting, waiting for its answer, or down', async (t) => {
  await using smsc = await startFakeSmsc()
  smsc.script.isDeaf = () => true
  const binding = providerOf(t, smsc.port)
  const sending = failure(binding.send(message, never))
  await until(() => smsc.connections === 1)
  await binding.close?.()
  assert.equal((await sending).kind, 'unavailable')
  await until(() => smsc.connections === 0)
  await smsc[Symbol.asyncDispose]()
  const down = providerOf(t, smsc.port)
  await failure(down.check!())
  await down.close?.()
})
