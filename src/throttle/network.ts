/** The network an IP address belongs to, as limits see it: IPv4 whole, IPv6 by its /64. */

import { isIPv4, isIPv6 } from 'node:net'

/** @returns e.g. `192.0.2.7` or `2001:db8:0:1::/64`; the text itself if it is no IP address. */
export function networkOf(ip: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip)
  if (mapped) return mapped[1]!
  if (isIPv4(ip) || !isIPv6(ip)) return ip
  const [address = ''] = ip.split('%') // a zone is the machine's own business
  const [head = '', tail] = address.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const groups =
    tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
