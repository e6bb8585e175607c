/** The settings by which Redis is reached, and the name that an operator reads. */

export type Endpoint = { readonly host: string; readonly port: number }

export type RedisChoice = {
  readonly kind: 'single' | 'sentinel' | 'cluster'
  /** The server, the Sentinels, or some nodes of the cluster. */
  readonly endpoints: readonly Endpoint[]
  /** The name of the master at the Sentinels. */
  readonly masterName: string | null
  readonly user: string | null
  readonly password: string | null
  readonly tls: 'verify' | 'off'
  readonly caFile: string | null
  /** Separates installations that share a server. */
  readonly prefix: string
  readonly wait: WaitChoice | null
}

/** The replicas that a write waits for. */
export type WaitChoice = {
  /** The number of replicas that must have it in memory (WAIT), or in their files too (WAITAOF). */
  readonly replicas: number
  readonly isOnDisk: boolean
  readonly timeoutMs: number
}

/** The name for an operator, without a password. */
export function redisName({ kind, endpoints, masterName, user }: RedisChoice): string {
  const scheme = kind === 'single' ? 'redis' : `redis+${kind}`
  const hosts = endpoints.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
  return `${scheme}://${user === null ? '' : `${encodeURIComponent(user)}@`}${hosts.join(',')}${masterName === null ? '' : `/${masterName}`}`
}
