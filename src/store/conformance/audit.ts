/** Every engine's duties with the audit: one chain of all clients, with its head. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AuditEntry, NewAuditEntry } from '../audit.ts'
import { auditChecker } from '../check-audit.ts'
import type { Store } from '../store.ts'
import { type Clients, times, unlike } from './fixtures.ts'

export const auditSecret = Buffer.alloc(32, 7).toString('base64url')

export const newAuditEntry = (change: Partial<NewAuditEntry> = {}): NewAuditEntry => ({
  actor: { kind: 'operator', id: 'root' },
  act: 'member.add',
  tenant: 't',
  target: unlike(),
  requestId: unlike(),
  details: {},
  under: { id: 'k', secret: auditSecret },
  ...change,
})

export async function wholeAudit({ audit }: Store): Promise<readonly AuditEntry[]> {
  const all: AuditEntry[] = []
  for (;;) {
    const page = await audit.read({ after: all.at(-1)?.seq ?? 0, most: 100 })
    all.push(...page)
    if (page.length < 100) return all
  }
}

export function auditConformance({ store, client }: Clients): void {
  describe('audit', () => {
    test('entries of all clients at once are one chain, and the head is its last', async () => {
      const given = times(60, (nth) =>
        newAuditEntry({
          details: { nth, word: 'w', isIt: true },
          actor: { kind: 'member', id: `m${nth % 3}` },
        }),
      )
      await Promise.all(given.map((entry, nth) => client(nth).audit.append(entry)))
      const all = await wholeAudit(store)
      const checker = auditChecker(() => auditSecret)
      checker.take(all)
      assert.equal(checker.end(await store.audit.head()), undefined)
      for (const { under, ...entry } of given) {
        const kept = all.find(({ target }) => target === entry.target)!
        assert.deepEqual(kept, { ...kept, ...entry, keyId: under.id })
      }
    })

    test('what no engine can store whole is chained in the form in which it is kept', async () => {
      const target = `${unlike()}\0\ud800`
      await store.audit.append(newAuditEntry({ target, details: { word: 'a\0b' } }))
      const checker = auditChecker(() => auditSecret)
      checker.take(await wholeAudit(store))
      assert.equal(checker.end(await store.audit.head()), undefined)
    })
  })
}
