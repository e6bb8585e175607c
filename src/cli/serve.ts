/** `countersign serve`: starts the server, in one process or several, and ends when it is asked to stop. */

import cluster from 'node:cluster'
import { existsSync } from 'node:fs'
import { type RunningApp, startApp } from '../app/start-app.ts'
import { ensureCertificate } from '../config/certificate.ts'
import { rotateKeys } from '../config/data-folder.ts'
import { loadSettings } from '../config/load-settings.ts'
import type { Settings } from '../config/settings.ts'
import { shareOf } from '../config/worker-shares.ts'
import { AppError, reasonOf } from '../errors.ts'
import { createLog, type Log } from '../log.ts'
import { makeFolder } from '../secret-file.ts'
import { lockDataFolder } from '../store/sqlite/data-lock.ts'
import { draftDemo, ensureDemo, greeting } from './demo.ts'
import type { Started } from './started.ts'
import type { Terminal } from './terminal.ts'
import { settingsFile } from './with-store.ts'

export type ServeOptions = {
  readonly dev?: boolean
  readonly config?: string
  readonly data?: string
  readonly https?: string
  readonly http?: string
  readonly limits?: string
  readonly workers?: string
  readonly json?: boolean
}

/**
 * @returns The exit code; undefined for success.
 * @throws AppError listing everything that is missing.
 */
export async function serve(options: ServeOptions, terminal: Terminal): Promise<number | undefined> {
  const settings = settingsOf(options, terminal)
  if (cluster.isWorker) return serveAsWorker(settings, terminal)
  makeFolder(settings.dataFolder)
  const log = createLog(settings.log.level)
  // Before the start is announced, because a script that waits for the announcement may stop the server at once.
  const stopOrdered = new Promise<void>((resolve) => terminal.onStop(resolve))
  // From the beginning, because the signal ends a process that does not listen for it.
  let reload = () => log.warn('told to take new keys while it starts; tell it again when it listens')
  terminal.onReload?.(() => reload())
  const onReload = (act: () => void) => {
    reload = act
  }
  const announce = (started: Started) =>
    tell(started, { settings, isJson: options.json === true, terminal, log })
  if (settings.workers > 1)
    return serveByWorkers({ settings, options, terminal, log, stopOrdered, onReload, announce })
  const { app, started } = await start(settings, log)
  try {
    onReload(() => void renew(app, log))
    // Before anybody is told to call: at a first start it takes half a second, in which no call is answered.
    terminal.keepCompiled?.()
    announce(started)
    await stopOrdered
    log.info('stopping')
  } finally {
    await app.stop()
    log.info('stopped')
    log.flush()
  }
  return undefined
}

/** Reads keys and certificate again. If one is faulty, the server goes on with the present ones. */
async function renew(app: RunningApp, log: Log): Promise<void> {
  try {
    log.info(`taken: ${await app.renew()}; settings are read at a start`)
  } catch (error) {
    log.error('nothing new was taken', { reason: reasonOf(error) })
  }
}

function settingsOf({ dev, data, https, http, limits, workers, ...rest }: ServeOptions, terminal: Terminal) {
  return loadSettings({
    file: settingsFile(rest, terminal),
    env: terminal.env,
    flags: { data, https, http, limits, workers },
    isDevelopment: dev === true,
  }).settings
}

/** @throws AppError with every reason why it cannot start. */
async function start(settings: Settings, log: Log, worker?: Parameters<typeof startApp>[2]) {
  const draft = settings.isDevelopment ? draftDemo(settings.dataFolder) : undefined
  if (settings.isDevelopment) await prepareDevelopment(settings)
  const app = await startApp(settings, log, worker)
  try {
    const { store, ring, clock } = app.services
    const hasDemo = draft && (await ensureDemo(settings.dataFolder, draft, { store, ring, now: clock.now() }))
    const { https, http, inbox } = app
    return { app, started: { https, http, inbox, demo: hasDemo ? draft.demo : null } satisfies Started }
  } catch (error) {
    await app.stop()
    throw error
  }
}

/** Under a primary process, which started this one by the same command line. */
async function serveAsWorker(settings: Settings, terminal: Terminal): Promise<undefined> {
  // Only the primary process acts on this signal.
  terminal.onReload?.(() => undefined)
  const { linkToPrimary } = await import('../workers/link-to-primary.ts')
  const link = await linkToPrimary()
  const { number, count } = link
  const log = createLog(settings.log.level, { worker: number })
  const stopOrdered = new Promise<void>((resolve) => {
    terminal.onStop(resolve)
    void link.stopOrdered.then(resolve)
  })
  const { app, started } = await start(shareOf(settings, number, count), log, link)
  try {
    terminal.keepCompiled?.()
    link.ready(started, () => app.services.metrics.registry, settings.drainMs + maxEndMs)
    await stopOrdered
  } finally {
    await app.stop()
    await link.close()
    log.flush()
  }
}

type Several = {
  readonly settings: Settings
  readonly options: ServeOptions
  readonly terminal: Terminal
  readonly log: Log
  readonly stopOrdered: Promise<void>
  readonly onReload: (act: () => void) => void
  readonly announce: (started: Started) => void
}

async function serveByWorkers(several: Several): Promise<number | undefined> {
  const { settings, options, terminal, log, stopOrdered, onReload, announce } = several
  const { createPrimary } = await import('../workers/primary.ts')
  using _ = lockDataFolder(settings.dataFolder)
  const primary = createPrimary<Started>({
    workers: settings.workers,
    stopWithinMs: settings.drainMs + maxEndMs,
    log,
    checkSettings() {
      // Checked for the running number of workers, whatever the settings have now: a single worker has fewer restrictions.
      const { dataFolder } = settingsOf({ ...options, workers: String(settings.workers) }, terminal)
      if (dataFolder !== settings.dataFolder)
        throw new AppError('config.invalid', 'dataFolder: is another one now, which takes a new start')
    },
  })
  const starting = primary.start()
  onReload(() => void primary.restart())
  try {
    const begun = await Promise.race([starting, stopOrdered])
    if (begun && 'exitCode' in begun) return begun.exitCode
    if (begun) announce(begun)
    await stopOrdered
    log.info('stopping')
  } finally {
    await primary.stop()
    log.info('stopped')
    log.flush()
  }
  return undefined
}

/** How long an end may take: requests under way, then messages in hand, each at most ten seconds, and some reserve. */
const maxEndMs = 25_000

function tell(
  started: Started,
  to: {
    readonly settings: Settings
    readonly isJson: boolean
    readonly terminal: Terminal
    readonly log: Log
  },
): void {
  const { https, http, inbox, demo } = started
  if (to.isJson) to.terminal.out(JSON.stringify({ https, http, inbox, ...demo }))
  else if (to.settings.isDevelopment) to.terminal.out(greeting(started, demo))
  else to.log.info('listening', { listener: [https, http].filter(Boolean).join(' ') })
}

/** Makes the key ring and the certificate, which development makes itself and production demands. */
async function prepareDevelopment({ keyRing, keyRingFile, https, tls }: Settings): Promise<void> {
  const now = new Date()
  if (keyRing === null && !existsSync(keyRingFile)) rotateKeys(keyRingFile, now)
  if (https && tls) await ensureCertificate(tls, now)
}
