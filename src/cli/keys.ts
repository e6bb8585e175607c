/** `countersign keys rotate`: a new key in the ring, the old ones still checking. */

import { rotateKeys } from '../config/data-folder.ts'
import { AppError } from '../errors.ts'
import { type CommonOptions, settingsFor } from './opened.ts'
import type { Terminal } from './terminal.ts'

export async function rotate(options: CommonOptions, terminal: Terminal): Promise<void> {
  const { settings } = settingsFor(options, terminal)
  if (settings.keyRing !== null)
    throw new AppError(
      'input.invalid',
      'the key ring comes from COUNTERSIGN_KEY_RING_KEYS; append a new "id:key" line there',
    )
  let id: string
  try {
    id = rotateKeys(settings.keyRingFile, new Date())
  } catch (error) {
    throw new AppError('key-ring.invalid', `${settings.keyRingFile}: ${(error as Error).message}`, {
      cause: error,
    })
  }
  if (options.json) return terminal.out(JSON.stringify({ id, file: settings.keyRingFile }))
  terminal.out(`Key ${id} was added to ${settings.keyRingFile}.`)
  terminal.out(
    'Restart the server: it makes codes with the new key and checks live ones with the old. Back the file up.',
  )
}
