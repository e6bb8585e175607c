import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readIpAddress } from './ip-address.ts'
import { networkOf } from './network.ts'

test('an address has one form, however it is written', () => {
  for (const [text, address] of [
    ['192.0.2.7', '192.0.2.7'],
    [' 192.0.2.7\t', '192.0.2.7'],
    ['192.0.2.7:0', '192.0.2.7'],
    ['192.0.2.7:65535', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:cb00:710a', '203.0.113.10'],
    ['0:0:0:0:0:ffff:203.0.113.10', '203.0.113.10'],
    ['::ffff:0:203.0.113.10', '203.0.113.10'],
    ['64:ff9b::cb00:710a', '203.0.113.10'],
    ['[::ffff:203.0.113.10]:443', '203.0.113.10'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['::', '0:0:0:0:0:0:0:0'],
    ['1::', '1:0:0:0:0:0:0:0'],
    ['[2001:DB8::0001]', '2001:db8:0:0:0:0:0:1'],
    ['2001:db8::192.0.2.1', '2001:db8:0:0:0:0:c000:201'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['[fe80::1%25eth0]:8443', 'fe80:0:0:0:0:0:0:1'],
  ] as const)
    assert.equal(readIpAddress(text), address, text)
})

test('what others could read as another address is none', () => {
  for (const text of [
    ...['', ' ', ':', ':80', '[]', '[]:80', 'unknown', '_hidden', 'localhost', 'example.com', '10.0.0.0/8'],
    ...['203.000.113.007', '010.0.0.1', '1.2.3', '1.2.3.4.5', '1.2.3.256', '2130706433', '0x7f.0.0.1'],
    ...[
      '1.2.3.4:',
      '1.2.3.4:123456',
      '1.2.3.4:x',
      '1.2.3.4 :80',
      '1.2.3.4, 5.6.7.8',
      '"1.2.3.4"',
      '[1.2.3.4]',
    ],
    ...[
      '::ffff:010.0.0.1',
      '1::2::3',
      '1:2:3:4:5:6:7',
      '12345::',
      '[::1',
      '::1]',
      '[::1]80',
      '[[::1]]',
      '：：1',
    ],
  ])
    assert.equal(readIpAddress(text), undefined, text)
})

test('a network is an IPv4 address or an IPv6 /64; of IPv4 that a translator hides, each address', () => {
  for (const [text, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0000:0000:ffff::', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['64:ff9b:1::c000:207', '64:ff9b:1:0:0:0:c000:207'],
  ] as const)
    assert.equal(networkOf(readIpAddress(text)!), network, text)
})

const hex = (group: number) => group.toString(16)
const octets = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255), fc.nat(255))
const groups = fc
  .tuple(
    fc.integer({ min: 0x2000, max: 0x3fff }),
    ...Array.from({ length: 7 }, () => fc.constantFrom(0, 1, 0xab, 0xffff)),
  )
  .map((all) => all as number[])

/** Ways to write IPv6 groups: with and without zeros, in either case, and with one run of zeros left out. */
function spellingsOf(groups: readonly number[]): string[] {
  const plain = [groups.map(hex).join(':'), groups.map((group) => hex(group).padStart(4, '0')).join(':')]
  for (let from = 0; from < 8; from++)
    for (let to = from + 1; to <= 8 && groups[to - 1] === 0; to++)
      plain.push(`${groups.slice(0, from).map(hex).join(':')}::${groups.slice(to).map(hex).join(':')}`)
  const cased = plain.flatMap((one) => [one, one.toUpperCase()])
  return cased.flatMap((one) => [one, `[${one}]`, `[${one}]:443`, `${one}%eth0`, ` ${one}\t`])
}

test('no two ways to write one address give two networks, and no two addresses of IPv4 give one', () => {
  const networksIn = (texts: readonly string[]) =>
    new Set(texts.map((text) => networkOf(readIpAddress(text) ?? assert.fail(text))))
  fc.assert(
    fc.property(octets, octets, groups, ([a, b, c, d], other, groups) => {
      const dotted = `${a}.${b}.${c}.${d}`
      const low = [a * 256 + b, c * 256 + d]
      const ways = [
        ...[dotted, `${dotted}:5060`, ` ${dotted} `, `::ffff:${dotted}`, `64:ff9b::${dotted}`],
        ...[
          [0, 0, 0, 0, 0, 0xffff],
          [0, 0, 0, 0, 0xffff, 0],
          [0x64, 0xff9b, 0, 0, 0, 0],
        ].flatMap((prefix) => spellingsOf([...prefix, ...low])),
      ]
      assert.deepEqual([...networksIn(ways)], [dotted])
      const another = other.join('.')
      if (another !== dotted)
        for (const prefix of ['', '::ffff:', '64:ff9b::', '64:ff9b:1::'])
          assert.equal(networksIn([prefix + dotted, prefix + another]).size, 2)
      assert.equal(networksIn(spellingsOf(groups)).size, 1)
    }),
    { numRuns: 300 },
  )
})
