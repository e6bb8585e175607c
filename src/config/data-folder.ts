/** The data folder and the secrets in it: the key ring, the administrator token, the name of this server. */

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import { makeSecretFile, replaceSecretFile } from '../secret-file.ts'

/**
 * A secret that callers send, such as the administrator token; made if there is none.
 * @returns 43 characters of base64url, or whatever the operator put there, at least 20 characters.
 * @throws RangeError naming the file if what is there is too short to be a secret.
 */
export function ensureToken(path: string): string {
  if (!existsSync(path)) makeSecretFile(path, `${randomBytes(32).toString('base64url')}\n`)
  const token = readFileSync(path, 'utf8').trim()
  if (!/^\S{20,}$/.test(token))
    throw new RangeError(`${path}: a token has at least 20 characters and no spaces`)
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
  if (!existsSync(path)) makeSecretFile(path, `${randomBytes(8).toString('hex')}\n`)
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
