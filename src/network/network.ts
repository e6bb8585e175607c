/** The network of an address, as limits count it: a whole IPv4 address, or the /64 that one IPv6 subscriber gets. */

/** @param address  As `readIpAddress` returns it. @returns e.g. `192.0.2.7` or `2001:db8:0:1::/64`. */
export function networkOf(address: string): string {
  const groups = address.split(':')
  if (groups.length === 1) return address
  // Translators put IPv4 addresses here, each in its own way (RFC 8215), so every address may be another subscriber.
  if (address.startsWith('64:ff9b:1:')) return address
  return `${groups.slice(0, 4).join(':')}::/64`
}

/**
 * The /48 of an IPv6 network. A provider may give one customer a /48, which has 65,536 networks (RFC 6177).
 * @param network  As `networkOf` returns it. @returns undefined for IPv4.
 */
export function siteOf(network: string): string | undefined {
  const groups = network.split(':')
  return groups.length < 3 ? undefined : `${groups.slice(0, 3).join(':')}::/48`
}
