/**
 * Submits a second by SMPP on loopback: our session against the npm package smpp as client, same window, same
 * peer process, by turns in one run. Prints JSON with the medians and their ratio.
 */

import { once } from 'node:events'
import smpp from 'smpp'
import { openSession } from '../src/providers/smpp/session.ts'
import { createSmppProvider } from '../src/providers/smpp/smpp-provider.ts'
import { defaultTimings } from '../src/providers/smpp/timings.ts'
import { noTlvs } from '../src/providers/smpp/tlv.ts'
import { smppSettings } from '../test/smpp/smpp-providers.ts'
import { measured } from './process.ts'

const rounds = 5
const roundMs = 600
const text = '012345 is your Countersign verification code. It is valid for 1 minute. Do not share it.'
const login = { systemId: 'bench', password: 'bench', systemType: '' }

type Client = {
  /** Hands over one message and calls back with its id. */
  submit(done: (id: string) => void): void
  close(): Promise<void>
}

/** Keeps `window` in flight for a while. @returns Answered a second. */
async function rate({ submit }: Client, window: number): Promise<number> {
  const startedAt = performance.now()
  let answered = 0
  let open = 0
  await new Promise<void>((resolve) => {
    const next = (): void => {
      if (performance.now() - startedAt < roundMs) {
        open++
        submit((id) => {
          if (id !== '0123abcde') throw new Error(`answered ${id}`)
          answered++
          open--
          next()
        })
      } else if (open === 0) resolve()
    }
    for (let i = 0; i < window; i++) next()
  })
  return (answered * 1000) / (performance.now() - startedAt)
}

async function ours(port: number, window: number): Promise<Client> {
  const session = openSession(
    {
      ...login,
      interfaceVersion: 3.4,
      optionalParameters: 'auto',
      peer: { host: '127.0.0.1', port, tls: null },
      bind: 'transceiver',
      binds: 1,
      window,
      timings: defaultTimings,
      random: Math.random,
    },
    () => {},
  )
  await session.check()
  const body = {
    serviceType: '',
    sourceAddrTon: 5,
    sourceAddrNpi: 0,
    sourceAddr: 'Acme',
    destAddrTon: 1,
    destAddrNpi: 1,
    destinationAddr: '8613800138000',
    esmClass: 0,
    protocolId: 0,
    priorityFlag: 0,
    scheduleDeliveryTime: '',
    validityPeriod: '000000000100000R',
    registeredDelivery: 1,
    replaceIfPresentFlag: 0,
    dataCoding: 0,
    smDefaultMsgId: 0,
    shortMessage: Buffer.from(text, 'latin1'),
  }
  return {
    submit: (done) => void session.submit({ body, tlvs: noTlvs, remainingMs: 60_000 }).then(done),
    close: session.close,
  }
}

async function npm(port: number): Promise<Client> {
  const session = smpp.connect({ host: '127.0.0.1', port })
  await once(session, 'connect')
  await new Promise((resolve) =>
    session.bind_transceiver({ system_id: login.systemId, password: login.password }, resolve),
  )
  const fields = {
    source_addr_ton: 5,
    source_addr_npi: 0,
    source_addr: 'Acme',
    dest_addr_ton: 1,
    dest_addr_npi: 1,
    destination_addr: '8613800138000',
    validity_period: '000000000100000R',
    registered_delivery: 1,
    data_coding: 0,
    short_message: text,
  }
  return {
    submit: (done) => void session.submit_sm(fields, (answer) => done(answer.message_id)),
    close: async () => session.close(),
  }
}

/** All that a code takes: text, address, life and receipt key worked out for each. */
async function provider(port: number, window: number): Promise<Client> {
  const made = createSmppProvider(
    {
      ...smppSettings,
      ...login,
      name: 'bench',
      port,
      bindWindow: window,
      sender: 'Acme',
    },
    async () => {},
  )
  await made.check?.()
  const message = {
    id: '0123456789abcdef0123456789abcdef',
    tenant: 't',
    app: 'a',
    channel: 'sms',
    to: { kind: 'phone', e164: '+8613800138000', region: 'CN' },
    locale: 'en-US',
    sender: null,
    text,
    template: 'code',
    variables: [],
    deadlineAt: 0,
    remainingMs: 60_000,
  } as const
  const options = { signal: new AbortController().signal }
  return {
    submit: (done) => void made.send(message, options).then(({ id }) => done(id)),
    close: async () => made.close?.(),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!
}

await using peer = await measured(['bench/smpp-peer.ts'])
const { port } = peer.told as { readonly port: number }
const results: Record<string, number>[] = []
for (const window of [10, 100]) {
  const clients = {
    npm: await npm(port),
    ours: await ours(port, window),
    provider: await provider(port, window),
  }
  const rates: Record<keyof typeof clients, number[]> = { npm: [], ours: [], provider: [] }
  // One round that does not count: the first of each is spent on compiling.
  for (let round = 0; round <= rounds; round++)
    for (const name of ['npm', 'ours', 'provider'] as const) {
      const found = await rate(clients[name], window)
      if (round > 0) rates[name].push(found)
    }
  for (const client of Object.values(clients)) await client.close()
  results.push({
    window,
    npmPerSecond: Math.round(median(rates.npm)),
    oursPerSecond: Math.round(median(rates.ours)),
    providerPerSecond: Math.round(median(rates.provider)),
    ratio: Number((median(rates.ours) / median(rates.npm)).toFixed(2)),
    providerRatio: Number((median(rates.provider) / median(rates.npm)).toFixed(2)),
  })
}
console.log(JSON.stringify(results, null, 2))
if (results.some(({ ratio }) => ratio! < 1)) throw new Error('slower than the npm package')
