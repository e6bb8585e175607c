import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuditEntry, type AuditHead, chained, type NewAuditEntry } from './audit.ts'
import { auditChecker, type NotedHead } from './check-audit.ts'

const secrets = {
  k1: Buffer.alloc(32, 1).toString('base64url'),
  k2: Buffer.alloc(32, 2).toString('base64url'),
}
const secretOf = (id: string) => (secrets as Record<string, string>)[id]

const entryOf = (nth: number, id: 'k1' | 'k2'): NewAuditEntry => ({
  actor: { kind: 'operator', id: 'root' },
  act: 'member.delete',
  tenant: 't',
  target: `m${nth}`,
  requestId: `r${nth}`,
  details: { nth },
  under: { id, secret: secrets[id] },
})

/** Six entries; the ring got a new key after the third. */
function chain(): { entries: AuditEntry[]; heads: AuditHead[] } {
  const entries: AuditEntry[] = []
  const heads: AuditHead[] = []
  for (let nth = 1; nth <= 6; nth++) {
    const next = chained(entryOf(nth, nth <= 3 ? 'k1' : 'k2'), heads.at(-1), 1000 + nth)
    entries.push(next.entry)
    heads.push(next.head)
  }
  return { entries, heads }
}

function checked(
  entries: readonly AuditEntry[],
  head: AuditHead | undefined | null,
  options: { noted?: NotedHead; isPart?: boolean } = {},
): string | undefined {
  const checker = auditChecker(secretOf, options)
  checker.take(entries)
  const fault = checker.end(head)
  return fault && `${fault.kind} ${fault.seq}: ${fault.sentence}`
}

test('a whole chain, an empty one and a noted head pass', () => {
  const { entries, heads } = chain()
  assert.equal(checked(entries, heads[5]), undefined)
  assert.equal(checked(entries, heads[5], { noted: heads[2]! }), undefined)
  assert.equal(checked([], undefined), undefined)
  assert.equal(checked(entries.slice(3), null, { isPart: true, noted: heads[4]! }), undefined)
})

const { entries, heads } = chain()
const [e1, e2, e3, e4, e5, e6] = entries as [
  AuditEntry,
  AuditEntry,
  AuditEntry,
  AuditEntry,
  AuditEntry,
  AuditEntry,
]
const forged = chained({ ...entryOf(9, 'k1'), under: { id: 'k1', secret: secrets.k2 } }, heads[2], 1004)
const renumbered = [e4, e5, e6].map((entry) => ({ ...entry, seq: entry.seq + 1 }))

for (const [plant, planted, head, told] of [
  ['a row edited', [e1, { ...e2, target: 'm9' }, e3, e4, e5, e6], heads[5], 'altered 2: entry 2 was altered'],
  ['its time edited', [e1, e2, e3, { ...e4, at: 1 }, e5, e6], heads[5], 'altered 4: entry 4 was altered'],
  ['details edited', [e1, e2, e3, e4, { ...e5, details: {} }, e6], heads[5], 'altered 5'],
  ['rows removed', [e1, e2, e5, e6], heads[5], 'missing 3: entries 3 to 4 are missing'],
  ['the first row removed', [e2, e3, e4, e5, e6], heads[5], 'missing 1: entry 1 is missing'],
  ['the tail cut', [e1, e2, e3, e4], heads[5], 'cut 5: entries 5 to 6 are cut off'],
  ['all cut, with the head left', [], heads[5], 'cut 1: entries 1 to 6'],
  [
    'the tail cut, and the head made for it',
    [e1, e2, e3, e4],
    { ...heads[5]!, seq: 4, mac: e4.mac },
    'head 4',
  ],
  ['the head removed', entries, undefined, 'head 6: the head of the chain, which is kept apart, is missing'],
  ['rows swapped', [e1, e2, { ...e4, seq: 3 }, { ...e3, seq: 4 }, e5, e6], heads[5], 'altered 3'],
  ['lines swapped', [e1, e2, e4, e3, e5, e6], heads[5], 'missing 3'],
  ['a row twice', [e1, e2, e2, e3, e4, e5, e6], heads[5], 'out-of-order 2'],
  ['a row put in without the key', [e1, e2, e3, forged.entry, ...renumbered], heads[5], 'altered 4'],
  ['a row put in at the end', entries, heads[4], 'head 6: entry 6 was put in behind the head'],
  ['a key that is not in the ring', [{ ...e1, keyId: 'k9' }], heads[0], 'unknown-key 1'],
] as const)
  test(`${plant}: found, and told where`, () => {
    const found = checked(planted, head)
    assert.ok(found?.startsWith(told), String(found))
  })

test('who has the key and makes the whole chain anew is found by a head noted before', () => {
  const noted = heads[4]!
  assert.match(checked(entries.slice(0, 3), null, { noted })!, /^cut 4: entries 4 to 5 are cut off/)
  const anew = chained(entryOf(8, 'k2'), heads[3], 2000)
  assert.match(
    checked([e1, e2, e3, e4, anew.entry], anew.head, { noted })!,
    /^noted 5: entry 5 is not the one/,
  )
})
