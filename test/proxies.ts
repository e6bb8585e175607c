/** nginx and HAProxy of Debian in front of a test's servers, by the very files that docs/deploy has for them. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { endWithUs } from './hard-end.ts'

export const haproxyPath = '/usr/sbin/haproxy'
export const nginxPath = '/usr/sbin/nginx'

export type FrontProxy = AsyncDisposable & {
  readonly url: string
  /** Sends nothing more to this server, and waits until nothing is on its way to it; null: sends to all. */
  leaveOut(port: number | null): Promise<void>
}

const deploy = join(import.meta.dirname, '..', 'docs', 'deploy')

/** @param ports  Of the servers, on this machine; as many as the file names. */
export async function startHaproxy(ports: readonly number[]): Promise<FrontProxy> {
  const root = mkdtempSync(join(tmpdir(), 'countersign-haproxy-'))
  const port = await freePort()
  const file = join(root, 'haproxy.cfg')
  writeFileSync(file, withPorts('haproxy.cfg', ports).replace(/bind :8443 .*/, `bind 127.0.0.1:${port}`))
  const child = spawn(haproxyPath, ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] })
  await listening(child, port)
  return {
    url: `http://127.0.0.1:${port}`,
    // It asks the servers itself.
    leaveOut: async () => undefined,
    [Symbol.asyncDispose]: () => ended(child, root),
  }
}

/** @param location  In place of what the file has for a path of ours: directives of nginx for every path. */
export async function startNginx(ports: readonly number[], location?: string): Promise<FrontProxy> {
  const root = mkdtempSync(join(tmpdir(), 'countersign-nginx-'))
  const port = await freePort()
  const [file, site] = [join(root, 'nginx.conf'), join(root, 'site.conf')]
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(root, name)};`)
    .join(' ')
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const conf =
    location === undefined
      ? withPorts('nginx.conf', ports)
      : `server { listen 443 ssl; location / { proxy_pass http://127.0.0.1:${ports[0]}; ${location} } }`
  const write = (without: number | null) =>
    writeFileSync(
      site,
      conf
        .replace(`127.0.0.1:${without};`, `127.0.0.1:${without} down;`)
        .replace(/listen 443 ssl;/, `listen 127.0.0.1:${port};`)
        .replace(/^ *ssl_.*$/gm, ''),
    )
  write(null)
  writeFileSync(
    file,
    `${user} pid ${join(root, 'pid')}; error_log stderr warn; worker_processes 1;
events { worker_connections 1024; }
http { access_log off; ${temporary} include ${site}; }
`,
  )
  const child = spawn(nginxPath, ['-p', root, '-c', file, '-g', 'daemon off;'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await listening(child, port)
  const workers = () =>
    readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ').filter(Boolean)
  return {
    url: `http://127.0.0.1:${port}`,
    async leaveOut(without) {
      const before = workers()
      write(without)
      child.kill('SIGHUP')
      // Those of the old settings end when they have answered all they took.
      while (workers().length === 0 || workers().some((one) => before.includes(one)))
        await new Promise((resolve) => setTimeout(resolve, 20))
    },
    [Symbol.asyncDispose]: () => ended(child, root),
  }
}

function withPorts(name: string, ports: readonly number[]): string {
  return ports.reduce(
    (text, port, i) => text.replace(`countersign${i + 1}:8080`, `127.0.0.1:${port}`),
    readFileSync(join(deploy, name), 'utf8'),
  )
}

async function listening(child: ChildProcess, port: number): Promise<void> {
  endWithUs(child)
  let words = ''
  for (const stream of [child.stdout!, child.stderr!])
    stream.on('data', (chunk) => {
      words += chunk
    })
  for (const end = Date.now() + 10_000; !(await answers(port)); ) {
    if (child.exitCode !== null || Date.now() > end) throw new Error(`the proxy did not start:\n${words}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

async function ended(child: ChildProcess, root: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = once(child, 'exit')
    child.kill('SIGTERM')
    await exit
  }
  rmSync(root, { recursive: true, force: true })
}
