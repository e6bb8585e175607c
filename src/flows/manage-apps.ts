/** The apps of a tenant, for its default administrator: made, listed, changed, given new keys, and deleted. */

import { seal } from '../code/seal.ts'
import type { App } from '../directory/directory.ts'
import type { AppChange } from '../store/directory.ts'
import { auditOf, type ByAdministrator } from './administration.ts'
import { newApp, newAppId, newAppKey } from './new-app.ts'
import type { Services } from './services.ts'

/** An app, and its key where it was just made. */
export type ManagedApp = { readonly kind: 'done'; readonly app: App; readonly key: string | null }

/**
 * unknown: the tenant has no such app · full: it has as many as it may have · account-app: password logins count as it, so
 * without it nobody could log in by password, perhaps not even to undo this · provider: its key opens every tenant, so
 * only the operator may see a new one.
 */
export type AppRefusal = { readonly kind: 'unknown' | 'full' | 'account-app' | 'provider' }

/** Of a tenant, so that no administrator can fill the store with apps. */
const maxApps = 1000

export async function createApp(
  services: Services,
  by: ByAdministrator,
  { name, description }: { readonly name: string; readonly description: string },
): Promise<ManagedApp | AppRefusal> {
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
  const last = Math.max(0, Math.ceil(apps.length / limit) - 1) * limit
  const start = offset < apps.length ? offset : last
  return { count: apps.length, offset: start, apps: apps.slice(start, start + limit) }
}

/** Changes name and description, and stops or starts the app: its tokens are dead, or live again, within a second. */
export async function changeApp(
  services: Services,
  by: ByAdministrator,
  id: string,
  change: Pick<AppChange, 'name' | 'description' | 'isDisabled'>,
): Promise<ManagedApp | AppRefusal> {
  const app = await appOf(services, by, id)
  if (!app) return { kind: 'unknown' }
  if (change.isDisabled && isAccountApp(by, id)) return { kind: 'account-app' }
  const { isDisabled = app.isDisabled } = change
  const act = isDisabled === app.isDisabled ? 'app.update' : isDisabled ? 'app.disable' : 'app.enable'
  return result(await services.store.directory.updateApp(id, change, auditOf(services, by, act, id)), null)
}

/** Gives an app a new key. The one before serves on for the overlap of the app's policy. */
export async function resetAppKey(
  services: Services,
  by: ByAdministrator,
  id: string,
): Promise<ManagedApp | AppRefusal> {
  const app = await appOf(services, by, id)
  if (!app) return { kind: 'unknown' }
  if (app.isServiceProvider) return { kind: 'provider' }
  const { keyOverlapMs } = services.policyOf(app)
  const key = newAppKey()
  const change: AppChange = {
    sealedKey: seal(services.ring, key, `app:${id}`),
    previousKey:
      keyOverlapMs > 0 ? { sealed: app.sealedKey, until: services.clock.now() + keyOverlapMs } : null,
  }
  const entry = auditOf(services, by, 'app.rotate-key', id, { overlapMs: keyOverlapMs })
  return result(await services.store.directory.updateApp(id, change, entry), key)
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
  if (isAccountApp(by, id)) return { kind: 'account-app' }
  if (app.isServiceProvider) return { kind: 'provider' }
  const { directory } = services.store
  if (!(await directory.deleteApp(id, auditOf(services, by, 'app.delete', id)))) return { kind: 'unknown' }
  // The tokens stand for nobody already; here one piece of their records goes, the sweep takes what is expired.
  await directory.endLoginsOf(id)
  return { kind: 'done' }
}

function result(app: App | undefined, key: string | null): ManagedApp | AppRefusal {
  return app ? { kind: 'done', app, key } : { kind: 'unknown' }
}

/** An app of another tenant is as unknown as one that does not exist. */
async function appOf(services: Services, { session }: ByAdministrator, id: string): Promise<App | undefined> {
  const app = await services.store.directory.app(id)
  return app?.tenant === session.tenant.id ? app : undefined
}

function isAccountApp({ session }: ByAdministrator, id: string): boolean {
  return session.tenant.accountApp === id
}
