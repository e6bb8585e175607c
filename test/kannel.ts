/** A Kannel gateway of Debian for a test: bearerbox, smsbox and a fake centre, on free ports in a temporary folder. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from './free-port.ts'

export const kannelPaths = {
  bearerbox: '/usr/sbin/bearerbox',
  smsbox: '/usr/sbin/smsbox',
  fakesmsc: '/usr/lib/kannel/test/fakesmsc',
}

export type Kannel = {
  /** Where smsbox listens for sendsms. */
  readonly url: string
  /** What the centre got, as its own lines have it: `SENDER RECEIVER text|ucs-2 WORDS`. */
  readonly messages: readonly string[]
  /** Ends the centre, so that messages wait in the gateway. */
  endCentre(): Promise<void>
  stop(): Promise<void>
}

export async function startKannel(user: string, password: string): Promise<Kannel> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-kannel-'))
  const [admin, boxes, centre, sendsms] = await freePorts(4)
  const file = join(folder, 'kannel.conf')
  writeFileSync(
    file,
    `group = core
admin-port = ${admin}
admin-interface = "127.0.0.1"
admin-password = unused
smsbox-port = ${boxes}
smsbox-interface = "127.0.0.1"
box-allow-ip = "127.0.0.1"

group = smsc
smsc = fake
smsc-id = centre
host = 127.0.0.1
port = ${centre}
connect-allow-ip = "127.0.0.1"

group = smsbox
bearerbox-host = "127.0.0.1"
bearerbox-port = ${boxes}
sendsms-port = ${sendsms}
sendsms-interface = "127.0.0.1"
http-request-retry = 5
http-queue-delay = 1

group = sendsms-user
username = ${user}
password = ${password}
default-sender = 12345
max-messages = 3
concatenation = true
`,
  )
  const started: ChildProcess[] = []
  const run = (command: string, parameters: readonly string[], stderr: 'ignore' | 'pipe' = 'ignore') => {
    const child = spawn(command, parameters, { cwd: folder, stdio: ['ignore', stderr, stderr] })
    started.push(child)
    return child
  }
  const messages: string[] = []
  run(kannelPaths.bearerbox, ['-v', '4', file])
  await listening(boxes!)
  await listening(centre!)
  run(kannelPaths.smsbox, ['-v', '4', file])
  await listening(sendsms!)
  const fake = run(
    kannelPaths.fakesmsc,
    ['-H', '127.0.0.1', '-r', String(centre), '-m', '0', '1 2 text unused'],
    'pipe',
  )
  for (const stream of [fake.stdout!, fake.stderr!])
    createInterface(stream).on('line', (line) => {
      const [, message] = /Got message \d+: <(.*)>$/.exec(line) ?? []
      if (message !== undefined) messages.push(message)
    })

  const end = async (child: ChildProcess) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill()
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await once(child, 'exit')
    clearTimeout(late)
  }
  return {
    url: `http://127.0.0.1:${sendsms}`,
    messages,
    endCentre: () => end(fake),
    async stop() {
      for (const child of started.toReversed()) await end(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function listening(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await sleep(50)
  }
  throw new Error(`nothing listens on port ${port} after 10 s`)
}
