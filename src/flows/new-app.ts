/** New apps and their keys, the same from the command line and from the wire. */

import { randomBytes, randomUUID } from 'node:crypto'
import type { KeyRing } from '../code/key-ring.ts'
import { seal } from '../code/seal.ts'
import type { NewApp } from '../directory/directory.ts'

export function newAppId(): string {
  return randomUUID().replaceAll('-', '')
}

/** 64 hex digits, the size of the wire's own app keys. */
export function newAppKey(): string {
  return randomBytes(32).toString('hex')
}

export function newApp(
  ring: KeyRing,
  app: {
    readonly id: string
    readonly key: string
    readonly tenant: string
    readonly name: string
    readonly createdAt: number
  } & Partial<Pick<NewApp, 'isServiceProvider' | 'policy' | 'description'>>,
): NewApp {
  const { key, ...rest } = app
  return {
    isServiceProvider: false,
    isDisabled: false,
    policy: {},
    ...rest,
    sealedKey: seal(ring, key, `app:${app.id}`),
  }
}
