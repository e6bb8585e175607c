/** The key ring as the settings name it: in the environment, or in a file. */

import { readFileSync } from 'node:fs'
import { type KeyRing, parseKeyRing } from '../code/key-ring.ts'
import { AppError, reasonOf } from '../errors.ts'
import { otherNames } from './overlay.ts'
import type { Settings } from './settings.ts'

/** @throws AppError `key-ring.invalid` naming where it comes from. */
export function readKeyRing({ keyRing, keyRingFile }: Settings): KeyRing {
  try {
    return parseKeyRing(keyRing ?? readFileSync(keyRingFile, 'utf8'))
  } catch (error) {
    const from = keyRing === null ? keyRingFile : otherNames.keyRing
    throw new AppError('key-ring.invalid', `${from}: ${reasonOf(error)}`, { cause: error })
  }
}
