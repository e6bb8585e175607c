/** A Postgrey of its own for a test: one loopback port, an empty memory, a short delay. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'

export const postgreyPath = '/usr/sbin/postgrey'

export type Postgrey = AsyncDisposable & { readonly port: number }

/** Puts off the first mail of each sender, recipient and network, and takes what comes again after the delay. */
export async function startPostgrey(delaySeconds: number): Promise<Postgrey> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-postgrey-'))
  const none = join(folder, 'none')
  writeFileSync(none, '')
  const port = await freePort()
  const child = spawn(
    postgreyPath,
    [
      `--inet=127.0.0.1:${port}`,
      `--dbdir=${folder}`,
      `--delay=${delaySeconds}`,
      // The system's own lists know this machine, and five good mails make any client known.
      `--whitelist-clients=${none}`,
      `--whitelist-recipients=${none}`,
      '--auto-whitelist-clients=0',
      '--user=root',
      '--group=root',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let words = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      words += chunk
    })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit')
      child.kill()
      await ended
    }
    rmSync(folder, { recursive: true, force: true })
  }
  for (let tries = 0; !(await isListening(port)); tries++) {
    if (tries === 600 || child.exitCode !== null) {
      await stop()
      throw new Error(`Postgrey did not come up: ${words}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { port, [Symbol.asyncDispose]: stop }
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
