/** The way to one carrier's server: kept connections, bounds on time and size, and no way into private networks. */

import type { LookupAddress, LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { getCACertificates } from 'node:tls'
import { buildConnector, Pool } from 'undici'
import { lookupName } from '../../network/names.ts'
import { networksOf, privateNetworks } from '../../network/networks.ts'
import type { Outgoing } from './outgoing.ts'

export type Answer = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly text: string
}

/** No whole answer came. */
export class Lost extends Error {
  /** The request went out, so that the carrier may have taken it. */
  readonly wasSent: boolean

  constructor(wasSent: boolean, reason: string) {
    super(reason)
    this.wasSent = wasSent
  }
}

export type HttpClient = {
  /** @throws Lost */
  exchange(request: Outgoing, signal: AbortSignal): Promise<Answer>
  close(): Promise<void>
}

export type HttpClientSettings = {
  /** Scheme, host and port; what follows is not looked at. */
  readonly server: string
  readonly allowPrivate: readonly string[]
  readonly ca: string | null
  readonly connections: number
  /** Of names. Default: `lookupName`. */
  readonly lookup?: LookupFunction
}

/** Name look-up, TCP and TLS together. */
const connectTimeoutMs = 3_000
/** The whole exchange: just less than a dispatch may take. */
const exchangeTimeoutMs = 9_000
const largestAnswer = 64 * 1024

export function createHttpClient(settings: HttpClientSettings): HttpClient {
  const { server, connections } = settings
  const pool = new Pool(new URL(server).origin, {
    connections,
    pipelining: 1,
    // A connection that the server ends at the same moment loses a request: rather a new one soon.
    keepAliveTimeout: 4_000,
    headersTimeout: exchangeTimeoutMs,
    bodyTimeout: exchangeTimeoutMs,
    maxResponseSize: -1, // ours says which answer it was
    connect: guardedConnector(settings),
  })

  return {
    exchange: (request, signal) =>
      new Promise<Answer>((resolve, reject) => {
        let wasSent = false
        let status = 0
        let headers: Answer['headers'] = {}
        const chunks: Buffer[] = []
        let size = 0
        let abort = (_reason: Lost): void => {}
        const give = (reason: string) => {
          const lost = new Lost(wasSent, reason)
          reject(lost)
          abort(lost)
        }
        const ended = AbortSignal.any([signal, AbortSignal.timeout(exchangeTimeoutMs)])
        const onAbort = () => give(wasSent ? 'no answer in time' : 'no connection in time')
        const settle = () => ended.removeEventListener('abort', onAbort)
        if (ended.aborted) return onAbort()
        ended.addEventListener('abort', onAbort, { once: true })
        const { method, path, body } = request
        pool.dispatch(
          { method, path, headers: request.headers, body: body === '' ? null : body },
          {
            onRequestStart(controller) {
              // Given up while it waited for a connection: nothing has gone out, and nothing will.
              if (ended.aborted) return controller.abort(new Lost(false, 'given up'))
              wasSent = true
              abort = (reason) => controller.abort(reason)
            },
            onResponseStart(_controller, code, given) {
              status = code
              headers = given as Answer['headers']
            },
            onResponseData(_controller, chunk) {
              size += chunk.length
              chunks.push(chunk)
              if (size > largestAnswer) give(`${status}, an answer beyond 64 KiB`)
            },
            onResponseEnd() {
              settle()
              // Less the mark that some put in front, which JSON does not know.
              resolve({ status, headers, text: new TextDecoder().decode(Buffer.concat(chunks)) })
            },
            onResponseError(_controller, error) {
              settle()
              const { code, message } = error as { code?: string; message: string }
              reject(error instanceof Lost ? error : new Lost(wasSent, code ?? message))
            },
          },
        )
      }),
    close: () => pool.destroy(),
  }
}

/**
 * Refuses private addresses at the moment of connecting: a name that is looked up once to be judged and once
 * more to be called could change in between.
 */
function guardedConnector({
  allowPrivate,
  ca,
  lookup: look = lookupName,
}: HttpClientSettings): buildConnector.connector {
  const isPrivate = networksOf(privateNetworks)
  const isListed = networksOf(allowPrivate)
  const hosts = new Set(allowPrivate.map((one) => one.toLowerCase()))
  const mayCall = (host: string, address: string, protocol: string) =>
    isPrivate.has(address) ? isListed.has(address) || hosts.has(host) : protocol === 'https:'

  return (options, callback) => {
    const { protocol } = options
    const host = options.hostname.toLowerCase().replace(/^\[|\]$/g, '')
    const refused = () => {
      const what = protocol === 'https:' ? 'in a private network' : 'in a private network or without TLS'
      return Object.assign(new Error('refused'), {
        code: `${host} may not be called ${what}; allowPrivate does not list it`,
      })
    }
    if (isIP(host) !== 0 && !mayCall(host, host, protocol)) return callback(refused(), null)
    const guardedLookup = (
      name: string,
      wanted: LookupOptions,
      done: (error: Error | null, found: LookupAddress[]) => void,
    ) =>
      look(name, { ...wanted, all: true }, (error, found) => {
        if (error) return done(error, [])
        const open = (found as LookupAddress[]).filter(({ address }) => mayCall(host, address, protocol))
        return open.length === 0 ? done(refused(), []) : done(null, open)
      })
    const connect = buildConnector({
      timeout: connectTimeoutMs,
      lookup: guardedLookup as never, // node:net asks for all, as the types cannot say
      autoSelectFamily: true,
      minVersion: 'TLSv1.2',
      ...(ca !== null && { ca: [...getCACertificates('default'), ca] }),
    })
    connect(options, callback)
  }
}
