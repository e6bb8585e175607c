/** The data folder and the key ring in it: made with rights for their owner alone. */

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'

export function makeDataFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}

/** Writes a file whole or not at all: beside it, flushed, then renamed over it. Mode 0600. */
export function writeSecretFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const partial = join(dirname(path), `.${Date.now()}.partial`)
  const file = openSync(partial, 'wx', 0o600)
  try {
    writeSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(partial, path)
}

/**
 * Appends a new key, which from the next start on makes the codes; the old ones go on checking.
 * Makes the ring if there is none.
 * @returns The new key's id.
 * @throws RangeError naming the line if the present ring cannot be read; then nothing is written.
 */
export function rotateKeys(path: string, now: Date): string {
  const present = existsSync(path)
    ? readFileSync(path, 'utf8')
    : '# Countersign key ring, oldest first. Keep it secret, keep a copy.\n'
  if (existsSync(path)) parseKeyRing(present)
  const line = newKeyLine(now)
  const text = `${present}${present.endsWith('\n') ? '' : '\n'}${line}\n`
  parseKeyRing(text)
  writeSecretFile(path, text)
  return line.slice(0, line.indexOf(':'))
}
