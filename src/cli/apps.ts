/** `countersign app …`: calling programs. */

import { setTimeout as sleep } from 'node:timers/promises'
import { seal } from '../code/seal.ts'
import { policyWith } from '../config/app-policy.ts'
import { AppError } from '../errors.ts'
import { newApp, newAppId, newAppKey } from '../flows/new-app.ts'
import type { Store } from '../store/store.ts'
import { plain } from './plain.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

type CreateOptions = CommonOptions & {
  readonly name: string
  readonly tenant: string
  readonly tenantName?: string
  readonly serviceProvider?: boolean
  readonly policy?: string
  readonly profile?: string
  readonly longSignatures?: boolean
  readonly smsLife?: string
  readonly emailLife?: string
  readonly perSecond?: number
  readonly burst?: number
  readonly perDay?: number
}

export async function createApp(options: CreateOptions, terminal: Terminal): Promise<void> {
  const policy = overridesOf(options)
  await withStore(options, terminal, async ({ store, ring, settings, by }) => {
    policyWith(settings.policy, policy, 'policy') // throws for a policy that cannot work, before anything is written
    const { directory } = store
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(options.tenant))
      throw new AppError('input.invalid', '--tenant: takes 1 to 64 of A-Z a-z 0-9 . _ -')
    const id = newAppId()
    const key = newAppKey()
    const tenant = options.tenant
    const { name, serviceProvider: isServiceProvider = false } = options
    // The first app of a tenant is the one that account logins count as.
    const isNewTenant = await directory.addTenant(
      { id: tenant, name: options.tenantName ?? tenant, accountApp: id },
      by('tenant.add', tenant, tenant),
    )
    await directory.addApp(
      newApp(ring, { id, key, tenant, name, policy, isServiceProvider, createdAt: Date.now() }),
      by('app.add', tenant, id, { isServiceProvider }),
    )
    if (isNewTenant)
      terminal.err(
        `Next, an administrator: countersign member add --tenant ${tenant} --account NAME --role default`,
      )
    if (options.json) return terminal.out(JSON.stringify({ id, key, tenant, isNewTenant }))
    terminal.out(`App id   ${id}\nApp key  ${key}\nTenant   ${tenant}${isNewTenant ? ' (new)' : ''}`)
    terminal.out('The key is shown only now. Keep it where the app reads its secrets.')
  })
}

export async function listApps(
  options: CommonOptions & { readonly tenant?: string },
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store }) => {
    const apps = await store.directory.apps(options.tenant)
    if (options.json)
      return terminal.out(JSON.stringify(apps.map(({ sealedKey: _, previousKey: __, ...app }) => app)))
    for (const { id, tenant, name, isDisabled, isServiceProvider } of apps)
      terminal.out(
        [id, tenant, plain(name), isServiceProvider && 'service provider', isDisabled && 'disabled']
          .filter(Boolean)
          .join('  '),
      )
    if (apps.length === 0) terminal.err('There is no app. Make one with "countersign app create".')
  })
}

/** The longest time of a call: after it, no login by the old key can still get tokens. */
const maxCallMs = 1_500

export async function rotateKey(
  id: string,
  options: CommonOptions & { readonly endLogins?: boolean },
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store, ring, by }) => {
    const key = newAppKey()
    const app = await store.directory.app(id)
    const change = { newKey: { sealed: seal(ring, key, `app:${id}`), overlapMs: 0 } }
    const entry = by('app.rotate-key', app?.tenant ?? '', id, { endsLogins: options.endLogins === true })
    if (!(await store.directory.updateApp(id, change, entry))) throw noApp(id)
    // Printed before anything else can fail, because the key is stored nowhere in clear.
    const told = options.endLogins ? 'all its logins end within seconds' : 'tokens it got live on'
    terminal.out(
      options.json
        ? JSON.stringify({ id, key })
        : `App key  ${key}\nThe old key is refused from now on; ${told}.`,
    )
    if (!options.endLogins) return
    await endLoginsOf(store, id)
    await sleep(maxCallMs)
    await endLoginsOf(store, id)
    terminal.err('All logins are ended, those of account logins that count as this app included.')
  })
}

async function endLoginsOf(store: Store, app: string): Promise<void> {
  while ((await store.directory.endLoginsOf(app)) > 0);
}

export async function disableApp(
  id: string,
  options: CommonOptions & { readonly undo?: boolean },
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store, by }) => {
    const isDisabled = options.undo !== true
    const app = await store.directory.app(id)
    const entry = by(isDisabled ? 'app.disable' : 'app.enable', app?.tenant ?? '', id)
    if (!(await store.directory.updateApp(id, { isDisabled }, entry))) throw noApp(id)
    terminal.out(
      options.json
        ? JSON.stringify({ id, isDisabled })
        : `App ${id} is ${isDisabled ? 'disabled' : 'allowed again'}, within a second.`,
    )
  })
}

export async function deleteApp(id: string, options: CommonOptions, terminal: Terminal): Promise<void> {
  await withStore(options, terminal, async ({ store, by }) => {
    const { directory } = store
    const app = await directory.app(id)
    if (!app) throw noApp(id)
    if ((await directory.tenant(app.tenant))?.accountApp === id)
      throw new AppError(
        'input.invalid',
        `account logins of the tenant ${app.tenant} count as the app ${id}; "countersign app disable" refuses its calls`,
      )
    if (!(await directory.deleteApp(id, by('app.delete', app.tenant, id)))) throw noApp(id)
    await endLoginsOf(store, id)
    terminal.out(
      options.json
        ? JSON.stringify({ id })
        : `App ${id} is deleted. Its logins and API keys are refused within a second.`,
    )
  })
}

function noApp(id: string): AppError {
  return new AppError('input.invalid', `there is no app ${id}; "countersign app list" shows them`)
}

function overridesOf(options: CreateOptions): Record<string, unknown> {
  let policy: Record<string, unknown> = {}
  if (options.policy !== undefined)
    try {
      policy = JSON.parse(options.policy) as Record<string, unknown>
    } catch {
      throw new AppError('input.invalid', '--policy: is not valid JSON')
    }
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy))
    throw new AppError('input.invalid', '--policy: must be an object, such as {"digits":8}')
  const { profile, longSignatures, smsLife: sms, emailLife: email, perSecond, burst, perDay } = options
  if (profile !== undefined) policy = { ...policy, profile }
  if (longSignatures) policy = { ...policy, allowsLongSignatures: true }
  if (sms !== undefined || email !== undefined)
    policy = {
      ...policy,
      lifetime: { ...(policy.lifetime as object), ...(sms && { sms }), ...(email && { email }) },
    }
  if (perSecond !== undefined || burst !== undefined || perDay !== undefined) {
    const limits = (policy.limits ?? {}) as { issues?: { app?: object } }
    const app = {
      ...limits.issues?.app,
      ...(perSecond !== undefined && { perSecond }),
      ...(burst !== undefined && { burst }),
      ...(perDay !== undefined && { perDay }),
    }
    policy = { ...policy, limits: { ...limits, issues: { ...limits.issues, app } } }
  }
  return policy
}
