/** Connects to a carrier's server, by TCP or TLS, and never to a private address that the settings do not list. */

import type { LookupAddress, LookupOptions } from 'node:dns'
import {
  connect as connectTcp,
  isIP,
  type LookupFunction,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net'
import { connect as connectTls, createSecureContext, getCACertificates, type SecureContext } from 'node:tls'
import { lookupName } from '../../network/names.ts'
import { networksOf, privateNetworks } from '../../network/networks.ts'

export type ConnectSettings = {
  /** Scheme, host and port; what follows is not looked at. */
  readonly server: string
  readonly allowPrivate: readonly string[]
  readonly ca: string | null
  /** Of names. Default: `lookupName`. */
  readonly lookup?: LookupFunction
}

export type ConnectHandlers = {
  onOpen(): void
  /** @param bytes  Valid during the call alone. */
  onBytes(bytes: Buffer): void
  /** The server has ended its side of an open connection. */
  onEnd(): void
  /** Called once: the connection could not be opened, or has ended. */
  onClosed(reason: string): void
}

/** Name look-up, TCP and TLS together. */
const connectTimeoutMs = 3_000
/** The kernel asks an idle peer whether it is there after so long. */
const tcpProbeMs = 60_000

/** All connections read into it: what is read is consumed, or copied, before the next read. */
const readBuffer = Buffer.allocUnsafeSlow(64 * 1024)

/**
 * @returns A function that opens a connection; undefined if its address may not be called. Addresses of a name are
 *   judged at the moment of connecting: a name that is looked up once to be judged and once more to be called could
 *   change in between.
 */
export function guardedConnect(settings: ConnectSettings): (handlers: ConnectHandlers) => Socket | undefined {
  const { protocol, hostname, port } = new URL(settings.server)
  const isTls = protocol === 'https:'
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, '')
  const mayCall = addressRule(settings.allowPrivate, host, isTls)
  const refusal = `${host} may not be called in a private network${isTls ? '' : ' or without TLS'}; allowPrivate does not list it`
  const refused = () => Object.assign(new Error('refused'), { code: refusal })
  const look = settings.lookup ?? lookupName
  let secureContext: SecureContext | undefined
  let session: Buffer | undefined

  function lookup(
    name: string,
    wanted: LookupOptions,
    done: (error: Error | null, found: LookupAddress[]) => void,
  ): void {
    look(name, { ...wanted, all: true }, (error, found) => {
      if (error) return done(error, [])
      const open = (found as LookupAddress[]).filter(({ address }) => mayCall(address))
      return open.length === 0 ? done(refused(), []) : done(null, open)
    })
  }

  function open(onread: TcpNetConnectOpts['onread']): Socket {
    const options = {
      host,
      port: Number(port || (isTls ? 443 : 80)),
      lookup: lookup as never, // node:net asks for all, as the types cannot say
      autoSelectFamily: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: tcpProbeMs,
      onread,
    } as const
    if (!isTls) return connectTcp(options)
    // Made once: the certificates of all authorities take milliseconds to read.
    secureContext ??= createSecureContext({
      minVersion: 'TLSv1.2',
      ...(settings.ca !== null && { ca: [...getCACertificates('default'), settings.ca] }),
    })
    const socket = connectTls({
      ...options,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      ...(isIP(host) === 0 && { servername: host }),
      ...(session && { session }),
    })
    return socket.on('session', (given: Buffer) => {
      session = given
    })
  }

  return ({ onOpen, onBytes, onEnd, onClosed }) => {
    if (isIP(host) !== 0 && !mayCall(host)) {
      queueMicrotask(() => onClosed(refusal))
      return undefined
    }
    const socket = open({
      buffer: readBuffer,
      callback(size) {
        onBytes(readBuffer.subarray(0, size))
        return true
      },
    })
    let reason: string | undefined
    const timer = setTimeout(() => {
      reason = 'no connection in time'
      socket.destroy()
    }, connectTimeoutMs)
    socket.once(isTls ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer)
      onOpen()
    })
    socket.on('error', (error: Error & { code?: string }) => {
      reason ??= error.code ?? error.message
    })
    socket.on('end', onEnd)
    socket.once('close', () => {
      clearTimeout(timer)
      onClosed(reason ?? 'the server closed the connection')
    })
    return socket
  }
}

function addressRule(
  allowPrivate: readonly string[],
  host: string,
  isTls: boolean,
): (address: string) => boolean {
  const isPrivate = networksOf(privateNetworks)
  const isListed = networksOf(allowPrivate)
  const isHostListed = allowPrivate.some((one) => one.toLowerCase() === host)
  return (address) => (isPrivate.has(address) ? isHostListed || isListed.has(address) : isTls)
}
