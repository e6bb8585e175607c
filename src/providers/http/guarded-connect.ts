/** Connects to a carrier's server, by TCP or TLS, and never to a private address that the settings do not list. */

import type { LookupAddress, LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { getCACertificates } from 'node:tls'
import { buildConnector } from 'undici'
import { lookupName } from '../../network/names.ts'
import { networksOf, privateNetworks } from '../../network/networks.ts'

export type ConnectSettings = {
  /** Scheme, host and port; anything after them is ignored. */
  readonly server: string
  readonly allowPrivate: readonly string[]
  readonly ca: string | null
  /** The look-up of names. Default: `lookupName`. */
  readonly lookup?: LookupFunction
}

/** Name look-up, TCP and TLS together. */
const connectTimeoutMs = 3_000

/**
 * @returns A connector for undici. It checks the addresses of a name as it connects to them: if one look-up were made for
 *   the check and another for the connection, the answer could change in between.
 */
export function guardedConnect(settings: ConnectSettings): buildConnector.connector {
  const { protocol, hostname } = new URL(settings.server)
  const isTls = protocol === 'https:'
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, '')
  const mayCall = addressRule(settings.allowPrivate, host, isTls)
  const refusal = `${host} may not be called in a private network${isTls ? '' : ' or without TLS'}; allowPrivate does not list it`
  const refused = () => Object.assign(new Error('refused'), { code: refusal })
  const look = settings.lookup ?? lookupName

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

  const connect = buildConnector({
    timeout: connectTimeoutMs,
    lookup: lookup as never, // with this option node:net asks for all addresses, which its types do not show
    autoSelectFamily: true,
    minVersion: 'TLSv1.2',
    ...(settings.ca !== null && { ca: [...getCACertificates('default'), settings.ca] }),
  })
  return (options, callback) => {
    if (isIP(host) !== 0 && !mayCall(host)) callback(refused(), null)
    else connect(options, callback)
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
