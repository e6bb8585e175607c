/** Connects to Redis: a single server, one behind Sentinels, or a cluster. Never resends a command that may have been done. */

import { readFileSync } from 'node:fs'
import { Cluster, Redis } from 'ioredis'
import { AppError } from '../../errors.ts'
import { type RedisChoice, redisName } from './redis-choice.ts'

export type Client = Redis | Cluster

/**
 * The number of shards in a cluster. Each is one hash slot, so up to so many masters share the load. Never change it for
 * data that is in use. Without a cluster there is one shard, and every verb is one function on one server.
 */
const clusterShards = 64

export function shardsOf({ kind }: RedisChoice): number {
  return kind === 'cluster' ? clusterShards : 1
}

/** After so long without an answer to a command, the connection counts as dead. */
const silenceMs = 2_000
const connectMs = 1_000
const keepAliveMs = 10_000
const maxPauseMs = 300

const pauseMs = (times: number) => Math.min(times * 50, maxPauseMs)

/** @returns A client that is connecting; see `ready`. Errors go to `onError`, and to each call. */
export function createClient(choice: RedisChoice, onError: (error: Error) => void): Client {
  const { user, password, tls, caFile } = choice
  const common = {
    ...(user !== null && { username: user }),
    ...(password !== null && { password }),
    ...(tls === 'verify' && { tls: { ...(caFile && { ca: readFileSync(caFile, 'utf8') }) } }),
    connectionName: 'countersign',
    connectTimeout: connectMs,
    socketTimeout: silenceMs,
    keepAlive: keepAliveMs,
    // A command whose answer was lost may have been done, so its caller gets an error instead of a second try.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // A master that has become a replica refuses writes; a new connection finds the present master.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    protocol: 2 as const,
  }
  const client = made()
  client.on('error', onError)
  return client

  function made(): Client {
    switch (choice.kind) {
      case 'single':
        return new Redis({
          ...common,
          ...choice.endpoints[0]!,
          enableOfflineQueue: false,
          retryStrategy: pauseMs,
        })
      case 'sentinel':
        return new Redis({
          ...common,
          sentinels: [...choice.endpoints],
          name: choice.masterName!,
          failoverDetector: true,
          sentinelRetryStrategy: pauseMs,
          enableOfflineQueue: false,
          retryStrategy: pauseMs,
        })
      case 'cluster':
        return new Cluster([...choice.endpoints], {
          redisOptions: common,
          enableOfflineQueue: false,
          clusterRetryStrategy: pauseMs,
          // 0: a command whose connection was lost is not sent again by itself.
          retryDelayOnFailover: 0,
          retryDelayOnClusterDown: 100,
          retryDelayOnMoved: 0,
          slotsRefreshTimeout: connectMs,
          slotsRefreshInterval: 1_000,
        })
    }
  }
}

/**
 * @param onAwaited  Called once if it does not answer at the first try.
 * @throws AppError `store.unavailable` if it does not answer within `timeoutMs`.
 */
export async function ready(
  client: Client,
  choice: RedisChoice,
  timeoutMs: number,
  onAwaited?: (reason: string) => void,
): Promise<void> {
  if (client.status === 'ready') return
  let last: Error | undefined
  const note = (error: Error) => {
    if (last === undefined) onAwaited?.(unreachable(choice, error).message)
    last = error
  }
  client.on('error', note)
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', () => resolve())
      timer = setTimeout(() => reject(unreachable(choice, last)), timeoutMs)
    })
  } finally {
    clearTimeout(timer)
    client.off('error', note)
  }
}

/** The error for the person who starts a server: address and Redis's words, but never the password. */
function unreachable(choice: RedisChoice, error: Error | undefined): AppError {
  return new AppError(
    'store.unavailable',
    `Redis at ${redisName(choice)}: ${error?.message || 'no answer'}. Is it running, and may this user log in?`,
  )
}
