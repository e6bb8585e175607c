/** Calls of functions in Redis: those of a turn go to a node in one write, and none is done after its caller gave up. */

import { Cluster } from 'ioredis'
import { AppError } from '../../errors.ts'
import { allWithin } from './arrivals.ts'
import type { Client, WaitChoice } from './client.ts'
import type { Library, RedisFunction } from './library.ts'

export type Call = {
  readonly name: RedisFunction
  /** Where all the keys lie. */
  readonly shard: number
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
  /** By `performance.now()`: later it must not be done. */
  readonly until: number
}

/** Kind of the answer, engine time of the node, and what else the function answers. */
export type Reply = readonly [kind: string, now: number, ...rest: (string | number)[]]

export type Calls = {
  /** @throws AppError `store.unavailable`; then it may have been done, but will not be later. */
  call(call: Call): Promise<Reply>
  /** Plain commands, read-only or harmless to do twice. @throws AppError `store.unavailable`. */
  command(until: number, name: string, key: string, ...args: (string | number)[]): Promise<unknown>
}

type Waiting = Call & { resolve(reply: Reply): void; reject(error: AppError): void; tries: number }

/**
 * What a node says of a command that it has not done, or the client of what it has not sent since it learned that
 * shards have moved: it may be asked again, there or elsewhere.
 */
const undone =
  /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN|LOADING|MASTERDOWN|READONLY)\b|should belong to the same slots allocation group$/
const retryPauseMs = 30
const mostTries = 20
const loadMs = 200
/** What a failover may forget: it is done again, and at worst a message is sent twice. So it waits for no replica. */
const forgettable: ReadonlySet<RedisFunction> = new Set([
  ...(['claim', 'settle', 'postpone', 'release', 'end_waits'] as const),
  ...(['give_back', 'over', 'archived', 'find'] as const),
])
/** How much earlier than its caller gives up a function gives up: the answer needs time too. */
const answerMs = 20

/** @param slots  The hash slot of each shard; empty without a cluster. */
export function createCalls(
  client: Client,
  library: Library,
  slots: readonly number[],
  wait: WaitChoice | null,
): Calls {
  let gathered: Waiting[] = []
  /** Engine time of each node less this process's steady clock; a little low, so that calls are given up early. */
  const aheadOf = new Map<string, number>()
  let loading: Promise<Error | undefined> | undefined

  /** The master of a shard first, then its replicas. */
  function nodesOf(shard: number): readonly string[] {
    return client instanceof Cluster ? (client.slots[slots[shard]!] ?? []) : []
  }

  function send(): void {
    const calls = gathered
    gathered = []
    // By all its nodes, as the client does: shards of one master whose replicas it knows differently are apart.
    const groups = Map.groupBy(calls, ({ shard }) => nodesOf(shard).join())
    for (const some of groups.values()) void sendTo(nodesOf(some[0]!.shard)[0] ?? '', some)
  }

  async function sendTo(node: string, calls: readonly Waiting[]): Promise<void> {
    const ahead = aheadOf.get(node) ?? Math.min(...aheadOf.values())
    const pipeline = client.pipeline()
    for (const { name, keys, args, until } of calls) {
      const notAfter = Number.isFinite(ahead) ? Math.floor(until - answerMs + ahead) : 0
      pipeline.fcall(library.nameOf(name), keys.length, ...keys, notAfter, ...args)
    }
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
    const missing = isAwaited ? missingOf(wait, replies![calls.length]!) : null
    for (const [i, call] of calls.entries()) {
      const [error, value] = replies![i]!
      if (error) failed(call, error)
      else answered(node, call, value as Reply, missing)
    }
  }

  function answered(node: string, call: Waiting, reply: Reply, missing: string | null): void {
    const [kind, now] = reply
    aheadOf.set(node, now - performance.now())
    // Not late by our clock: the node's was set, and is learned now.
    if (kind === 'late') again(call, new Error('Redis was too slow'))
    else if (missing !== null && !forgettable.has(call.name))
      call.reject(new AppError('store.unavailable', missing))
    else call.resolve(reply)
  }

  function failed(call: Waiting, error: Error): void {
    if (undone.test(error.message)) {
      // Of a batch that only in part went to the wrong node the client does not learn by itself.
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
    if (++call.tries > mostTries || performance.now() + retryPauseMs >= call.until - answerMs)
      call.reject(unavailable(error))
    else setTimeout(() => add(call), call.tries === 1 ? 0 : retryPauseMs)
  }

  function add(call: Waiting): void {
    if (gathered.length === 0) setImmediate(send)
    gathered.push(call)
  }

  /** On every master: a new one, or one that came back empty, has none. */
  function load(): Promise<Error | undefined> {
    const nodes = client instanceof Cluster ? client.nodes('master') : [client]
    // One that is away holds nobody up on the others; whose own it is asks again, and is told.
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

/** @returns What was not reached; null if all was. */
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
