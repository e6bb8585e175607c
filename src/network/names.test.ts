import assert from 'node:assert/strict'
import { pbkdf2 } from 'node:crypto'
import type { LookupAddress, LookupOptions } from 'node:dns'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { type DnsServer, startDnsServer } from '../../test/dns-server.ts'
import { createLookup } from './names.ts'

let dns: DnsServer
let time = 0
const folder = mkdtempSync(join(tmpdir(), 'countersign-names-'))
const hostsFile = join(folder, 'hosts')
const toSystem: string[] = []
const inNetwork = new Map([['kannel', '10.1.2.3']])

before(async () => {
  dns = await startDnsServer()
  writeFileSync(
    hostsFile,
    '# ours\n10.0.0.1\tpinned.example PINNED2.example # both\n::5 pinned.example\nnonsense\n',
  )
})
beforeEach(() => {
  dns.names.clear()
  dns.asked.length = 0
  toSystem.length = 0
})
after(async () => {
  await dns[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

const newLookup = (servers = [dns.address]) =>
  createLookup({
    servers,
    hostsFile,
    now: () => time,
    async system(name) {
      toSystem.push(name)
      const address = inNetwork.get(name)
      if (address === undefined) throw Object.assign(new Error(name), { code: 'ENOTFOUND' })
      return [{ address, family: 4 }]
    },
  })

function look(lookup: LookupFunction, name: string, options: LookupOptions = {}): Promise<string[]> {
  return new Promise((resolve, reject) =>
    lookup(name, { all: true, ...options }, (error, found) =>
      error ? reject(error) : resolve((found as LookupAddress[]).map(({ address }) => address)),
    ),
  )
}

test('A-12: a name is looked up while every thread of the pool is busy', async () => {
  dns.names.set('sms.example', { addresses: ['192.0.2.1'], ttlSeconds: 60 })
  let ended = 0
  const burning = Array.from(
    { length: 5 },
    () =>
      new Promise<void>((resolve, reject) =>
        pbkdf2('p', 's', 300_000, 64, 'sha512', (error) => {
          ended++
          if (error) reject(error)
          else resolve()
        }),
      ),
  )
  assert.deepEqual(await look(newLookup(), 'sms.example'), ['192.0.2.1'])
  assert.ok(ended < 5, 'no thread was waited for')
  await Promise.all(burning)
})

test('a name is asked for once for all who want it, and again when its time is over', async () => {
  dns.names.set('sms.example', { addresses: ['192.0.2.1'], ttlSeconds: 60 })
  const lookup = newLookup()
  await Promise.all(Array.from({ length: 20 }, () => look(lookup, 'SMS.example')))
  dns.names.set('sms.example', { addresses: ['192.0.2.2'], ttlSeconds: 60 })
  time += 59_999
  assert.deepEqual(await look(lookup, 'sms.example'), ['192.0.2.1'])
  assert.equal(dns.asked.length, 1)
  time += 1
  assert.deepEqual(await look(lookup, 'sms.example'), ['192.0.2.2'])
  assert.equal(dns.asked.length, 2)
})

test('no name is kept for more than five minutes, and each for a second', async () => {
  const lookup = newLookup()
  for (const [name, ttlSeconds, keptMs] of [
    ['long.example', 86_400, 300_000],
    ['short.example', 0, 1_000],
  ] as const) {
    dns.asked.length = 0
    dns.names.set(name, { addresses: ['192.0.2.1'], ttlSeconds })
    await look(lookup, name)
    time += keptMs - 1
    await look(lookup, name)
    assert.equal(dns.asked.length, 1, name)
    time += 1
    await look(lookup, name)
    assert.equal(dns.asked.length, 2, name)
  }
})

test('while the DNS is away a name is what it was before, for a day, and it is heard when it is back', async () => {
  const gone = await startDnsServer()
  gone.names.set('sms.example', { addresses: ['192.0.2.1'], ttlSeconds: 1 })
  const servers = [gone.address]
  const lookup = newLookup(servers)
  assert.deepEqual(await look(lookup, 'sms.example'), ['192.0.2.1'])
  await gone[Symbol.asyncDispose]()
  for (const passedMs of [1_000, 3_600_000]) {
    time += passedMs
    assert.deepEqual(await look(lookup, 'sms.example'), ['192.0.2.1'])
  }
  dns.names.set('sms.example', { addresses: ['192.0.2.9'], ttlSeconds: 1 })
  servers[0] = dns.address
  time += 5_000
  // Waited for half a second only: on a busy machine the next one hears it.
  while ((await look(lookup, 'sms.example'))[0] !== '192.0.2.9');
  servers[0] = gone.address
  time += 24 * 3_600_000
  await assert.rejects(look(lookup, 'sms.example'), { code: 'ENOTFOUND' })
})

test('a name that is no more is not served stale', async () => {
  dns.names.set('sms.example', { addresses: ['192.0.2.1'], ttlSeconds: 1 })
  const lookup = newLookup()
  await look(lookup, 'sms.example')
  dns.names.clear()
  time += 1_000
  await assert.rejects(look(lookup, 'sms.example'), { code: 'ENOTFOUND' })
  assert.deepEqual(toSystem, ['sms.example'])
})

test('both families come, IPv4 first, and either by itself', async () => {
  dns.names.set('both.example', { addresses: ['2001:db8::1', '192.0.2.1', '192.0.2.2'], ttlSeconds: 60 })
  const lookup = newLookup()
  // The other family is waited for a moment only: on a busy machine it may come too late for once.
  for (; (await look(lookup, 'both.example')).length < 3; time += 60_000);
  assert.deepEqual((await look(lookup, 'both.example')).at(-1), '2001:db8::1')
  assert.deepEqual(await look(lookup, 'both.example', { family: 6 }), ['2001:db8::1'])
  assert.equal((await look(lookup, 'both.example', { family: 4 })).length, 2)
  const one = await new Promise((resolve) =>
    lookup('both.example', { family: 6 }, (error, address, family) => resolve([error, address, family])),
  )
  assert.deepEqual(one, [null, '2001:db8::1', 6])
})

test('nobody is asked for literals, hosts of the file and this machine', async () => {
  const lookup = newLookup()
  assert.deepEqual(await look(lookup, '192.0.2.7'), ['192.0.2.7'])
  assert.deepEqual(await look(lookup, '::1'), ['::1'])
  assert.deepEqual(await look(lookup, 'localhost'), ['127.0.0.1', '::1'])
  assert.deepEqual(await look(lookup, 'pinned.example'), ['10.0.0.1', '::5'])
  assert.deepEqual(await look(lookup, 'pinned2.example.'), ['10.0.0.1'])
  await assert.rejects(look(lookup, 'pinned2.example', { family: 6 }), { code: 'ENOTFOUND' })
  assert.deepEqual([dns.asked, toSystem], [[], []])
})

test('the system is asked for what the DNS does not know, and for names of one label', async () => {
  const lookup = newLookup()
  assert.deepEqual(await look(lookup, 'kannel'), ['10.1.2.3'])
  assert.deepEqual(await look(lookup, 'kannel'), ['10.1.2.3'])
  assert.deepEqual([dns.asked, toSystem], [[], ['kannel']])
  inNetwork.set('sms.local', '10.1.2.4')
  assert.deepEqual(await look(lookup, 'sms.local'), ['10.1.2.4'])
  assert.deepEqual(toSystem, ['kannel', 'sms.local'])
})
