/** `countersign doctor`: checks that everything a server needs is there and works, and shows its settings. */

import { existsSync } from 'node:fs'
import { open } from '../code/seal.ts'
import { examineCertificate } from '../config/certificate.ts'
import { assertAppsKnown } from '../config/known-apps.ts'
import { type LoadedSettings, loadSettings } from '../config/load-settings.ts'
import { readKeyRing } from '../config/read-key-ring.ts'
import type { Settings } from '../config/settings.ts'
import { loadTemplates } from '../delivery/templates.ts'
import { AppError } from '../errors.ts'
import { engineOf, redisOf, storeName } from '../store/engines.ts'
import { openStore, reportHot, reportStore } from '../store/open-store.ts'
import { type RedisChoice, redisName } from '../store/redis/redis-choice.ts'
import type { Replica, StoreReport } from '../store/store-report.ts'
import { checkProviders } from './check-providers.ts'
import { numbersOf } from './doctor-numbers.ts'
import { openProviders } from './open-providers.ts'
import { exitCodes, type Terminal } from './terminal.ts'
import { type CommonOptions, settingsFile } from './with-store.ts'

type Finding = { readonly check: string; readonly isGood: boolean; readonly text: string }

/** A larger difference between this clock and the store's shows that one of them is wrong, or was. */
const maxSkewMs = 60_000

/** @returns The exit code, `failed` if any check failed. */
export async function doctor(
  options: CommonOptions & { readonly dev?: boolean },
  terminal: Terminal,
): Promise<number> {
  const file = settingsFile(options, terminal)
  const findings: Finding[] = []
  const examine = async (check: string, act: () => Promise<string> | string) => {
    try {
      findings.push({ check, isGood: true, text: await act() })
    } catch (error) {
      findings.push({ check, isGood: false, text: (error as Error).message })
    }
  }
  let loaded: LoadedSettings | undefined
  await examine('settings', () => {
    loaded = loadSettings({
      file,
      env: terminal.env,
      flags: { data: options.data },
      isDevelopment: options.dev === true || file === null,
    })
    return 'can work'
  })
  // TypeScript does not see that the check above has set it.
  const { settings, sources } = (loaded as LoadedSettings | undefined) ?? { settings: null, sources: [] }
  if (settings) {
    await examine('key ring', () => keyRing(settings))
    await examine('certificate', () => certificate(settings))
    await examine('templates', async () => {
      const pickUps = (await loadTemplates(settings.templates)).pickUps()
      return ['every template renders', ...(pickUps.length > 0 ? pickUps : ['phones offer the code'])].join(
        '; ',
      )
    })
    await examine('numbers', () => numbersOf(settings.addressRules.numbers))
    await examine('store', () => store(settings).catch(absentIs('will be made at the first start')))
    if (engineOf(settings.store).hasReplicas)
      await examine('replicas', () =>
        reportStore(settings.store).then(replicasOf).catch(absentIs('none to ask about yet')),
      )
    const redis = redisOf(settings.store)
    if (redis) {
      await examine('hot', () => hot(redis))
      await examine('hot replicas', async () => replicasOf(await reportHot(redis)))
    }
    await examine('clock', () => clock(settings).catch(absentIs('nothing to compare it with yet')))
    await examine('providers', () => providers(settings))
  }

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

function keyRing(settings: Settings): string {
  if (!isRingMade(settings)) return 'will be made at the first start'
  const { keys, newest } = readKeyRing(settings)
  return `${keys.size} key(s), newest ${newest.id}`
}

function isRingMade({ keyRing, keyRingFile, isDevelopment }: Settings): boolean {
  return !isDevelopment || keyRing !== null || existsSync(keyRingFile)
}

function certificate({ https, tls, isDevelopment }: Settings): string {
  if (!https || !tls) return 'none needed'
  if (isDevelopment && !existsSync(tls.certificateFile)) return 'will be made at the first start'
  const { problems, lastsMs } = examineCertificate(tls, new Date())
  if (problems.length > 0) throw new Error(problems.join('; '))
  const days = Math.floor(lastsMs / 86_400_000)
  if (days < 14) throw new Error(`${tls.certificateFile} runs out in ${days} days; renew it`)
  return `valid for ${days} days`
}

/** A missing store is no fault, because before the first start there is none. */
const absentIs = (text: string) => (error: unknown) => {
  if (error instanceof AppError && error.code === 'store.absent') return text
  throw error
}

async function store(settings: Settings): Promise<string> {
  // A database may have app keys before the first start; a key ring that the start makes could not open them.
  const ring = isRingMade(settings) ? readKeyRing(settings) : null
  await using opened = await openStore(settings.store, { deadlineMs: 5_000, migrates: false })
  const [apps, depth] = await Promise.all([opened.directory.apps(), opened.outbox.depth()])
  const unreadable = apps.filter((app) => !ring || open(ring, app.sealedKey, `app:${app.id}`) === undefined)
  if (unreadable.length > 0)
    throw new Error(
      `the key ring opens the keys of ${apps.length - unreadable.length} of ${apps.length} apps; put the old keys back`,
    )
  await assertAppsKnown(settings, opened.directory)
  const report = await reportStore(settings.store)
  const name = storeName(settings.store)
  if (report.problems.length > 0) throw new Error(`${name}: ${report.problems.join('; ')}`)
  const refused = await opened.proveWrite().catch((error: Error) => [error.message])
  if (refused.length > 0) throw new Error(`${name} takes no writes: ${refused.join('; ')}`)
  const oldest = depth.queued === 0 ? '' : `, the oldest for ${Math.ceil(depth.oldestMs / 1000)} s`
  const waiting = `${apps.length} app(s), ${depth.queued} message(s) waiting${oldest}`
  return `${name} ${servesOf(settings)}; ${waiting}; ${sizeOf(report)}`
}

function servesOf({ store }: Settings): string {
  return redisOf(store) ? 'serves members, logins, notices and history' : 'serves everything'
}

async function hot(choice: RedisChoice): Promise<string> {
  const report = await reportHot(choice)
  const name = redisName(choice)
  if (report.problems.length > 0) throw new Error(`${name}: ${report.problems.join('; ')}`)
  return `${name} serves codes on their way and limits; ${sizeOf(report)}`
}

function sizeOf({ product, schema, bytes, rows = {} }: StoreReport): string {
  const counts = Object.entries(rows).map(([table, count]) => `${count} of ${table}`)
  const about = counts.length === 0 ? '' : `, rows about ${counts.join(', ')}`
  return `${product}${schema === null ? '' : `, schema ${schema}`}, ${Math.ceil(bytes / 1e6)} MB${about}`
}

function replicasOf({ replicas = [] }: StoreReport): string {
  return replicas.length === 0 ? 'none connected' : replicas.map(replicaOf).join('; ')
}

function replicaOf({ name, state, isAwaited, behindBytes, behindMs }: Replica): string {
  if (state === null) return `${name}: how far it is behind, only a role with pg_monitor may see`
  const behind = behindBytes === 0 ? 'not behind' : `${behindBytes} bytes and ${behindMs} ms behind`
  return `${name}: ${state}, ${isAwaited ? 'each commit waits for it' : 'no commit waits for it'}, ${behind}`
}

/** Compares this clock with engine time. That never goes back, so it stays ahead after a clock was set too far forward. */
async function clock(settings: Settings): Promise<string> {
  await using opened = await openStore(settings.store, { deadlineMs: 5_000, migrates: false })
  const aheadMs = (await opened.now()) - Date.now()
  if (Math.abs(aheadMs) > maxSkewMs)
    throw new Error(
      `this machine's clock is ${Math.round(aheadMs / 1000)} s behind the store's time; it was set back, or was wrong before`,
    )
  return "agrees with the store's time"
}

async function providers(settings: Settings): Promise<string> {
  await using made = await openProviders(settings)
  const checks = [...(await checkProviders(made.providers))]
  const failed = checks.filter(([, { problem }]) => problem !== null)
  if (failed.length > 0)
    throw new Error(failed.map(([name, { problem }]) => `${name}: ${problem}`).join('; '))
  const named = (isProved: boolean) =>
    checks.filter(([, one]) => one.provesCredentials === isProved).map(([name]) => name)
  const [proved, reached] = [named(true), named(false)]
  return [
    proved.length > 0 && `credentials taken by ${proved.join(', ')}`,
    reached.length > 0 && `reached: ${reached.join(', ')}`,
  ]
    .filter(Boolean)
    .join('; ')
}
