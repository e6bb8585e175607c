/** Redis under measurement, if this version of the server can use one. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { MeasuredRedis } from './engines.ts'
import { refusalOf } from './installations.ts'
import { cpuMsOf } from './process.ts'

const peer = join(import.meta.dirname, '..', 'test', 'redis.ts')
const program = '/usr/bin/redis-server'

/** Of `test/redis.ts`, as far as it is needed here. */
type Peer = {
  startRedis(options: { readonly password: null; readonly settings: readonly string[] }): Promise<
    AsyncDisposable & {
      readonly url: string
      readonly nodes: readonly {
        readonly port: number
        pid(): number
        command(...words: string[]): Promise<unknown>
        info(section: string): Promise<Readonly<Record<string, string>>>
      }[]
    }
  >
}

/**
 * Its log is flushed every second, as it comes, and not rewritten meanwhile.
 * @param say  Told why there is none.
 */
export async function startMeasuredRedis(
  stack: AsyncDisposableStack,
  say: (why: string) => void,
): Promise<MeasuredRedis | null> {
  if (!existsSync(peer) || !existsSync(program)) {
    say(`${program} is not here, or nothing that starts it`)
    return null
  }
  const { startRedis } = (await import(peer)) as Peer
  const refusal = refusalOf({
    COUNTERSIGN_STORE: 'postgres://bench@127.0.0.1/bench',
    COUNTERSIGN_HOT: 'redis://127.0.0.1:6379',
  })
  if (refusal !== undefined) {
    say(refusal)
    return null
  }
  const redis = stack.use(await startRedis({ password: null, settings: ['auto-aof-rewrite-percentage 0'] }))
  const node = redis.nodes[0]!
  return {
    port: node.port,
    env: { COUNTERSIGN_HOT: redis.url },
    cpuMs: () => cpuMsOf(node.pid()),
    writtenBytes: async () => Number((await node.info('persistence')).aof_current_size),
    usedMemory: async () => Number((await node.info('memory')).used_memory),
  }
}
