/** A PgBouncer of its own for a test, in transaction mode, in front of a test's PostgreSQL. */

import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { type Postgres, unprivileged } from './postgres.ts'

export const pgbouncerPath = '/usr/sbin/pgbouncer'

/** @param serverConnections  To the server, for all clients together: few, so that they are handed round. */
export async function startPgbouncer(
  postgres: Postgres,
  serverConnections: number,
): Promise<AsyncDisposable & { readonly port: number }> {
  const root = mkdtempSync(join(tmpdir(), 'countersign-pgbouncer-'))
  chmodSync(root, 0o755)
  const port = await freePort()
  const { user, password } = postgres.client('')
  writeFileSync(join(root, 'users'), `"${user}" "${password}"\n`)
  writeFileSync(
    join(root, 'pgbouncer.ini'),
    `[databases]
* = host=127.0.0.1 port=${postgres.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${join(root, 'users')}
pool_mode = transaction
default_pool_size = ${serverConnections}
max_client_conn = 200
`,
  )
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', 'postgres:', root])
  const child = spawn(...unprivileged(pgbouncerPath, [join(root, 'pgbouncer.ini')]), {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let words = ''
  child.stderr.on('data', (chunk) => {
    words += chunk
  })
  for (const end = Date.now() + 10_000; ; ) {
    if (child.exitCode !== null || Date.now() > end) throw new Error(`PgBouncer did not start:\n${words}`)
    if (await answers(port)) break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    port,
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
      rmSync(root, { recursive: true, force: true })
    },
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}
