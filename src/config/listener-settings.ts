/** Settings of the listeners, for callers and for the operator, and of the URL by which the outside reaches them. */

import { isLoopback } from '../network/loopback.ts'
import { type Endpoint, parseEndpoint } from './providers/parts.ts'
import type { Settings } from './settings.ts'
import type { SettingsFile } from './settings-schema.ts'

export type ListenerSettings = Pick<Settings, 'https' | 'http' | 'isBehindProxy'> & {
  readonly admin: Settings['admin']['listen']
  readonly metrics: Settings['metrics']['listen']
}

export function listenersOf(set: SettingsFile, problems: string[]): ListenerSettings {
  const isBehindProxy = set.behindProxy ?? false
  const https = endpointOf('https', set.https ?? (isBehindProxy ? 'off' : '127.0.0.1:8443'), problems)
  const http = endpointOf('http', set.http ?? '127.0.0.1:8080', problems)
  if (http && !isBehindProxy && !isLoopback(http.host))
    problems.push(
      `http: ${http.host} is not a loopback address; serve HTTPS, or set behindProxy if a proxy in front ends TLS`,
    )
  if (!https && !http) problems.push('https, http: at least one must listen')
  const admin = operatorListenOf('admin', set, http, problems)
  const metrics = operatorListenOf('metrics', set, http, problems)
  if (metrics !== null && metrics !== 'http' && !isLoopback(metrics.host) && !set.metrics?.tokenFile)
    problems.push(`metrics.listen: ${metrics.host} is not a loopback address; state metrics.tokenFile for it`)
  return { https, http, isBehindProxy, admin, metrics }
}

/** @returns Without a slash at its end. */
export function publicUrlOf({ publicUrl }: SettingsFile, problems: string[]): string | null {
  if (publicUrl === undefined) return null
  const url = URL.parse(publicUrl)
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))
  if (!url || !isSafe || url.search || url.hash || url.username || url.password)
    problems.push('publicUrl: must be https://HOST, such as https://codes.example.com')
  return url?.href.replace(/(?<!\/)\/+$/, '') ?? null
}

/** Calls of the operator carry a token, so beyond this machine they are answered only under TLS. */
function operatorListenOf(
  name: 'admin' | 'metrics',
  set: SettingsFile,
  http: Endpoint | null,
  problems: string[],
): Settings['admin']['listen'] {
  const stated = set[name]?.listen
  if (stated === undefined) return http ? 'http' : null
  if (stated === 'http') {
    if (!http) problems.push(`${name}.listen: is http, but http is off; state HOST:PORT, or off`)
    return 'http'
  }
  const endpoint = endpointOf(`${name}.listen`, stated, problems)
  if (endpoint && !isLoopback(endpoint.host) && !set.tls)
    problems.push(
      `${name}.listen: ${endpoint.host} is not a loopback address; state tls.certificate and tls.key for it`,
    )
  return endpoint
}

/** Reads `HOST:PORT`, with IPv6 in brackets, where port 0 stands for any free one. `off` gives null. */
function endpointOf(name: string, text: string, problems: string[]): Endpoint | null {
  if (text === 'off') return null
  const endpoint = parseEndpoint(text)
  if (endpoint) return endpoint
  problems.push(`${name}: must be HOST:PORT, such as 127.0.0.1:8080 or [::1]:8443, or off`)
  return null
}
