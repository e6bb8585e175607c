/** Which hosts are this machine itself, so that nobody on a wire reads along. */

import { networksOf } from './networks.ts'

const loopback = networksOf(['127.0.0.0/8', '::1'])

/**
 * @param host  As settings, URLs (IPv6 in brackets) and sockets have it. Of names only `localhost`: any other, such as
 *   `127.example.com`, leads wherever its owner likes.
 */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || loopback.has(host.replace(/^\[(.*)\]$/, '$1'))
}
