/**
 * Measures hand-over: from a committed message to its acceptance by a carrier, through each kind of
 * carrier, at 500 sends a second and at the highest rate that one process sustains. The sandbox, which
 * accepts in the same process, is the other side of each comparison, in the same run and by turns.
 * `npm run bench:hand-over [-- --rounds 3 --seconds 5 --write docs/bench-hand-over.md]`
 */

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs, promisify } from 'node:util'
import type { Load } from './load.ts'
import { type Measured, measured } from './process.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    write: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const path = '/v1/usg/dcs/member/verification-code'
const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
const lines: string[] = []
const say = (line = '') => {
  console.log(line)
  lines.push(line)
}
const at = (sorted: readonly number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
const median = (all: readonly number[]) =>
  at(
    [...all].sort((a, b) => a - b),
    0.5,
  )

type Carrier = {
  readonly name: string
  readonly server: Measured
  readonly http: string
  readonly token: string
  readonly data: string
  readonly results: { p50: number; p99: number; p999: number; cpuUs: number }[]
  highest: number
}

type Handed = {
  readonly load: Load
  /** Sorted, ms from commit to acceptance. */
  readonly waits: readonly number[]
  /** Not accepted two seconds after the load ended. */
  readonly left: number
  readonly cpuUs: number
}

let nextNumber = 13_000_000_000

/** Sends at a steady rate, and reads how long each took to its acceptance from the store's own record. */
async function sendAt(carrier: Carrier, perSecond: number, forSeconds: number): Promise<Handed> {
  const from = nextNumber
  nextNumber += perSecond * forSeconds + 1000
  const options = {
    urls: [carrier.http + path],
    token: carrier.token,
    perSecond,
    seconds: forSeconds,
    from,
  }
  const startedAt = Date.now()
  const cpuBefore = carrier.server.cpuMs()
  const { stdout } = await run(process.execPath, [
    join(import.meta.dirname, 'open-loop.ts'),
    JSON.stringify(options),
  ])
  const cpuUs = ((carrier.server.cpuMs() - cpuBefore) * 1000) / (perSecond * forSeconds)
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  const db = new DatabaseSync(join(carrier.data, 'countersign.db'), { readOnly: true })
  const waits = db
    .prepare(
      `select answered_at - queued_at as ms from dispatch
       where about >= ? and outcome = 'accepted' order by ms`,
    )
    .all((startedAt - 1_000).toString(16).padStart(12, '0'))
    .map((row) => Number(row.ms))
  db.close()
  const load = JSON.parse(stdout) as Load
  return { load, waits, left: perSecond * forSeconds - waits.length, cpuUs }
}

/** Sustained: every send answered with success, all handed over, 99 of 100 within a second. */
function isSustained({ load, waits, left }: Handed): boolean {
  return load.failures === 0 && left <= 0 && at(waits, 0.99) <= 1_000
}

async function highestRate(carrier: Carrier): Promise<number> {
  let highest = 0
  for (let rate = 1_000; rate <= 20_000; rate = Math.round((rate * 1.25) / 50) * 50) {
    const handed = await sendAt(carrier, rate, 3)
    // What the load generator could not ask for was not sustained by anybody.
    const isAsked = handed.load.requestsPerSecond >= rate * 0.9
    if (!isSustained(handed) || !isAsked) break
    highest = rate
  }
  return highest
}

async function startCarrier(name: string, providers: string): Promise<Carrier> {
  const data = join(folder, name)
  const config = join(folder, `${name}.yaml`)
  writeFileSync(config, `limits: none\nproviders:\n${providers}\n`)
  const server = await measured(
    [
      join(root, 'bin/countersign.js'),
      ...['serve', '--dev', '--json', '--config', config, '--data', data],
      ...['--https', 'off', '--http', '127.0.0.1:0'],
    ],
    { COUNTERSIGN_POLICY_LIFETIME_SMS: '10m' },
  )
  const { http, member } = server.told as unknown as {
    http: string
    member: { account: string; password: string }
  }
  const answer = await fetch(`${http}/v1/usg/acs/auth/account`, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      Authorization: `Basic ${btoa(`${member.account}:${member.password}`)}`,
    },
    body: JSON.stringify({ account: member.account, clientType: 72 }),
  })
  const { accessToken } = (await answer.json()) as { accessToken: string }
  return { name, server, http, token: accessToken, data, results: [], highest: 0 }
}

async function main(): Promise<void> {
  await using stack = new AsyncDisposableStack()
  const peer = async (file: string) => {
    const process = stack.use(await measured([join(import.meta.dirname, file)]))
    return (process.told as unknown as { port: number }).port
  }
  const httpPort = await peer('http-peer.ts')
  const smppPort = await peer('smpp-peer.ts')
  const settings = {
    sandbox: '  carrier: { type: sandbox }',
    http: `  carrier:
    type: http
    window: 400
    receipts: false
    allowPrivate: [127.0.0.1]
    block:
      channels: [sms]
      request:
        server: 'http://127.0.0.1:${httpPort}'
        path: /send
        json: { to: '{{ to }}', id: '{{ messageId }}', text: '{{ text }}' }
      answer: { accepted: { status: 200, /status: ok }, id: /id }`,
    smpp: `  carrier:
    { type: smpp, host: 127.0.0.1, port: ${smppPort}, security: none, systemId: bench, password: bench,
      binds: 2, bindWindow: 100, window: 400, receipts: false }`,
  }
  const carriers: Carrier[] = []
  for (const [name, providers] of Object.entries(settings)) {
    const carrier = await startCarrier(name, providers)
    stack.use(carrier.server)
    carriers.push(carrier)
    await sendAt(carrier, 500, 2) // warm
  }
  say(
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]!.model.trim()}, Node ${process.version}. Load generator, server and carrier`,
  )
  say(
    'share the processors. SQLite, `synchronous=full`, every send to a new number; times are of the record,',
  )
  say(`from commit to acceptance. ${rounds} rounds of ${seconds} s at 500 sends a second by turns; medians.`)
  say()
  for (let round = 0; round < rounds; round++)
    for (const carrier of carriers) {
      const { waits, cpuUs, left } = await sendAt(carrier, 500, seconds)
      if (left > 0) console.error(`${carrier.name}: ${left} were not handed over`)
      carrier.results.push({ p50: at(waits, 0.5), p99: at(waits, 0.99), p999: at(waits, 0.999), cpuUs })
    }
  for (const carrier of carriers) carrier.highest = await highestRate(carrier)
  say(
    '| carrier | p50 ms | p99 ms | p99.9 ms | CPU µs a send | highest rate sustained, sends/s | ratio to the sandbox |',
  )
  say('|---|---|---|---|---|---|---|')
  for (const { name, results, highest } of carriers) {
    const of = (field: keyof (typeof results)[number]) => median(results.map((one) => one[field])).toFixed(0)
    const ratio = (highest / carriers[0]!.highest).toFixed(2)
    say(`| ${name} | ${of('p50')} | ${of('p99')} | ${of('p999')} | ${of('cpuUs')} | ${highest} | ${ratio} |`)
  }
  say()
  say(
    'Sustained: every send answered with success and handed over, 99 of 100 within a second; rates are tried in steps of a quarter.',
  )
}

try {
  await main()
  if (values.write)
    writeFileSync(
      join(root, values.write),
      `# Hand-over\n\nWritten by \`npm run bench:hand-over -- --write ${values.write}\`.\n\n${lines.join('\n')}\n`,
    )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
