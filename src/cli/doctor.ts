/** `countersign doctor`: checks that everything a server needs is there and works, and shows its settings. */

import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { open } from '../code/seal.ts'
import { loadSettings } from '../config/load-settings.ts'
import type { Settings } from '../config/settings.ts'
import { loadTemplates } from '../delivery/templates.ts'
import { createProviders } from '../providers/providers.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import { type CommonOptions, readRing } from './opened.ts'
import { exitCodes, type Terminal } from './terminal.ts'

type Finding = { readonly check: string; readonly isGood: boolean; readonly text: string }

/** A clock further from the store's than this is wrong, or was. */
const mostSkewMs = 60_000

/** @returns The exit code: failed if any check did. */
export async function doctor(
  options: CommonOptions & { readonly dev?: boolean },
  terminal: Terminal,
): Promise<number> {
  const isDevelopment = options.dev === true || options.config === undefined
  const { settings, sources } = loadSettings({
    file: options.config ?? null,
    env: terminal.env,
    flags: { data: options.data },
    isDevelopment,
  })
  const findings: Finding[] = [{ check: 'settings', isGood: true, text: 'can work' }]
  const examine = async (check: string, act: () => Promise<string> | string) => {
    try {
      findings.push({ check, isGood: true, text: await act() })
    } catch (error) {
      findings.push({ check, isGood: false, text: (error as Error).message })
    }
  }
  await examine(
    'key ring',
    () => `${readRing(settings).keys.size} key(s), newest ${readRing(settings).newest.id}`,
  )
  await examine('certificate', () => certificate(settings))
  await examine('templates', async () => {
    await loadTemplates(settings.templates)
    return 'every template renders'
  })
  await examine('store', () => store(settings))
  await examine('providers', () => providers(settings))

  const isGood = findings.every((one) => one.isGood)
  if (options.json) terminal.out(JSON.stringify({ isGood, findings, settings: sources }))
  else {
    for (const { path, value, source } of sources) terminal.out(`${path.padEnd(36)} ${value}  (${source})`)
    terminal.out('')
    for (const one of findings)
      terminal.out(`${one.isGood ? 'good' : 'BAD '}  ${one.check.padEnd(12)} ${one.text}`)
  }
  return isGood ? exitCodes.done : exitCodes.failed
}

function certificate({ https, tls, isDevelopment }: Settings): string {
  if (!https || !tls) return 'none needed'
  if (isDevelopment && !existsSync(tls.certificateFile)) return 'will be made at the first start'
  const { validToDate, validFromDate } = new X509Certificate(readFileSync(tls.certificateFile))
  const days = Math.floor((validToDate.getTime() - Date.now()) / 86_400_000)
  if (days < 0) throw new Error(`${tls.certificateFile} ran out on ${validToDate.toISOString()}; renew it`)
  if (validFromDate.getTime() > Date.now())
    throw new Error(`${tls.certificateFile} is not valid yet; is the clock right?`)
  if (days < 14) throw new Error(`${tls.certificateFile} runs out in ${days} days; renew it`)
  return `valid for ${days} days`
}

async function store(settings: Settings): Promise<string> {
  if (!existsSync(settings.store.path)) return 'will be made at the first start'
  const ring = readRing(settings)
  await using opened = await openSqliteStore({ path: settings.store.path, deadlineMs: 5_000 })
  const [apps, now, depth] = await Promise.all([opened.directory.apps(), opened.now(), opened.outbox.depth()])
  const unreadable = apps.filter((app) => open(ring, app.sealedKey, `app:${app.id}`) === undefined)
  if (unreadable.length > 0)
    throw new Error(
      `the key ring opens the keys of ${apps.length - unreadable.length} of ${apps.length} apps; put the old keys back`,
    )
  if (Math.abs(now - Date.now()) > mostSkewMs)
    throw new Error(
      `engine time is ${Math.round((now - Date.now()) / 1000)} s from this machine's clock; was the clock set back?`,
    )
  return `answers; ${apps.length} app(s), ${depth.queued} message(s) waiting`
}

async function providers(settings: Settings): Promise<string> {
  const { providers } = await createProviders(settings.providers)
  const told: string[] = []
  try {
    for (const [name, provider] of providers) {
      await provider.check?.().catch((error: Error) => {
        throw new Error(`${name}: ${error.message}`)
      })
      told.push(name)
    }
  } finally {
    for (const provider of providers.values()) await provider.close?.()
  }
  return `reached: ${told.join(', ')}`
}
