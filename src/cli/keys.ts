/** `countersign keys rotate`: adds a new key to the ring; the old keys still check codes. */

import { existsSync } from 'node:fs'
import { newKeyLine } from '../code/key-ring.ts'
import { rotateKeys } from '../config/data-folder.ts'
import { otherNames } from '../config/overlay.ts'
import { AppError } from '../errors.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, settingsFor } from './with-store.ts'

export async function rotate(options: CommonOptions, terminal: Terminal): Promise<void> {
  const { settings } = settingsFor(options, terminal)
  if (settings.keyRing !== null) {
    // A process cannot change the environment of others, so the line is printed for its keeper.
    terminal.out(newKeyLine(new Date()))
    return terminal.err(
      `Append this line to ${otherNames.keyRing}, then restart the server: it cannot see a new environment.`,
    )
  }
  const isNew = !existsSync(settings.keyRingFile)
  let id: string
  try {
    id = rotateKeys(settings.keyRingFile, new Date())
  } catch (error) {
    throw new AppError('key-ring.invalid', `${settings.keyRingFile}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (options.json) return terminal.out(JSON.stringify({ id, file: settings.keyRingFile }))
  if (isNew)
    return terminal.out(
      `${settings.keyRingFile} was made, with key ${id}. Keep a copy apart from the backups.`,
    )
  terminal.out(`Key ${id} was added to ${settings.keyRingFile}.`)
  terminal.out(
    'Send the server SIGHUP now (systemctl reload): until then it cannot read app keys sealed from here on. Then it makes codes with the new key and checks live ones with the old. Back the file up.',
  )
}
