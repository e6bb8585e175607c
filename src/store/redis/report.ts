/** The report on Redis for operators: version, size, replicas, and how far the history is behind. */

import { Cluster, type Redis } from 'ioredis'
import type { Replica, StoreReport } from '../store-report.ts'
import { type Client, createClient, ready, shardsOf } from './client.ts'
import { createLayout } from './layout.ts'
import type { RedisChoice } from './redis-choice.ts'

const reportMs = 5_000
/** Verifications should be in the history within this time after their codes ended. */
const maxBehindMs = 10_000

/** @throws AppError `store.unavailable` */
export async function reportRedis(choice: RedisChoice): Promise<StoreReport> {
  const client = createClient(choice, () => undefined)
  try {
    await ready(client, choice, reportMs)
    const masters = mastersOf(client)
    const infos = await Promise.all(masters.map(infoOf))
    const kept = await keptBy(client, choice)
    const replicas = infos.flatMap((info) => replicasOf(info, choice))
    const kind = choice.kind === 'cluster' ? `, cluster of ${masters.length} masters` : ''
    return {
      product: `Redis ${infos[0]!('redis_version')}${kind}`,
      schema: null,
      bytes: infos.reduce((sum, info) => sum + Number(info('used_memory')), 0),
      rows: { 'live code': kept.live, message: kept.messages },
      replicas,
      problems: [...new Set(infos.flatMap(problemsOf)), ...kept.problems],
    }
  } finally {
    client.disconnect()
  }
}

/** The masters at this moment: each has some of the shards. */
export function mastersOf(client: Client): readonly Redis[] {
  return client instanceof Cluster ? client.nodes('master') : [client]
}

type Info = (name: string) => string

/** A field of INFO by its name; empty if there is none. */
export async function infoOf(node: Redis): Promise<Info> {
  const text = await node.info()
  return (name) => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(text)?.[1] ?? ''
}

async function keptBy(client: Client, choice: RedisChoice) {
  const keys = createLayout(choice.prefix, shardsOf(choice)).of
  const [time] = await mastersOf(client)[0]!.time()
  const now = Number(time) * 1000
  const all = await Promise.all(
    keys.map(async ({ live, entries, ends }) => {
      const [lives, messages, [, endedAt]] = await Promise.all([
        client.hlen(live),
        client.hlen(entries),
        client.zrange(ends, '0', '0', 'WITHSCORES'),
      ])
      return { lives, messages, behindMs: endedAt === undefined ? 0 : Math.max(0, now - Number(endedAt)) }
    }),
  )
  const behindMs = Math.max(...all.map((one) => one.behindMs))
  return {
    live: all.reduce((sum, one) => sum + one.lives, 0),
    messages: all.reduce((sum, one) => sum + one.messages, 0),
    problems:
      behindMs > maxBehindMs
        ? [
            `the history is ${Math.ceil(behindMs / 1000)} s behind: no process moves to PostgreSQL what is over; is a server running, and does PostgreSQL take writes?`,
          ]
        : [],
  }
}

/** The replicas in the words of the master: `slave0:ip=…,port=…,state=online,offset=…,lag=1`, lag in seconds. */
function replicasOf(info: Info, { wait }: RedisChoice): readonly Replica[] {
  const written = Number(info('master_repl_offset'))
  return Array.from({ length: Number(info('connected_slaves')) || 0 }, (_, nth) => {
    const fields = Object.fromEntries(
      info(`slave${nth}`)
        .split(',')
        .map((part) => part.split('=') as [string, string]),
    )
    return {
      name: `${fields.ip}:${fields.port}`,
      state: fields.state ?? null,
      isAwaited: (wait?.replicas ?? 0) > 0,
      behindBytes: Math.max(0, written - Number(fields.offset)),
      behindMs: Number(fields.lag) * 1000,
    }
  })
}

function problemsOf(info: Info): readonly string[] {
  const problems: string[] = []
  if (info('aof_enabled') === '0')
    problems.push(
      'appendonly is no: a restart forgets every limit and live code, and lets codes be guessed anew; set appendonly yes',
    )
  if (info('maxmemory') !== '0' && info('maxmemory_policy') !== 'noeviction')
    problems.push(`maxmemory-policy is ${info('maxmemory_policy')}: limits would be dropped; set noeviction`)
  if (info('aof_last_write_status') === 'err') problems.push('its file cannot be written: is the disk full?')
  if (info('master_link_status') === 'down') problems.push('it is a replica that has lost its master')
  return problems
}
