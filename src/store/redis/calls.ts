/** Calls of functions in Redis: those of a turn go to a node in one write; none takes effect after its deadline. */

import { Cluster } from 'ioredis'
import { AppError } from '../../errors.ts'
import { allWithin } from './all-within.ts'
import type { Call, Reply } from './call.ts'
import type { Client } from './client.ts'
import type { Layout } from './layout.ts'
import type { Library, RedisFunction } from './library.ts'
import { invocationsOf } from './merged-calls.ts'
import type { WaitChoice } from './redis-choice.ts'

export type Calls = {
  /** @throws AppError `store.unavailable`; then the call may have taken effect, but will not do so later. */
  call(call: Call): Promise<Reply>
  /** Plain commands, read-only or harmless to do twice. @throws AppError `store.unavailable`. */
  command(until: number, name: string, key: string, ...args: (string | number)[]): Promise<unknown>
  /** Engine time of a shard's node, a little low; undefined until a node has answered. */
  nowOf(shard: number): number | undefined
}

type Waiting = Call & { resolve(reply: Reply): void; reject(error: AppError): void; tries: number }

/**
 * Errors after which a command was certainly not executed, so it may be sent again, there or elsewhere: those of a node
 * that refused it, and that of the client, which has not sent it because shards have moved.
 */
const undone =
  /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|READONLY)\b|should belong to the same slots allocation group$/
const retryPauseMs = 30
const maxTries = 20
const loadMs = 200
/** Functions whose writes a failover may lose: they are called again, and at worst a message is sent twice. */
const forgettable: ReadonlySet<RedisFunction> = new Set([
  ...(['claim', 'settle', 'postpone', 'release', 'end_waits'] as const),
  ...(['refund', 'behind', 'over', 'archived', 'find', 'asked', 'look'] as const),
  ...(['find_people', 'end_at_once', 'drop_messages'] as const),
])
/** A function gives up so much earlier than its caller, because the answer takes time too. */
const answerMs = 20

/** @param slots  The hash slot of each shard; empty without a cluster. */
export function createCalls(
  client: Client,
  library: Library,
  layout: Layout,
  slots: readonly number[],
  wait: WaitChoice | null,
): Calls {
  let gathered: Waiting[] = []
  /** Engine time of each node minus this process's steady clock; a little low, so that functions give up early. */
  const aheadOf = new Map<string, number>()
  let loading: Promise<Error | undefined> | undefined

  /** The master of a shard first, then its replicas. */
  function nodesOf(shard: number): readonly string[] {
    return client instanceof Cluster ? (client.slots[slots[shard]!] ?? []) : []
  }

  function send(): void {
    const calls = gathered
    gathered = []
    // Grouped by all nodes of a shard, as the client does: shards of one master may have different lists of replicas.
    const groups = Map.groupBy(calls, ({ shard }) => nodesOf(shard).join())
    for (const some of groups.values()) void sendTo(nodesOf(some[0]!.shard)[0] ?? '', some)
  }

  /** Infinity until a node has answered. */
  const aheadAt = (node: string) => aheadOf.get(node) ?? Math.min(...aheadOf.values())

  async function sendTo(node: string, calls: readonly Waiting[]): Promise<void> {
    const ahead = aheadAt(node)
    const notAfterOf = ({ until }: Call) =>
      Number.isFinite(ahead) ? Math.floor(until - answerMs + ahead) : 0
    const invocations = invocationsOf(calls, (shard) => layout.of[shard]!, notAfterOf)
    const pipeline = client.pipeline()
    for (const { name, keys, args } of invocations)
      pipeline.fcall(library.nameOf(name), keys.length, ...keys, ...args)
    const isAwaited = wait !== null && calls.some(({ name }) => !forgettable.has(name))
    if (isAwaited) {
      const { replicas, isOnDisk, timeoutMs } = wait
      if (isOnDisk) pipeline.call('WAITAOF', 1, replicas, timeoutMs)
      else pipeline.call('WAIT', replicas, timeoutMs)
    }
    let replies: [error: Error | null, reply: unknown][] | null
    try {
      replies = await pipeline.exec()
    } catch (error) {
      for (const call of calls) failed(call, error as Error)
      return
    }
    const missing = isAwaited ? missingOf(wait, replies![invocations.length]!) : null
    for (const [i, { calls: some, split }] of invocations.entries()) {
      const [error, value] = replies![i]!
      if (error) for (const call of some) failed(call, error)
      else
        for (const [nth, reply] of split(value as Reply).entries()) answered(node, some[nth]!, reply, missing)
    }
  }

  function answered(node: string, call: Waiting, reply: Reply, missing: string | null): void {
    const [kind, now] = reply
    aheadOf.set(node, now - performance.now())
    // By our clock it is not late: the node's clock was set. Its new time has just been noted.
    if (kind === 'late') again(call, new Error('Redis was too slow'))
    else if (missing !== null && !forgettable.has(call.name))
      call.reject(new AppError('store.unavailable', missing))
    else call.resolve(reply)
  }

  function failed(call: Waiting, error: Error): void {
    if (undone.test(error.message)) {
      // If only a part of a batch went to the wrong node, the client does not refresh its slots by itself.
      if (client instanceof Cluster && error.message.startsWith('MOVED')) client.refreshSlotsCache()
      again(call, error)
    } else if (/Function not found/.test(error.message)) {
      loading ??= load().finally(() => {
        loading = undefined
      })
      void loading.then((failure) => again(call, failure ?? error))
    } else call.reject(unavailable(error))
  }

  function again(call: Waiting, error: Error): void {
    if (++call.tries > maxTries || performance.now() + retryPauseMs >= call.until - answerMs)
      call.reject(unavailable(error))
    else setTimeout(() => add(call), call.tries === 1 ? 0 : retryPauseMs)
  }

  function add(call: Waiting): void {
    if (gathered.length === 0) setImmediate(send)
    gathered.push(call)
  }

  /** Loads the functions on every master: a new one, or one that came back empty, has none. */
  function load(): Promise<Error | undefined> {
    const nodes = client instanceof Cluster ? client.nodes('master') : [client]
    // A master that is away does not hold up calls to others. Calls to it try again, and are refused in the end.
    return allWithin(
      loadMs,
      nodes.map((node) =>
        node.function('LOAD', library.source).catch((error: Error) => {
          if (!/already exists/.test(error.message)) throw error
        }),
      ),
    )
  }

  return {
    call: (call) =>
      new Promise<Reply>((resolve, reject) => {
        add({ ...call, resolve, reject, tries: 0 })
      }),
    nowOf(shard) {
      const ahead = aheadAt(nodesOf(shard)[0] ?? '')
      return Number.isFinite(ahead) ? performance.now() + ahead : undefined
    },
    async command(until, name, key, ...args) {
      for (;;) {
        try {
          return await client.call(name, key, ...args)
        } catch (error) {
          const isUndone = undone.test((error as Error).message)
          if (!isUndone || performance.now() + retryPauseMs >= until) throw unavailable(error as Error)
          await new Promise((resolve) => setTimeout(resolve, retryPauseMs))
        }
      }
    },
  }
}

/** @returns How many replicas are missing, in words; null if none is. */
function missingOf(wait: WaitChoice, [error, reply]: [Error | null, unknown]): string | null {
  if (error) return error.message
  const reached = Number(wait.isOnDisk ? (reply as number[])[1] : reply)
  const isLocal = !wait.isOnDisk || (reply as number[])[0] === 1
  if (reached >= wait.replicas && isLocal) return null
  return `only ${reached} of ${wait.replicas} replicas had it within ${wait.timeoutMs} ms`
}

function unavailable(error: Error): AppError {
  return new AppError('store.unavailable', `Redis: ${error.message}`, { cause: error })
}
