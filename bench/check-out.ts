/** Another version of the server, to be measured by the bench of this one. */

import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { root } from './serve.ts'

/**
 * @param named  A check-out with its packages, or a commit.
 * @param folder  Where files of a commit go, beside the packages that are here.
 * @returns The folder of the check-out.
 */
export function checkOut(named: string, folder: string): string {
  if (existsSync(join(named, 'bin/countersign.js'))) return resolve(named)
  const tree = join(folder, 'check-out')
  mkdirSync(tree)
  const files = execFileSync('git', ['archive', named], { cwd: root, maxBuffer: 2 ** 30 })
  execFileSync('tar', ['-x', '-C', tree], { input: files })
  symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'))
  return tree
}

/** The command of a check-out. */
export function binOf(tree: string): string {
  return join(tree, 'bin/countersign.js')
}
