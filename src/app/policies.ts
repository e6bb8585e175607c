/** The policy of an app: that of the settings, overridden by their section for the app, then by the app's record. */

import { policyOfApp, policyWith } from '../config/app-policy.ts'
import type { Settings } from '../config/settings.ts'
import type { App } from '../directory/directory.ts'
import type { AppPolicy } from '../flows/policy.ts'

/** Gives the policy in force for an app. It is computed once for each state of the app's record. */
export function createPolicies(settings: Settings): (app: App) => AppPolicy {
  const known = new WeakMap<App, AppPolicy>()
  const byContent = new Map<string, AppPolicy>()
  return (app) => {
    const policy = known.get(app)
    if (policy) return policy
    // A session that is read again has a new app object with the same content. It must get the same policy object.
    const content = `${app.id} ${JSON.stringify(app.policy)}`
    let made = byContent.get(content)
    if (!made) {
      made = policyOfApp(settings, app)
      if (byContent.size >= 10_000) byContent.clear()
      byContent.set(content, made)
    }
    known.set(app, made)
    return made
  }
}

/** The longest life in the settings. The record of an app may have a longer one; uses after this time are not counted. */
export function maxLifetimeMs({ policy, apps }: Settings): number {
  const all = [policy, ...Object.values(apps).map((one) => policyWith(policy, one))]
  return Math.max(...all.flatMap(({ lifetimeMs }) => [lifetimeMs.sms, lifetimeMs.email]))
}
