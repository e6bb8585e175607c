/** A Postfix of its own for a test: one loopback port, its own queue and settings, mail kept in folders. */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'
import { freePort } from './free-port.ts'

/** Postfix changes users to keep its parts apart, so its master has to be started by root. */
export const postfixPath = '/usr/sbin/postfix'
export const isRoot = process.getuid?.() === 0

/** Delivers as nobody: Postfix refuses to write mail as root. */
const nobody = 65534

/** Doors beside the main one: `open` takes mail at once, the others refuse us by who we are, in answer to RCPT. */
const doors = {
  open: [],
  client: ['smtpd_client_restrictions=reject'],
  helo: ['smtpd_helo_restrictions=reject'],
  sender: ['smtpd_sender_restrictions=check_sender_access,static:REJECT'],
} as const satisfies Readonly<Record<string, readonly string[]>>
export type Door = keyof typeof doors

export type Postfix = {
  readonly port: number
  /** Ports of the other doors. */
  readonly doors: Readonly<Record<Door, number>>
  /** Certificate authority of its TLS certificate, for 127.0.0.1. */
  readonly caFile: string
  /** Mail of a mailbox at example.com, as delivered. */
  mailOf(mailbox: string): string[]
  /** Waits for that many. @throws Error with Postfix's log if they do not come. */
  arrived(mailbox: string, count: number): Promise<string[]>
  /** What Postfix has logged. */
  log(): string
  stop(): Promise<void>
}

/** Words of some mailboxes after their mail was accepted, with the exit status: 69 is final, 75 temporary (sysexits). */
const failing: Readonly<Record<string, readonly [text: string, status: number]>> = {
  closed: ['5.2.1 Mailbox of closed@example.com is no more', 69],
  late: ['4.2.2 Come back tomorrow', 75],
}

export type PostfixOptions = {
  /** Mail for the domain, if its recipient has the form documented, goes to this port of this machine. */
  readonly bounces?: { readonly domain: string; readonly port: number }
  /** A policy server is asked for each recipient: greylisting. */
  readonly policyPort?: number
  /** Default true. */
  readonly hasSmtpUtf8?: boolean
}

/**
 * Takes mail for example.com, refuses to relay; `gone@example.com` is refused by a rule, `nobody@example.com` is
 * no mailbox, `slow@example.com` is deferred.
 * `closed@` is accepted and then bounces, `late@` is accepted and then waits, which is soon warned of.
 */
export async function startPostfix({
  bounces,
  policyPort,
  hasSmtpUtf8 = true,
}: PostfixOptions = {}): Promise<Postfix> {
  const root = mkdtempSync(join(tmpdir(), 'countersign-postfix-'))
  chmodSync(root, 0o711)
  const at = (...names: string[]) => join(root, ...names)
  for (const name of ['etc', 'queue', 'data', 'mail']) mkdirSync(at(name))
  const owner = (flag: string, name: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }))
  chownSync(at('data'), owner('-u', 'postfix'), owner('-g', 'postfix'))
  chownSync(at('mail'), nobody, nobody)

  const tls = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  writeFileSync(at('tls.pem'), `${tls.private}\n${tls.cert}`, { mode: 0o600 })
  writeFileSync(at('ca.pem'), tls.cert)
  writeFileSync(
    at('recipients'),
    '/^gone@/ REJECT 5.1.1 No such mailbox\n/^slow@/ DEFER_IF_PERMIT 4.2.0 Greylisted, come back\n',
  )

  writeFileSync(
    at('transport'),
    [
      // By programs that fail: what goes to Postfix's own error service is refused at the door, not bounced.
      '/^closed@/ closed:',
      '/^late@/ late:',
      ...(bounces ? [`/@${bounces.domain.replaceAll('.', '\\.')}$/ smtp:[127.0.0.1]:${bounces.port}`] : []),
      '',
    ].join('\n'),
  )

  // Negated: with `!` a pattern of Postfix matches what it does not.
  writeFileSync(at('mailboxes'), '!/^nobody@/ all/\n')
  if (bounces) writeFileSync(at('bounce-addresses'), bounceAddressesAsDocumented(bounces.domain))

  for (const [name, [text, status]] of Object.entries(failing))
    writeFileSync(at(name), `#!/bin/sh\necho '${text}'\nexit ${status}\n`, { mode: 0o755 })

  const port = await freePort()
  const doorPorts = {} as Record<Door, number>
  for (const door of Object.keys(doors) as Door[]) doorPorts[door] = await freePort()
  writeFileSync(
    at('etc', 'main.cf'),
    Object.entries({
      compatibility_level: '3.6',
      queue_directory: at('queue'),
      data_directory: at('data'),
      maillog_file: at('log'),
      maillog_file_prefixes: root,
      myhostname: 'mail.example.com',
      mydestination: '',
      mynetworks: '',
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      alias_maps: '',
      alias_database: '',
      virtual_mailbox_domains: 'example.com',
      virtual_mailbox_base: at('mail'),
      virtual_mailbox_maps: `regexp:${at('mailboxes')}`,
      virtual_uid_maps: `static:${nobody}`,
      virtual_gid_maps: `static:${nobody}`,
      smtpd_tls_security_level: 'encrypt',
      smtpd_tls_chain_files: at('tls.pem'),
      smtpd_recipient_restrictions: [
        'reject_unauth_destination',
        `check_recipient_access regexp:${at('recipients')}`,
        ...(policyPort === undefined ? [] : [`check_policy_service inet:127.0.0.1:${policyPort}`]),
      ].join(', '),
      smtputf8_enable: hasSmtpUtf8 ? 'yes' : 'no',
      ...(bounces && {
        relay_domains: bounces.domain,
        relay_recipient_maps: `regexp:${at('bounce-addresses')}`,
      }),
      transport_maps: `regexp:${at('transport')}`,
      // What waits is tried again, and warned of, after a second or two instead of hours.
      minimal_backoff_time: '1s',
      queue_run_delay: '1s',
      delay_warning_time: '1s',
    })
      .map(([name, value]) => `${name} = ${value}\n`)
      .join(''),
  )
  // Private ones are reached only by other parts of Postfix; none is confined to the queue folder.
  const parts = (kind: 'private' | 'public', lines: readonly string[]) =>
    lines.map((line) => {
      const [name, wakeUp, most, command] = line.split(' ')
      return `${name} unix ${kind === 'private' ? '-' : 'n'} - n ${wakeUp} ${most} ${command}`
    })
  writeFileSync(
    at('etc', 'master.cf'),
    [
      `127.0.0.1:${port} inet n - n - - smtpd`,
      ...Object.entries(doors).map(([door, refusing]) =>
        [
          `127.0.0.1:${doorPorts[door as Door]} inet n - n - - smtpd`,
          ...['smtpd_recipient_restrictions=reject_unauth_destination', ...refusing].map(
            (one) => `-o ${one}`,
          ),
        ].join(' '),
      ),
      ...parts('public', [
        'pickup 60 1 pickup',
        'cleanup - 0 cleanup',
        'qmgr 300 1 qmgr',
        'flush 1000? 0 flush',
      ]),
      ...parts('private', [
        'tlsmgr 1000? 1 tlsmgr',
        'rewrite - - trivial-rewrite',
        'bounce - 0 bounce',
        'defer - 0 bounce',
        'trace - 0 bounce',
        'proxymap - - proxymap',
        'error - - error',
        'retry - - error',
        'anvil - 1 anvil',
        'smtp - - smtp',
      ]),
      ...Object.keys(failing).map((name) => `${name} unix - n n - - pipe user=nobody argv=${at(name)}`),
      'virtual unix - n n - - virtual', // writes as the mailbox's owner, so it starts as root
      'postlog unix-dgram n - n - 1 postlogd',
      '',
    ].join('\n'),
  )

  const words: string[] = []
  const child = spawn(postfixPath, ['-c', at('etc'), 'start-fg'], { stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => words.push(String(chunk)))
  const log = () => words.join('') + (existsSync(at('log')) ? readFileSync(at('log'), 'utf8') : '')
  const mailOf = (mailbox: string) => {
    const fresh = at('mail', 'all', 'new')
    if (!existsSync(fresh)) return []
    const delivered = readdirSync(fresh).map((name) => readFileSync(join(fresh, name), 'utf8'))
    return delivered.filter((mail) => mail.split('\n\n')[0]!.split('\n').includes(`Delivered-To: ${mailbox}`))
  }
  const stop = async () => {
    if (child.exitCode === null) {
      const ended = once(child, 'exit')
      // Asked by its own command: what was spawned is a shell in front of the master.
      execFileSync(postfixPath, ['-c', at('etc'), 'stop'], { stdio: 'ignore' })
      await ended
    }
    rmSync(root, { recursive: true, force: true })
  }
  try {
    await until(() => greets(port, child), log)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    port,
    doors: doorPorts,
    caFile: at('ca.pem'),
    mailOf,
    async arrived(mailbox, count) {
      await until(async () => mailOf(mailbox).length >= count, log)
      return mailOf(mailbox)
    },
    log,
    stop,
  }
}

/** The table of docs/carriers/smtp.md, for another domain. */
function bounceAddressesAsDocumented(domain: string): string {
  const page = readFileSync(join(import.meta.dirname, '..', 'docs', 'carriers', 'smtp.md'), 'utf8')
  const line = /^\/\^b.* OK$/m.exec(page)?.[0]
  if (line === undefined) throw new Error('docs/carriers/smtp.md has no table of bounce addresses')
  return `${line.replace('bounces\\.example\\.com', domain.replaceAll('.', '\\.'))}\n`
}

async function greets(port: number, child: ChildProcess): Promise<boolean> {
  if (child.exitCode !== null) throw new Error('Postfix ended')
  const socket = connect(port, '127.0.0.1')
  try {
    const [chunk] = await once(socket, 'data', { signal: AbortSignal.timeout(2_000) })
    return String(chunk).startsWith('220 ')
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Looks until it is so, for as long as a loaded machine may need. */
export async function until(isSo: () => Promise<boolean>, log: () => string): Promise<void> {
  for (const end = Date.now() + 30_000; Date.now() < end; ) {
    const found = await isSo().catch((error: Error) => error)
    if (found === true) return
    if (found !== false) throw new Error(`${found.message}:\n${log()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`waited 30 s in vain; Postfix says:\n${log()}`)
}
