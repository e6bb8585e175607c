/** The secret behind the addresses that bounces come back to: one file, for all processes and all restarts. */

import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { AppError } from '../../errors.ts'
import { makeSecretFile } from '../../secret-file.ts'

const minSecretLength = 20

/**
 * The secret behind the addresses. It is made if there is none, and kept over restarts because mail bounces for days.
 * @throws AppError `config.invalid` naming the file, if it cannot be used.
 */
export function readBounceSecret(path: string): Buffer {
  let secret: string
  try {
    if (!existsSync(path)) makeSecretFile(path, `${randomBytes(32).toString('base64url')}\n`)
    secret = readFileSync(path, 'utf8').trim()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new AppError('config.invalid', `bounces.secretFile: ${reason}`, { cause: error })
  }
  // With an empty file anybody could make valid addresses.
  if (secret.length < minSecretLength)
    throw new AppError(
      'config.invalid',
      `bounces.secretFile: ${path} holds less than ${minSecretLength} characters; remove it, and it is made anew`,
    )
  return Buffer.from(secret)
}
