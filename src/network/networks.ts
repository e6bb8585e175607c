/** Lists of networks: those of the settings, and those that are not part of the public internet. */

import { BlockList, isIP } from 'node:net'

export type Networks = { has(address: string): boolean }

/** @param list  Addresses and CIDR blocks; all other entries are ignored. */
export function networksOf(list: readonly string[]): Networks {
  const blocks = new BlockList()
  for (const one of list) {
    const [address = '', bits] = one.split('/')
    const family = familyOf(address)
    if (family)
      blocks.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family)
  }
  return {
    has(address) {
      const family = familyOf(address)
      return family !== null && blocks.check(address, family)
    },
  }
}

/** An IP address, or a CIDR block of them. */
export function isNetwork(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = isIP(address)
  if (version === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
}

function familyOf(address: string): 'ipv4' | 'ipv6' | null {
  const version = isIP(address)
  return version === 0 ? null : version === 4 ? 'ipv4' : 'ipv6'
}

/**
 * Networks that are not part of the public internet (RFC 6890 and its registries). The IPv4 rows cover IPv4-mapped
 * addresses too; all addresses of the other forms with an IPv4 address inside (NAT64, 6to4, Teredo) count as private.
 */
export const privateNetworks: readonly string[] = [
  ...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
  ...['192.0.0.0/24', '192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24', '203.0.113.0/24'],
  ...['224.0.0.0/4', '240.0.0.0/4'],
  ...['::/96', '64:ff9b::/96', '64:ff9b:1::/48', '100::/64', '2001::/32', '2001:db8::/32', '2002::/16'],
  ...['fc00::/7', 'fe80::/10', 'fec0::/10', 'ff00::/8'],
]
