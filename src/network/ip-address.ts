/** IP addresses as connections, headers and settings write them, and the single form in which they are compared. */

import { isIPv4, isIPv6 } from 'node:net'

/** The first six groups of IPv6 addresses whose last two groups are an IPv4 address. */
const prefixesOfIPv4: readonly (readonly number[])[] = [
  [0, 0, 0, 0, 0, 0xffff], // IPv4-mapped: RFC 4291 2.5.5.2
  [0, 0, 0, 0, 0xffff, 0], // IPv4-translated: RFC 2765 2.1
  [0x64, 0xff9b, 0, 0, 0, 0], // NAT64: RFC 6052 2.1
]

/**
 * Reads an address, also with the additions of proxies: a port (`192.0.2.7:5060`, `[2001:db8::1]:443`), brackets, a
 * zone, blanks. An IPv4 address within an IPv6 one is read as IPv4. Leading zeros are refused, because some programs read
 * `010` as ten and others as eight.
 * @returns IPv4 with dots or all eight groups of IPv6 in lower case; undefined if it is no address.
 */
export function readIpAddress(text: string): string | undefined {
  const written = text.trim()
  const [, inBrackets] = /^\[([^[\]]*)\](?::\d{1,5})?$/.exec(written) ?? []
  if (inBrackets !== undefined) return isIPv6(inBrackets) ? ofGroups(groupsOf(inBrackets)) : undefined
  const [, withPort] = /^([\d.]+):\d{1,5}$/.exec(written) ?? []
  const address = withPort ?? written
  if (isIPv4(address)) return address
  return isIPv6(address) ? ofGroups(groupsOf(address)) : undefined
}

/** The eight groups of an IPv6 address, as numbers. */
function groupsOf(text: string): number[] {
  const [address = ''] = text.split('%') // a zone has a meaning only on its own machine
  const withoutDots = address.replace(/(?<![\d.])[\d.]+$/, (last) => {
    if (!last.includes('.')) return last
    const [a, b, c, d] = last.split('.').map(Number) as [number, number, number, number]
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
  })
  const [left, right] = withoutDots
    .split('::')
    .map((half) => (half === '' ? [] : half.split(':').map((group) => Number.parseInt(group, 16))))
  if (right === undefined) return left!
  return [...left!, ...Array<number>(8 - left!.length - right.length).fill(0), ...right]
}

function ofGroups(groups: readonly number[]): string {
  const isIPv4Within = prefixesOfIPv4.some((prefix) => prefix.every((group, i) => groups[i] === group))
  if (isIPv4Within)
    return groups
      .slice(6)
      .flatMap((group) => [group >> 8, group & 0xff])
      .join('.')
  return groups.map((group) => group.toString(16)).join(':')
}
