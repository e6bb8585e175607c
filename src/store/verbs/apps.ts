/** Changes of apps: made, changed, deleted, each with its entry of the audit. */

import type { App, NewApp } from '../../directory/directory.ts'
import type { NewAuditEntry } from '../audit.ts'
import type { AppChange } from '../directory.ts'
import type { Verb } from '../unit-of-work.ts'

type Audited = NewAuditEntry | undefined

export const addApp: Verb<[NewApp, Audited?], boolean> = {
  needs(needs, { id }, audit) {
    needs.app(id)
    needs.audit(audit)
  },

  decide({ apps, audit: chain }, app, audit) {
    if (!apps.add(app)) return false
    chain.add(audit)
    return true
  },
}

export const updateApp: Verb<[string, AppChange, Audited?], App | undefined> = {
  needs(needs, id, _change, audit) {
    needs.app(id)
    needs.audit(audit)
  },

  decide({ apps, now, audit: chain }, id, { newKey, ...change }, audit) {
    const app = apps.get(id)
    if (!app) return undefined
    const next = {
      ...app,
      ...change,
      ...(newKey && keysAfter(app, newKey, now)),
      updatedAt: Math.max(now, app.updatedAt),
    }
    apps.put(next)
    chain.add(audit)
    return next
  },
}

export const deleteApp: Verb<[string, Audited?], boolean> = {
  needs(needs, id, audit) {
    needs.app(id)
    needs.audit(audit)
  },

  decide({ apps, audit: chain }, id, audit) {
    if (!apps.get(id)) return false
    apps.remove(id)
    chain.add(audit)
    return true
  },
}

/** Decided on the app as it is, so that of two resets at once the later one keeps the key that the other has given. */
function keysAfter(
  { sealedKey }: App,
  { sealed, overlapMs }: NonNullable<AppChange['newKey']>,
  now: number,
): Pick<App, 'sealedKey' | 'previousKey'> {
  const previousKey = overlapMs > 0 ? { sealed: sealedKey, until: now + overlapMs } : null
  return { sealedKey: sealed, previousKey }
}
