/** Checks files that settings name. A problem is in words that follow the setting's name. */

import { accessSync, constants, statSync } from 'node:fs'

/**
 * The reason why this process cannot read a file.
 * @returns e.g. `/etc/x.key does not exist`; undefined if it can be read.
 */
export function whyUnreadable(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return `${path} is no file`
    accessSync(path, constants.R_OK)
    return undefined
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'ENOENT':
      case 'ENOTDIR':
        return `${path} does not exist`
      case 'EACCES':
      case 'EPERM':
        return `${path} cannot be read by this user; give it, and the folders above it, to the user that the server runs as`
      default:
        return `${path}: ${(error as Error).message}`
    }
  }
}

/** Whether users other than its owner and its group may read or write a file. */
export function isOpenToOthers(path: string): boolean {
  return (statSync(path).mode & 0o007) !== 0
}

/** The problems of a file that a setting names. @param path  undefined: the setting names no file. */
export function fileProblems(setting: string, path: string | undefined): string[] {
  const why = path === undefined ? undefined : whyUnreadable(path)
  return why === undefined ? [] : [`${setting}: ${why}`]
}
