/** The things a production server must have; development makes them itself or does without. */

import { isOpenToOthers, whyUnreadable } from './files.ts'
import type { ListenerSettings } from './listener-settings.ts'
import type { Settings } from './settings.ts'
import type { SettingsFile } from './settings-schema.ts'

export function tlsProblems(set: SettingsFile, { https }: ListenerSettings): string[] {
  return !set.tls && (https || set.https !== undefined) && set.https !== 'off'
    ? ['tls: certificate and key are needed for https; or set behindProxy, if a proxy in front ends TLS']
    : []
}

/** Only its owner and group may read the key ring: whoever reads it can make every code and open every app key. */
export function keyRingProblems(path: string): string[] {
  const why = whyUnreadable(path)
  if (why !== undefined)
    return [
      `keyRing: ${why}${why.endsWith('does not exist') ? '; make one with "countersign keys rotate", keep a copy in a safe place' : ''}`,
    ]
  return isOpenToOthers(path)
    ? [`keyRing: ${path} can be read by others; chmod 600 it, and rotate it if others use this machine`]
    : []
}

export function carrierProblems(
  set: SettingsFile,
  providers: Settings['providers'],
  routes: Settings['routes'],
): string[] {
  const problems: string[] = []
  if (Object.keys(providers).length === 0) problems.push('providers: at least one real carrier is needed')
  for (const [name, one] of Object.entries(providers))
    if (one.type === 'sandbox')
      problems.push(`providers.${name}: the sandbox sends nothing; it works only with --dev`)
  if (set.policy?.countries === undefined && routes.some((route) => route.channel !== 'email'))
    problems.push(
      'policy.countries: must be stated; each country you allow is one you can be made to pay for',
    )
  return problems
}
