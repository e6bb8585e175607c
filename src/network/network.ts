/** The network of an address, as limits see it: IPv4 whole, IPv6 by its /64, which is what one subscriber gets. */

/** @param address  As `readIpAddress` returns it. @returns e.g. `192.0.2.7` or `2001:db8:0:1::/64`. */
export function networkOf(address: string): string {
  const groups = address.split(':')
  if (groups.length === 1) return address
  // RFC 8215: translators put IPv4 addresses here in ways of their own, so each address is somebody else.
  if (address.startsWith('64:ff9b:1:')) return address
  return `${groups.slice(0, 4).join(':')}::/64`
}
