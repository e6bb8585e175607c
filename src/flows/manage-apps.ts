/** The apps of a tenant, for its default administrator: made, listed, changed, given new keys, and deleted. */

import { seal } from '../code/seal.ts'
import type { App } from '../directory/directory.ts'
import type { AppChange } from '../store/directory.ts'
import { pageStart } from '../store/page-start.ts'
import { auditOf, type ByAdministrator } from './administration.ts'
import { newApp, newAppId, newAppKey } from './new-app.ts'
import type { Services } from './services.ts'

export type ChangedApp = { readonly kind: 'done'; readonly app: App }
/** With its key, which is seen only now. */
export type KeyedApp = ChangedApp & { readonly key: string }

/**
 * unknown: the tenant has no such app · full: it has as many as it may have · own-app: it would end the login that asks,
 * so nothing could undo it · account-app: password logins count as it, so without it nobody could log in by password ·
 * provider: its key opens every tenant, so only the operator may see a new one.
 */
export type AppRefusal = { readonly kind: 'unknown' | 'full' | 'own-app' | 'account-app' | 'provider' }

/** Of a tenant, so that no administrator fills the store with apps. Adds at the same moment may pass it by a few. */
const maxApps = 1000

export async function createApp(
  services: Services,
  by: ByAdministrator,
  { name, description }: { readonly name: string; readonly description: string },
): Promise<KeyedApp | AppRefusal> {
  const { directory } = services.store
  const tenant = by.session.tenant.id
  if ((await directory.apps(tenant)).length >= maxApps) return { kind: 'full' }
  const [id, key, createdAt] = [newAppId(), newAppKey(), services.clock.now()]
  const app = newApp(services.ring, { id, key, tenant, name, description, createdAt })
  await directory.addApp(app, auditOf(services, by, 'app.add', id))
  return { kind: 'done', app: { description, ...app, previousKey: null, updatedAt: createdAt }, key }
}

/** @returns A page of the tenant's apps in the order of their making, and their number; past the end, the last page. */
export async function listApps(
  services: Services,
  { session }: ByAdministrator,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<{ readonly count: number; readonly offset: number; readonly apps: readonly App[] }> {
  const apps = await services.store.directory.apps(session.tenant.id)
  const start = pageStart(apps.length, { offset, limit })
  return { count: apps.length, offset: start, apps: apps.slice(start, start + limit) }
}

/** Changes name and description, and stops or starts the app: its tokens are dead, or live again, within a second. */
export async function changeApp(
  services: Services,
  by: ByAdministrator,
  id: string,
  change: Pick<AppChange, 'name' | 'description' | 'isDisabled'>,
): Promise<ChangedApp | AppRefusal> {
  const app = await appOf(services, by, id)
  if (!app) return { kind: 'unknown' }
  const needed = change.isDisabled ? needOf(by, id) : undefined
  if (needed) return needed
  const { isDisabled = app.isDisabled } = change
  const act = isDisabled === app.isDisabled ? 'app.update' : isDisabled ? 'app.disable' : 'app.enable'
  const changed = await services.store.directory.updateApp(id, change, auditOf(services, by, act, id))
  return changed ? { kind: 'done', app: changed } : { kind: 'unknown' }
}

/** Gives an app a new key. The one before serves on for the overlap of the app's policy. */
export async function resetAppKey(
  services: Services,
  by: ByAdministrator,
  id: string,
): Promise<KeyedApp | AppRefusal> {
  const app = await appOf(services, by, id)
  if (!app) return { kind: 'unknown' }
  if (app.isServiceProvider) return { kind: 'provider' }
  const { keyOverlapMs } = services.policyOf(app)
  const key = newAppKey()
  const newKey = { sealed: seal(services.ring, key, `app:${id}`), overlapMs: keyOverlapMs }
  const entry = auditOf(services, by, 'app.rotate-key', id, { overlapMs: keyOverlapMs })
  const changed = await services.store.directory.updateApp(id, { newKey }, entry)
  return changed ? { kind: 'done', app: changed, key } : { kind: 'unknown' }
}

/**
 * Deletes an app with all that acts for it: its logins, API keys and webhooks end at once. What it did stays in the
 * history for the retention.
 */
export async function deleteApp(
  services: Services,
  by: ByAdministrator,
  id: string,
): Promise<{ readonly kind: 'done' } | AppRefusal> {
  const app = await appOf(services, by, id)
  if (!app) return { kind: 'unknown' }
  const needed = needOf(by, id)
  if (needed) return needed
  if (app.isServiceProvider) return { kind: 'provider' }
  const { directory } = services.store
  if (!(await directory.deleteApp(id, auditOf(services, by, 'app.delete', id)))) return { kind: 'unknown' }
  // The tokens stand for nobody already; here one piece of their records goes, the sweep takes what is expired.
  await directory.endLoginsOf(id)
  return { kind: 'done' }
}

/** An app of another tenant is as unknown as one that does not exist. */
async function appOf(services: Services, { session }: ByAdministrator, id: string): Promise<App | undefined> {
  const app = await services.store.directory.app(id)
  return app?.tenant === session.tenant.id ? app : undefined
}

/** Why an app must stay as it is. */
function needOf({ session }: ByAdministrator, id: string): AppRefusal | undefined {
  if (session.tenant.accountApp === id) return { kind: 'account-app' }
  return session.app.id === id ? { kind: 'own-app' } : undefined
}
