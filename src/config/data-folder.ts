/** The data folder and the secrets in it: the key ring, the administrator token, the name of this server. */

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import { makeSecretFile, replaceSecretFile } from '../secret-file.ts'

/**
 * A secret that callers send, such as the administrator token. It is made if there is none.
 * @returns 43 characters of base64url, or the operator's own text of at least 20 characters.
 * @throws RangeError naming the file if its text is too short for a secret.
 */
export function ensureToken(path: string): string {
  if (!existsSync(path)) makeSecretFile(path, `${randomBytes(32).toString('base64url')}\n`)
  const token = readFileSync(path, 'utf8').trim()
  if (!/^\S{20,}$/.test(token))
    throw new RangeError(`${path}: a token has at least 20 characters and no spaces`)
  return token
}

/**
 * The name of this process in leases. No other process on the same store has it, because no two run on one data folder
 * of one machine. It stays the same after a restart, so that the process frees the leases it had. If the folder is new at
 * each start, so is the name; the old leases then end by themselves.
 * @param worker  Number of the worker, if several share the folder.
 */
export function ownerName(folder: string, worker?: number): string {
  const path = join(folder, 'owner')
  if (!existsSync(path)) makeSecretFile(path, `${randomBytes(8).toString('hex')}\n`)
  const name = `${hostname()}-${readFileSync(path, 'utf8').trim()}`
  return worker === undefined ? name : `${name}-${worker}`
}

/**
 * Appends a new key, which makes the codes from the next start on; the old keys still check codes. Makes the ring if
 * there is none.
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
