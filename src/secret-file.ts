/** Files with secrets: written whole or not at all, and readable only by the user that needs them. */

import { randomBytes } from 'node:crypto'
import {
  chownSync,
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'

/** A temporary file of this age is a remainder of a write that was cut off: no write takes so long. */
const staleMs = 10_000

const ownerAlone = 0o600

/** Makes a folder, and missing ones above it, for its owner alone. If root makes it, it gets the owner of the folder above. */
export function makeFolder(path: string): void {
  const first = mkdirSync(path, { recursive: true, mode: 0o700 })
  if (first === undefined || !isRoot()) return
  const { uid, gid } = statSync(dirname(first))
  for (let made = path; made.length >= first.length; made = dirname(made)) chownSync(made, uid, gid)
}

/**
 * Replaces the text of a file by the result of `change`. Until it is renamed, the new file serves as a lock, so that two
 * changes at once cannot lose one another. Owner and mode stay. A file that is new gets the owner of its folder, so that
 * the service can read a file that root writes.
 * @throws Error if another change is under way, or if this user cannot keep the owner; then nothing is written.
 */
export function replaceSecretFile(path: string, change: (present: string | undefined) => string): void {
  makeFolder(dirname(path))
  const partial = `${path}.partial`
  const left = statSync(partial, { throwIfNoEntry: false })
  if (left && Date.now() - left.mtimeMs > staleMs) rmSync(partial, { force: true })
  const file = openSync(partial, 'wx', ownerAlone)
  try {
    try {
      const present = statSync(path, { throwIfNoEntry: false })
      giveTo(present, file, path)
      writeSync(file, change(present && readFileSync(path, 'utf8')))
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

/** Makes a file unless it is there. If several processes do so at once, the first one wins and all get its text. */
export function makeSecretFile(path: string, text: string): void {
  makeFolder(dirname(path))
  const own = `${path}.${randomBytes(8).toString('hex')}`
  const file = openSync(own, 'wx', ownerAlone)
  try {
    try {
      giveTo(undefined, file, path)
      writeSync(file, text)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    // A link fails if the file is there; a rename would replace it.
    linkSync(own, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(own, { force: true })
  }
  flushFolder(dirname(path))
}

/** Gives a file that root made, such as a store, to the owner of its folder. Does nothing for other users. */
export function giveToFolderOwner(path: string): void {
  if (!isRoot()) return
  const { uid, gid } = statSync(dirname(path))
  chownSync(path, uid, gid)
}

function giveTo(present: Stats | undefined, file: number, path: string): void {
  if (!present) {
    if (!isRoot()) return
    const { uid, gid } = statSync(dirname(path))
    fchownSync(file, uid, gid)
    return
  }
  const { uid, gid, mode } = present
  try {
    // Root may do this, and so may the owner for his own groups.
    fchownSync(file, uid, gid)
  } catch (error) {
    throw new Error(
      `belongs to user ${uid}, group ${gid}, which this user cannot keep; run the command as that user or as root`,
      { cause: error },
    )
  }
  fchmodSync(file, mode & 0o777)
}

function isRoot(): boolean {
  return userInfo().uid === 0
}

/** Flushes a folder: only then does a new name in it survive a loss of power. */
export function flushFolder(path: string): void {
  const folder = openSync(path, 'r')
  try {
    fsyncSync(folder)
  } finally {
    closeSync(folder)
  }
}
