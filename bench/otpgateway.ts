/** knadh/otpgateway as a server under measurement, on a Redis of its own. */

import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../test/free-port.ts'
import { endWithUs } from '../test/hard-end.ts'
import { startRedis } from '../test/redis.ts'
import type { Peers } from './carriers.ts'
import { cpuMsOf, ended, type Watched, watch } from './process.ts'

/** When Redis flushes its log: `appendfsync`. */
export const flushings = ['everysec', 'always'] as const
export type Flushing = (typeof flushings)[number]

export const credentials = { namespace: 'bench', secret: 'a-secret-of-the-bench' }

export type Otpgateway = AsyncDisposable & {
  readonly http: string
  readonly process: Watched
  redisCpuMs(): number
}

/** @param options.path  Its program. @param options.peers  The webhook that it sends by is one of them. */
export async function startOtpgateway(
  { path, folder, peers }: { readonly path: string; readonly folder: string; readonly peers: Peers },
  flushing: Flushing,
): Promise<Otpgateway> {
  const stack = new AsyncDisposableStack()
  try {
    const redis = stack.use(
      await startRedis({
        password: null,
        settings: [`appendfsync ${flushing}`, 'auto-aof-rewrite-percentage 0'],
      }),
    )
    const node = redis.nodes[0]!
    const port = await freePort()
    const home = join(folder, `otpgateway-${flushing}`)
    mkdirSync(join(home, 'static'), { recursive: true })
    // A binary that was built without its pages looks for them here, and does not start without any.
    writeFileSync(join(home, 'static', 'index.html'), '{{ define "index" }}{{ end }}')
    writeFileSync(
      join(home, 'static', 'sms.txt'),
      '{{ .OTP }} is your verification code for {{ .Namespace }}.',
    )
    writeFileSync(join(home, 'config.toml'), settingsOf(port, node.port, peers.webhook))
    const child = spawn(path, [], { cwd: home, stdio: 'ignore' })
    endWithUs(child)
    stack.defer(() => ended(child))
    const http = `http://127.0.0.1:${port}`
    await answers(`${http}/api/health`)
    return {
      http,
      process: watch(child.pid!),
      redisCpuMs: () => cpuMsOf(node.pid()),
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      if ((await fetch(url)).ok) return
    } catch {
      // not yet
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} did not answer`)
}

/** As its own sample has it, with connections enough for this load, and without a line of log for each request. */
function settingsOf(port: number, redisPort: number, webhook: string): string {
  return `
[app]
address = "127.0.0.1:${port}"
server_timeout = "5s"
enable_debug_logs = false
otp_ttl = 600
otp_max_attempts = 5
otp_max_resends = 3
otp_max_generate = 3
root_url = "http://localhost:${port}"

[store.redis]
host = "127.0.0.1"
port = "${redisPort}"

[auth.bench]
namespace = "${credentials.namespace}"
secret = "${credentials.secret}"

[webhooks.webhook]
id = "webhook"
enabled = true
url = "${webhook}"
max_conns = 100
timeout = "5s"
subject = "verification"
template = "static/sms.txt"
channel_name = "SMS"
address_name = "Mobile number"
max_address_len = 15
max_otp_len = 6
`
}
