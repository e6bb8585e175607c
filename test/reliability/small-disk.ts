/** A disk of a test's own that can be filled to the last byte: in memory, and gone with its user. */

import { execFileSync } from 'node:child_process'
import { rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '../server.ts'

export type SmallDisk = Disposable & {
  readonly folder: string
  /** Leaves no more than so many bytes free; fewer where others write meanwhile. */
  fill(leave: number): void
  empty(): void
}

/** Mounts one. Needs root, as CI has. */
export function openSmallDisk(megabytes: number): SmallDisk {
  const folder = temporaryFolder()
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0755`, 'tmpfs', folder])
  const ballast = join(folder, 'ballast')
  return {
    folder,
    fill(leave) {
      const { bavail, bsize } = statfsSync(folder)
      try {
        writeFileSync(ballast, Buffer.alloc(Math.max(0, bavail * bsize - leave)))
      } catch (error) {
        // The server under test took the last bytes while these were written: full is full.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    },
    empty: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]() {
      execFileSync('umount', [folder])
      rmdirSync(folder)
    },
  }
}

/** Whether this user may. */
export function canMount(): boolean {
  try {
    openSmallDisk(1)[Symbol.dispose]()
    return true
  } catch {
    return false
  }
}
