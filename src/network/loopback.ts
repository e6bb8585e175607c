/** Hosts that are this machine itself: nobody can read such a connection on the way. */

import { networksOf } from './networks.ts'

export const loopbackNetworks: readonly string[] = ['127.0.0.0/8', '::1']
const loopback = networksOf(loopbackNetworks)

/**
 * @param host  As settings, URLs (IPv6 in brackets) and sockets write it. The only name that counts is `localhost`: the
 *   owner of any other, such as `127.example.com`, can let it lead anywhere.
 */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || loopback.has(host.replace(/^\[(.*)\]$/, '$1'))
}
