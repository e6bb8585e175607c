/** The secret that makes the addresses bounces come back to: one file, for all processes and all restarts. */

import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { AppError } from '../../errors.ts'

const leastSecretLength = 20

/**
 * The secret that makes the addresses, made if there is none: mail bounces for days, over restarts.
 * @throws AppError `config.invalid` naming the file, if it cannot be used.
 */
export function readBounceSecret(path: string): Buffer {
  let secret: string
  try {
    if (!existsSync(path)) makeSecretFile(path)
    secret = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('config.invalid', `bounces.secretFile: ${reason}`, { cause: error })
  }
  // An empty file would make addresses that anybody can make.
  if (secret.length < leastSecretLength)
    throw new AppError(
      'config.invalid',
      `bounces.secretFile: ${path} holds less than ${leastSecretLength} characters; remove it, and it is made anew`,
    )
  return Buffer.from(secret)
}

/** Whole or not at all, and the first of several processes wins: a link is made to what is written already. */
function makeSecretFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const own = `${path}.${randomBytes(8).toString('hex')}`
  try {
    writeFileSync(own, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
    linkSync(own, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(own, { force: true })
  }
}
