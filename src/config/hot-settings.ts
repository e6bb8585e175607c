/** Settings of the Redis beside the store: its addresses, the connection to it, and the replicas a write waits for. */

import { resolve } from 'node:path'
import { type Static, Type } from '../json-schema.ts'
import { isLoopback } from '../network/loopback.ts'
import type { RedisChoice } from '../store/redis/redis-choice.ts'
import { parseDuration } from './duration.ts'
import { fileProblems } from './files.ts'
import { durationPattern, optional, strict } from './policy-schema.ts'
import { decodedPart, parseEndpoint, readSecret, text } from './providers/parts.ts'

export const redisSchema = Type.Object(
  {
    password: text('Password of the user. Better in a file, or in the environment.'),
    passwordFile: text('File that holds the password.'),
    tls: optional(
      Type.Union([Type.Literal('verify'), Type.Literal('off')], {
        description:
          'verify: TLS, and the certificate must be of the host. off by default for servers on this machine, else verify.',
      }),
    ),
    caFile: text('PEM file of certificate authorities to trust instead of the system’s.'),
    prefix: optional(
      Type.String({
        pattern: '^[a-z0-9-]{1,40}$',
        description: 'Sets installations apart that share a server: begins every key.',
        default: 'countersign',
      }),
    ),
    waitReplicas: optional(
      Type.Integer({
        minimum: 0,
        maximum: 5,
        description:
          'Replicas that must have a write before it is answered for. 0: none, and a failover may lose what was written in the moment before it.',
        default: 0,
      }),
    ),
    waitFor: optional(
      Type.Union([Type.Literal('memory'), Type.Literal('disk')], {
        description:
          'What they, and for disk the master too, must have it in: memory (WAIT), or disk (WAITAOF; Redis 7.2 or Valkey, with appendonly yes).',
        default: 'memory',
      }),
    ),
    waitTimeout: optional(
      Type.String({
        pattern: durationPattern,
        description:
          'A write that has not reached them by then is refused as if the store were away. At most 700ms.',
        default: '300ms',
      }),
    ),
  },
  strict,
)

export type HotFile = { readonly hot?: string; readonly redis?: Static<typeof redisSchema> }

const form =
  'redis://USER@HOST:PORT, redis+sentinel://HOST:PORT,HOST:PORT/NAME or redis+cluster://HOST:PORT,HOST:PORT'
const kinds = { redis: 'single', 'redis+sentinel': 'sentinel', 'redis+cluster': 'cluster' } as const
const defaultPorts = { single: 6379, sentinel: 26_379, cluster: 6379 } as const
/** The longest wait for replicas: a refusal after it must still reach its caller within a second. */
const maxWaitMs = 700

/** @returns null if there is none, or a problem. */
export function hotOf({ hot, redis: own }: HotFile, problems: string[]): RedisChoice | null {
  if (hot === undefined) {
    if (own !== undefined) problems.push('redis: is of no use without hot; state hot: redis://HOST:PORT')
    return null
  }
  const parts = /^(redis(?:\+sentinel|\+cluster)?):\/\/(?:([^@/]*)@)?([^/@?#]+)(?:\/([^/?#]*))?$/.exec(hot)
  if (!parts) {
    problems.push(`hot: must be ${form}`)
    return null
  }
  const [, scheme, user, hosts, rest] = parts as unknown as [
    string,
    keyof typeof kinds,
    string?,
    string?,
    string?,
  ]
  const kind = kinds[scheme]
  if (user?.includes(':')) {
    problems.push(
      'hot: must not hold a password, which would be shown and logged; state redis.passwordFile, or COUNTERSIGN_REDIS_PASSWORD',
    )
    return null
  }
  const endpoints = hosts!
    .split(',')
    .map((host) => parseEndpoint(/:\d+$/.test(host) ? host : `${host}:${defaultPorts[kind]}`))
  const isOne = kind === 'single' ? endpoints.length === 1 : true
  const isNamed = kind === 'sentinel' ? !!rest : !rest
  const name = decodedPart(user ?? '')
  if (endpoints.includes(undefined as never) || !isOne || !isNamed || name === undefined) {
    problems.push(`hot: must be ${form}`)
    return null
  }
  problems.push(...fileProblems('redis.caFile', own?.caFile))
  const timeoutMs = parseDuration(own?.waitTimeout ?? '300ms') ?? 0
  if (timeoutMs < 1 || timeoutMs > maxWaitMs) problems.push('redis.waitTimeout: must be from 1ms to 700ms')
  const replicas = own?.waitReplicas ?? 0
  const isOnDisk = own?.waitFor === 'disk'
  return {
    kind,
    endpoints: endpoints as { host: string; port: number }[],
    masterName: kind === 'sentinel' ? rest! : null,
    user: name === '' ? null : name,
    password: readSecret(own ?? {}, 'password', 'redis', problems),
    tls: own?.tls ?? (endpoints.every((endpoint) => isLoopback(endpoint!.host)) ? 'off' : 'verify'),
    caFile: own?.caFile === undefined ? null : resolve(own.caFile),
    prefix: own?.prefix ?? 'countersign',
    wait: replicas > 0 || isOnDisk ? { replicas, isOnDisk, timeoutMs } : null,
  }
}
