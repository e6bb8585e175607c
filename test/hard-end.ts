/** The end of a test file's process, whatever its tests left behind: nothing that they started outlives it. */

import type { ChildProcess } from 'node:child_process'

const children = new Set<ChildProcess>()

/** Kills the process at the end of this one, if it is still there. */
export function endWithUs(child: ChildProcess): void {
  if (children.size === 0) process.on('exit', killAll)
  children.add(child)
  child.once('exit', () => {
    children.delete(child)
    if (children.size === 0) process.off('exit', killAll)
  })
}

function killAll(): void {
  for (const child of children) child.kill('SIGKILL')
}
