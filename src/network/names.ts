/**
 * Looks up names of other servers without threads: it asks the DNS through its own sockets, and keeps answers for their
 * time to live. `dns.lookup` occupies one of libuv’s four threads until the DNS answers, so four slow names, or passwords
 * being compared, would make all other look-ups wait.
 */

import { type LookupAddress, promises, lookup as systemLookup } from 'node:dns'
import { readFileSync } from 'node:fs'
import { isIP, type LookupFunction } from 'node:net'
import { platform } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

export type LookupSettings = {
  /** HOST:PORT of DNS servers. Default: the system's. */
  readonly servers?: readonly string[]
  readonly hostsFile?: string
  /** For names the DNS does not know, such as those of one label. Default: `dns.lookup`. */
  readonly system?: (name: string) => Promise<readonly LookupAddress[]>
  /** Milliseconds that never go back. */
  readonly now?: () => number
}

const [minKeptMs, maxKeptMs] = [1_000, 300_000]
/** How long an answer of the system is kept, which has no time to live. */
const systemKeptMs = 10_000
/** How long an expired answer may be served while the DNS is away (RFC 8767). */
const maxStaleMs = 24 * 3_600_000
const askAgainMs = 5_000
/** How long to wait for a fresh answer before an expired one is served. */
const patienceMs = 500
/** How long to wait for IPv6 addresses once IPv4 addresses are there (RFC 8305 3 has 50 ms for the reverse). */
const otherFamilyMs = 50
/** The time limit of one question; each is asked at most twice. */
const answerMs = 700
const hostsKeptMs = 5_000

type Found = { readonly addresses: readonly LookupAddress[]; readonly keptMs: number }
type Entry = { readonly addresses: readonly LookupAddress[]; freshUntil: number; readonly staleUntil: number }

let shared: LookupFunction | undefined

/** The look-up that connections to all carriers share, in the form of `net.connect`'s option `lookup`. */
export const lookupName: LookupFunction = (name, options, done) => {
  shared ??= createLookup()
  shared(name, options, done)
}

export function createLookup({
  servers,
  hostsFile = platform() === 'win32' ? 'C:/Windows/System32/drivers/etc/hosts' : '/etc/hosts',
  system = askSystem,
  now = () => performance.now(),
}: LookupSettings = {}): LookupFunction {
  const kept = new Map<string, Entry>()
  const underWay = new Map<string, Promise<Entry>>()
  let hosts: { readonly byName: ReturnType<typeof readHosts>; readonly until: number } | undefined

  async function addressesOf(name: string): Promise<readonly LookupAddress[]> {
    const own = ownAddresses(name)
    if (own) return own
    const entry = kept.get(name)
    if (entry && entry.freshUntil > now()) return entry.addresses
    const refreshed = refresh(name, entry)
    if (!entry || entry.staleUntil <= now()) return (await refreshed).addresses
    refreshed.catch(() => undefined)
    return (await Promise.race([refreshed, sleep(patienceMs, entry, { ref: false })])).addresses
  }

  /** Addresses that need no question: literals, those of the hosts file, and this machine (RFC 6761 6.3). */
  function ownAddresses(name: string): readonly LookupAddress[] | undefined {
    const family = isIP(name)
    if (family !== 0) return [{ address: name, family }]
    if (!hosts || hosts.until <= now()) hosts = { byName: readHosts(hostsFile), until: now() + hostsKeptMs }
    const listed = hosts.byName.get(name)
    return listed ?? (/(^|\.)localhost$/.test(name) ? thisMachine : undefined)
  }

  /** Asks for a name once, for all callers that wait for it. */
  function refresh(name: string, before: Entry | undefined): Promise<Entry> {
    const other = underWay.get(name)
    if (other) return other
    const entry = find(name, before).finally(() => underWay.delete(name))
    underWay.set(name, entry)
    return entry
  }

  async function find(name: string, before: Entry | undefined): Promise<Entry> {
    const found = await ask(name, servers)
    if (found.kind === 'found') return keep(name, found)
    if (found.kind === 'away' && before && before.staleUntil > now()) {
      before.freshUntil = now() + askAgainMs
      return before
    }
    const addresses = await system(name).catch((error: unknown) => {
      kept.delete(name)
      throw error
    })
    return keep(name, { addresses, keptMs: systemKeptMs })
  }

  function keep(name: string, { addresses, keptMs }: Found): Entry {
    const entry = { addresses, freshUntil: now() + keptMs, staleUntil: now() + maxStaleMs }
    kept.set(name, entry)
    return entry
  }

  return (name, options, done) => {
    const wanted = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0)
    addressesOf(name.toLowerCase().replace(/\.$/, '')).then(
      (addresses) => {
        const fitting = addresses.filter(({ family }) => wanted === 0 || family === wanted)
        const [first] = fitting
        if (!first) return done(noAddress(name), '', 0)
        if (options.all) return done(null, [...fitting])
        done(null, first.address, first.family)
      },
      (error: NodeJS.ErrnoException) => done(error, '', 0),
    )
  }
}

const thisMachine: readonly LookupAddress[] = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
]

/** IPv4 comes first, because IPv6 does not work in many networks that announce it; a connection tries both by turns. */
async function ask(
  name: string,
  servers: readonly string[] | undefined,
): Promise<({ readonly kind: 'found' } & Found) | { readonly kind: 'unknown' | 'away' }> {
  // Names of one label are left to the system, which knows the domains to search.
  if (!name.includes('.')) return { kind: 'unknown' }
  // A new resolver for each question, because it reads the system's list of DNS servers when it is made.
  const resolver = new promises.Resolver({ timeout: answerMs, tries: 2 })
  if (servers) resolver.setServers(servers)
  const found: { address: string; family: 4 | 6; ttl: number }[] = []
  let isAway = false
  const look = async (family: 4 | 6) => {
    try {
      const records =
        family === 4
          ? await resolver.resolve4(name, { ttl: true })
          : await resolver.resolve6(name, { ttl: true })
      for (const { address, ttl } of records) found.push({ address, family, ttl })
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException
      if (code !== 'ENOTFOUND' && code !== 'ENODATA') isAway = true
    }
  }
  const v4 = look(4)
  const both = Promise.all([v4, look(6)])
  await v4
  if (found.length > 0) await Promise.race([both, sleep(otherFamilyMs)])
  else await both
  resolver.cancel()
  if (found.length === 0) return { kind: isAway ? 'away' : 'unknown' }
  const ttlMs = 1000 * Math.min(...found.map(({ ttl }) => ttl))
  return {
    kind: 'found',
    addresses: found
      .toSorted((a, b) => a.family - b.family)
      .map(({ address, family }) => ({ address, family })),
    keptMs: Math.min(maxKeptMs, Math.max(minKeptMs, ttlMs)),
  }
}

function askSystem(name: string): Promise<readonly LookupAddress[]> {
  return new Promise((resolve, reject) =>
    systemLookup(name, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses))),
  )
}

/** Reads the hosts file synchronously: it is small, and in the cache of the system. A missing file counts as empty. */
function readHosts(path: string): ReadonlyMap<string, readonly LookupAddress[]> {
  const byName = new Map<string, LookupAddress[]>()
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return byName
  }
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const family = isIP(address)
    if (family === 0) continue
    for (const name of names) {
      const key = name.toLowerCase()
      const listed = byName.get(key) ?? []
      listed.push({ address, family })
      byName.set(key, listed)
    }
  }
  for (const listed of byName.values()) listed.sort((a, b) => a.family - b.family)
  return byName
}

/** The error that `dns.lookup` gives for such a name. */
function noAddress(name: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND', hostname: name })
}
