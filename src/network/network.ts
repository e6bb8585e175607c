/** The network of an address, as limits see it: IPv4 whole, IPv6 by its /64, which is what one subscriber gets. */

/** @param address  As `readIpAddress` returns it. @returns e.g. `192.0.2.7` or `2001:db8:0:1::/64`. */
export function networkOf(address: string): string {
  const groups = address.split(':')
  if (groups.length === 1) return address
  // RFC 8215: translators put IPv4 addresses here in ways of their own, so each address is somebody else.
  if (address.startsWith('64:ff9b:1:')) return address
  return `${groups.slice(0, 4).join(':')}::/64`
}

/**
 * The /48 of an IPv6 network: what one customer of a provider gets, with 65,536 networks in it (RFC 6177).
 * @param network  As `networkOf` gives it. @returns undefined for IPv4.
 */
export function siteOf(network: string): string | undefined {
  const groups = network.split(':')
  return groups.length < 3 ? undefined : `${groups.slice(0, 3).join(':')}::/48`
}
