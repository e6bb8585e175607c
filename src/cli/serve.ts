/** `countersign serve`: starts the server and stays until it is told to stop. */

import { existsSync } from 'node:fs'
import { startApp } from '../app.ts'
import { ensureCertificate } from '../config/certificate.ts'
import { makeDataFolder, rotateKeys } from '../config/data-folder.ts'
import { loadSettings } from '../config/load-settings.ts'
import type { Settings } from '../config/settings.ts'
import { createLog } from '../log.ts'
import { draftDemo, ensureDemo, greeting } from './demo.ts'
import { settingsFile } from './opened.ts'
import type { Terminal } from './terminal.ts'

export type ServeOptions = {
  readonly dev?: boolean
  readonly config?: string
  readonly data?: string
  readonly https?: string
  readonly http?: string
  readonly limits?: string
  readonly json?: boolean
}

/** @throws AppError listing everything that is missing. */
export async function serve(options: ServeOptions, terminal: Terminal): Promise<void> {
  const { data, https, http, limits } = options
  const { settings } = loadSettings({
    file: settingsFile(options, terminal),
    env: terminal.env,
    flags: { data, https, http, limits },
    isDevelopment: options.dev === true,
  })
  makeDataFolder(settings.dataFolder)
  const draft = settings.isDevelopment ? draftDemo(settings.dataFolder) : undefined
  if (settings.isDevelopment) await prepareDevelopment(settings)
  const log = createLog(settings.log.level)
  // Listened for before it is announced: whoever waits for that may stop the server in the same instant.
  const toldToStop = new Promise<void>((resolve) => terminal.onStop(resolve))
  const app = await startApp(settings, log)
  try {
    const { store, ring, clock } = app.services
    const hasDemo = draft && (await ensureDemo(settings.dataFolder, draft, { store, ring, now: clock.now() }))
    const demo = hasDemo ? draft.demo : null
    if (options.json) {
      const { https, http, inbox } = app
      terminal.out(JSON.stringify({ https, http, inbox, ...demo }))
    } else if (settings.isDevelopment) terminal.out(greeting(app, demo))
    else log.info('listening', { listener: [app.https, app.http].filter(Boolean).join(' ') })
    await toldToStop
    log.info('stopping')
  } finally {
    await app.stop()
    log.info('stopped')
    log.flush()
  }
}

/** What production demands and development makes: a key ring and a certificate. */
async function prepareDevelopment({ keyRing, keyRingFile, https, tls }: Settings): Promise<void> {
  const now = new Date()
  if (keyRing === null && !existsSync(keyRingFile)) rotateKeys(keyRingFile, now)
  if (https && tls) await ensureCertificate(tls, now)
}
