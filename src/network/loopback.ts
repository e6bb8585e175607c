/** Which hosts are this machine itself, so that nobody on a wire reads along. */

import { networksOf } from './networks.ts'

export const loopbackNetworks: readonly string[] = ['127.0.0.0/8', '::1']
const loopback = networksOf(loopbackNetworks)

/**
 * @param host  As settings, URLs (IPv6 in brackets) and sockets have it. Of names only `localhost`: any other, such as
 *   `127.example.com`, leads wherever its owner likes.
 */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || loopback.has(host.replace(/^\[(.*)\]$/, '$1'))
}
