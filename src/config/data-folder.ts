/** The data folder and the key ring in it: made with rights for their owner alone. */

import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'

export function makeDataFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}

/** Writes a file whole or not at all: beside it, flushed, then renamed over it. Mode 0600. */
export function writeSecretFile(path: string, text: string): void {
  replaceSecretFile(path, () => text)
}

/**
 * The administrator token, made if there is none.
 * @returns 43 characters of base64url, or whatever the operator put there, at least 20 characters.
 * @throws RangeError naming the file if what is there is too short to be a secret.
 */
export function ensureAdminToken(path: string): string {
  if (!existsSync(path)) writeSecretFile(path, `${randomBytes(32).toString('base64url')}\n`)
  const token = readFileSync(path, 'utf8').trim()
  if (!/^\S{20,}$/.test(token))
    throw new RangeError(`${path}: an administrator token has at least 20 characters and no spaces`)
  return token
}

/**
 * What this process is called in leases: unlike any other on the same store, for no two run on one data folder
 * of one machine, and the same after a restart, so that it frees what it held. A folder that is new at each
 * start makes a new name; what the old one held is free when its leases have run out.
 * @param worker  Number of the worker, where several share the folder.
 */
export function ownerName(folder: string, worker?: number): string {
  const path = join(folder, 'owner')
  if (!existsSync(path)) writeSecretFile(path, `${randomBytes(8).toString('hex')}\n`)
  const name = `${hostname()}-${readFileSync(path, 'utf8').trim()}`
  return worker === undefined ? name : `${name}-${worker}`
}

/**
 * Appends a new key, which from the next start on makes the codes; the old ones go on checking.
 * Makes the ring if there is none.
 * @returns The new key's id.
 * @throws RangeError naming the line if the present ring cannot be read; then nothing is written.
 */
export function rotateKeys(path: string, now: Date): string {
  const line = newKeyLine(now)
  replaceSecretFile(path, (present) => {
    if (present !== undefined) parseKeyRing(present)
    const before = present ?? '# Countersign key ring, oldest first. Keep it secret, keep a copy.\n'
    const text = `${before}${before.endsWith('\n') ? '' : '\n'}${line}\n`
    parseKeyRing(text)
    return text
  })
  return line.slice(0, line.indexOf(':'))
}

/** What a write that was cut off left behind is older than any write takes. */
const staleMs = 10_000

/**
 * Replaces a file by what `change` makes of it. The new file, until it is renamed, is the lock: of two
 * rotations at once neither may lose the other's key.
 */
function replaceSecretFile(path: string, change: (present: string | undefined) => string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const partial = `${path}.partial`
  const left = statSync(partial, { throwIfNoEntry: false })
  if (left && Date.now() - left.mtimeMs > staleMs) rmSync(partial, { force: true })
  const file = openSync(partial, 'wx', 0o600)
  try {
    try {
      writeSync(file, change(existsSync(path) ? readFileSync(path, 'utf8') : undefined))
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(partial, path)
  } catch (error) {
    rmSync(partial, { force: true })
    throw error
  }
  flushFolder(dirname(path))
}

/** Only then does the new name outlive a loss of power. */
function flushFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
