/** Kannel as a client of an SMSC: bearerbox binds to it, smsbox lets a test send by HTTP; both of their own for a test. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.ts'
import { kannelPaths } from '../kannel.ts'

export type KannelClient = {
  /** Queues a message by smsbox. @param fields  As its sendsms takes them. @returns What it answered. */
  sendSms(fields: Readonly<Record<string, string>>): Promise<string>
  /** What both have logged. */
  log(): string
  stop(): Promise<void>
}

/**
 * @param smsc  Lines of its smsc group, beside host and port.
 * @param reply  What it answers to messages from phones.
 */
export async function startKannelClient(
  port: number,
  smsc: Readonly<Record<string, string>>,
  reply: string,
): Promise<KannelClient> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-kannel-'))
  const [admin, box, http] = [await freePort(), await freePort(), await freePort()]
  const groups: readonly (readonly [string, Readonly<Record<string, string | number>>])[] = [
    [
      'core',
      {
        'admin-port': admin,
        'admin-interface': '127.0.0.1',
        'admin-password': 'none',
        'smsbox-port': box,
        'smsbox-interface': '127.0.0.1',
        'log-file': join(folder, 'bearerbox.log'),
        'log-level': 0,
        'dlr-storage': 'internal',
      },
    ],
    ['smsc', { smsc: 'smpp', 'smsc-id': 'fake', host: '127.0.0.1', port, ...smsc }],
    [
      'smsbox',
      {
        'bearerbox-host': '127.0.0.1',
        'sendsms-port': http,
        'sendsms-interface': '127.0.0.1',
        'log-file': join(folder, 'smsbox.log'),
        'log-level': 0,
      },
    ],
    ['sendsms-user', { username: 'test', password: 'test', 'max-messages': 3, concatenation: 'true' }],
    ['sms-service', { keyword: 'default', text: reply }],
  ]
  const file = join(folder, 'kannel.conf')
  writeFileSync(
    file,
    groups
      .map(([group, lines]) =>
        [
          `group = ${group}`,
          ...Object.entries(lines).map(([name, value]) => `${name} = "${value}"`),
          '',
        ].join('\n'),
      )
      .join('\n'),
  )
  const children: ChildProcess[] = []
  const start = (path: string) => {
    const child = spawn(path, ['-v', '4', file], { stdio: 'ignore', cwd: folder })
    children.push(child)
    return child
  }
  const log = () =>
    ['bearerbox.log', 'smsbox.log']
      .map((name) => {
        try {
          return readFileSync(join(folder, name), 'latin1')
        } catch {
          return ''
        }
      })
      .join('\n')
  const stop = async () => {
    // smsbox first: it takes the end of bearerbox for a failure.
    for (const child of children.toReversed()) {
      if (child.exitCode !== null) continue
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(timer)
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const sendSms = async (fields: Readonly<Record<string, string>>) => {
    const query = new URLSearchParams({ username: 'test', password: 'test', ...fields })
    const response = await fetch(`http://127.0.0.1:${http}/cgi-bin/sendsms?${query}`)
    return `${response.status} ${await response.text()}`
  }
  const logged = async (child: ChildProcess, words: RegExp) => {
    for (const end = Date.now() + 30_000; !words.test(log()); ) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`Kannel does not start:\n${log()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  try {
    await logged(start(kannelPaths.bearerbox), /MAIN: Start-up done|Kannel bearerbox II version .* starting/)
    await answers(box)
    await logged(start(kannelPaths.smsbox), /Connected to bearerbox/)
    await answers(http)
  } catch (error) {
    await stop()
    throw error
  }
  return { sendSms, log, stop }
}

async function answers(port: number): Promise<void> {
  for (const end = Date.now() + 30_000; ; ) {
    const socket = connect(port, '127.0.0.1')
    try {
      await once(socket, 'connect')
      return
    } catch (error) {
      if (Date.now() > end) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    } finally {
      socket.destroy()
    }
  }
}
