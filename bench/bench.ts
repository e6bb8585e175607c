/**
 * Measures the server against a bare handler, both in one run and by turns: requests a second as a
 * ratio, times, CPU a request, memory, hand-over.
 * `npm run bench [-- --rounds 3 --seconds 5 --stored 0 --store postgres://… --write docs/bench.md]`
 */

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { Client } from 'pg'
import { deriveCode } from '../src/code/derive-code.ts'
import { parseKeyRing } from '../src/code/key-ring.ts'
import { closedLoop, type Load } from './load.ts'
import { type Measured, measured } from './process.ts'
import { fillStore } from './stored.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '5' },
    stored: { type: 'string', default: '0' },
    /** An empty database of its own; its password in COUNTERSIGN_POSTGRES_PASSWORD. */
    store: { type: 'string' },
    write: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const seconds = Number(values.seconds)
const stored = Number(values.stored)

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-'))
const path = '/v1/usg/dcs/member/verification-code'
const lines: string[] = []
const say = (line = '') => {
  console.log(line)
  lines.push(line)
}
const median = (all: readonly number[]) => [...all].sort((a, b) => a - b)[Math.floor(all.length / 2)]!
const fixed = (value: number, digits = 2) => value.toFixed(digits)

type Server = { readonly process: Measured; readonly http: string; readonly token: string }

async function startServer(data: string, args: readonly string[] = ['--limits', 'none']): Promise<Server> {
  const env = {
    COUNTERSIGN_POLICY_LIFETIME_SMS: '10m',
    COUNTERSIGN_POLICY_MAX_SUBMISSIONS: '10',
    ...(values.store !== undefined && { COUNTERSIGN_STORE: values.store }),
  }
  const process = await measured(
    [
      join(root, 'bin/countersign.js'),
      'serve',
      '--dev',
      '--json',
      '--data',
      data,
      '--https',
      'off',
      '--http',
      '127.0.0.1:0',
      ...args,
    ],
    env,
  )
  const { http, member } = process.told as unknown as {
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
  return { process, http, token: accessToken }
}

let nextNumber = 0

/** Every request to a number nobody asked a code for. */
function sendLua(token: string): string {
  const from = 13_000_000_000 + nextNumber
  nextNumber += 2_000_000
  return `local n = ${from}
request = function()
  n = n + 1
  return wrk.format("POST", "${path}", {["Content-Type"]="application/json", ["X-Access-Token"]="${token}"},
    string.format('{"contact":"+86%d","country":"chinaPR"}', n))
end`
}

async function select(file: string, text: string): Promise<object[]> {
  if (values.store === undefined) {
    using db = new DatabaseSync(file, { readOnly: true })
    return db.prepare(text).all()
  }
  const client = new Client({
    connectionString: values.store,
    password: process.env.COUNTERSIGN_POSTGRES_PASSWORD ?? '',
  })
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows as object[]
}

/** Right codes, derived as the server does from the ring and the records in its data folder. */
async function verifyLua(token: string, data: string): Promise<string> {
  const ring = parseKeyRing(readFileSync(join(data, 'master.key'), 'utf8'))
  const rows = (await select(
    join(data, 'countersign.db'),
    'select * from verification where state = 0 and submissions < 2 order by issued_at desc limit 60000',
  )) as {
    id: string
    tenant: string
    app: string
    member: string
    address: string
    purpose: string
    key_id: string
    digits: number
  }[]
  const file = join(folder, `codes-${Math.random().toString(36).slice(2)}.txt`)
  const known = rows.map(
    (row) => `${row.address.slice(4)} ${deriveCode(ring.keys.get(row.key_id)!, row, row.digits)}`,
  )
  writeFileSync(file, known.join('\n'))
  // Made in init: before it, wrk.format does not know the host yet.
  return `local calls = {}
init = function(args)
  local headers = {["Content-Type"]="application/json", ["X-Access-Token"]="${token}"}
  for line in io.lines("${file}") do
    local contact, code = line:match("(%S+) (%S+)")
    calls[#calls + 1] = wrk.format("POST", "${path}/verify", headers,
      string.format('{"contact":"%s","verificationCode":"%s"}', contact, code))
  end
end
local n = 0
request = function()
  n = n % #calls + 1
  return calls[n]
end`
}

const floorLua = `
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["X-Access-Token"] = "${'x'.repeat(40)}"
wrk.body = '{"contact":"+8613800138000","country":"chinaPR"}'
`

async function withCpu(process: Measured, load: () => Promise<Load>): Promise<Load & { cpuUs: number }> {
  const before = process.cpuMs()
  const told = await load()
  return { ...told, cpuUs: ((process.cpuMs() - before) * 1000) / told.requests }
}

/** The bucket of a histogram that a share of its observations lies in, s. */
async function quantile(http: string, name: string, share: number): Promise<string> {
  const text = await (await fetch(`${http}/metrics`)).text()
  const buckets = [...text.matchAll(new RegExp(`^${name}_bucket\\{le="([^"]+)".*\\} (\\d+)$`, 'gm'))]
  const total = Number(buckets.at(-1)?.[2] ?? 0)
  const bucket = buckets.find((one) => Number(one[2]) >= total * share)
  return `≤ ${fixed(Number(bucket?.[1]) * 1000, 1)} ms`
}

async function main(): Promise<void> {
  say(
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus().length} × ${cpus()[0]!.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}.`,
  )
  say(
    `The load generator runs on the same processors. One server process, ${values.store ? 'PostgreSQL, flushes on' : 'SQLite, `synchronous=full`'}, sandbox carrier,`,
  )
  say(
    `limits lifted, every send to a new number and handed over to the carrier. ${rounds} rounds of ${seconds} s by turns; medians.`,
  )
  say()

  const data = join(folder, 'data')
  {
    await using first = (await startServer(data)).process
    say(`- first start to listening (makes keys, store, accounts): ${fixed(first.startMs, 0)} ms`)
  }
  if (stored > 0 && values.store === undefined) {
    console.error(`storing ${stored} verifications …`)
    fillStore(join(data, 'countersign.db'), stored)
  }
  const floor = await measured([join(import.meta.dirname, 'floor.ts')])
  const server = await startServer(data)
  await using stack = new AsyncDisposableStack()
  stack.use(floor)
  stack.use(server.process)
  say(`- later start to listening: ${fixed(server.process.startMs, 0)} ms`)
  say(
    `- resident memory at rest, ${stored.toLocaleString('en')} verifications stored: ${fixed(server.process.rssMb(), 0)} MB`,
  )

  const results = {
    floor: [] as (Load & { cpuUs: number })[],
    send: [] as (Load & { cpuUs: number })[],
    verify: [] as (Load & { cpuUs: number })[],
  }
  const floorUrl = String((floor.told as unknown as { http: string }).http)
  await closedLoop(folder, floorUrl, floorLua, { seconds: 2 })
  await closedLoop(folder, server.http, sendLua(server.token), { seconds: 3 })
  await closedLoop(folder, server.http, await verifyLua(server.token, data), { seconds: 2 })
  for (let round = 0; round < rounds; round++) {
    results.floor.push(await withCpu(floor, () => closedLoop(folder, floorUrl, floorLua, { seconds })))
    results.send.push(
      await withCpu(server.process, () =>
        closedLoop(folder, server.http, sendLua(server.token), { seconds }),
      ),
    )
    const lua = await verifyLua(server.token, data)
    results.verify.push(
      await withCpu(server.process, () => closedLoop(folder, server.http, lua, { seconds })),
    )
  }
  say(
    `- hand-over, commit to accepted, p99 over all rounds: ${await quantile(server.http, 'countersign_hand_over_seconds', 0.99)}`,
  )
  say(`- resident memory under load: ${fixed(server.process.rssMb(), 0)} MB`)
  say()
  say('| | requests/s | ratio to the floor | p50 ms | p99 ms | p99.9 ms | CPU µs a request | failed |')
  say('|---|---|---|---|---|---|---|---|')
  for (const [name, all] of Object.entries(results)) {
    const of = (field: keyof (typeof all)[number]) => median(all.map((one) => one[field]))
    const ratio = median(all.map((one, i) => one.requestsPerSecond / results.floor[i]!.requestsPerSecond))
    const failures = all.reduce((sum, one) => sum + one.failures, 0)
    say(
      `| ${name} | ${fixed(of('requestsPerSecond'), 0)} | ${fixed(ratio)} | ${fixed(of('p50Ms'))} | ${fixed(of('p99Ms'))} | ${fixed(of('p999Ms'))} | ${fixed(of('cpuUs'), 0)} | ${failures} |`,
    )
  }
  say()
  for (const perSecond of [1_000, 5_000]) {
    nextNumber += 2_000_000
    const options = JSON.stringify({
      url: server.http + path,
      token: server.token,
      perSecond,
      seconds,
      from: nextNumber,
    })
    const told = JSON.parse(
      execFileSync(process.execPath, [join(import.meta.dirname, 'open-loop.ts'), options], {
        encoding: 'utf8',
      }),
    ) as Load
    say(
      `- open loop, ${perSecond.toLocaleString('en')} sends/s: p50 ${fixed(told.p50Ms)} ms, p99 ${fixed(told.p99Ms)} ms, p99.9 ${fixed(told.p999Ms)} ms, ${told.failures} failed`,
    )
  }
}

try {
  await main()
  if (values.write) {
    const target = join(root, values.write)
    writeFileSync(
      target,
      `# Benchmark\n\nWritten by \`npm run bench -- --write ${values.write}\`.\n\n${lines.join('\n')}\n`,
    )
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
