/** Passwords as kept: argon2id in PHC string format. */

import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { inOneForm } from './password-rules.ts'

const argon2Async = promisify(argon2)

/** OWASP's first choice of 2025: 19 MiB, two passes, one lane. */
const cost = { memory: 19_456, passes: 2, parallelism: 1 } as const
const tagLength = 32

/** In UTF-16 units. The wire's own passwords have at least so many; the upper bound limits the time of an import. */
export const passwordLength = { least: 8, most: 128 } as const

/** @returns `$argon2id$v=19$m=…,t=…,p=…$salt$hash`. Takes some 20 ms, off the main thread. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  return phc(salt, await derive(password, salt, cost))
}

/** A hash of no password, so that comparing for an unknown account takes as long as for a known one. */
export function nobodysHash(): string {
  return phc(randomBytes(16), randomBytes(tagLength))
}

/** @returns false also for a hash that is not of this format. */
export async function isRightPassword(password: string, hash: string): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]{11,})\$([A-Za-z0-9+/]+)$/.exec(
    hash,
  )
  if (!match) return false
  const [, memory, passes, parallelism, salt, tag] = match as unknown as string[]
  const kept = Buffer.from(tag!, 'base64')
  const given = await derive(password, Buffer.from(salt!, 'base64'), {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
  })
  return kept.length === given.length && timingSafeEqual(kept, given)
}

function derive(
  password: string,
  nonce: Buffer,
  parameters: { memory: number; passes: number; parallelism: number },
): Promise<Buffer> {
  const message = Buffer.from(inOneForm(password))
  return argon2Async('argon2id', { message, nonce, tagLength, ...parameters }) as Promise<Buffer>
}

function phc(salt: Buffer, tag: Buffer): string {
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${unpadded(salt)}$${unpadded(tag)}`
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/(?<!=)=+$/, '')
}
