/** The end of a test file's process, whatever its tests left behind: nothing that they started outlives it. */

import type { ChildProcess } from 'node:child_process'
import { after } from 'node:test'

const children = new Set<ChildProcess>()
/** After the last test. What ends by itself has ended by then. */
const leftoversMs = 20_000

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

/** Called by a test file whose tests keep something going: one that is left would keep all others waiting. */
export function endHard(): void {
  after(() => {
    setTimeout(() => {
      console.error('what the tests left going is ended')
      process.exit(1)
    }, leftoversMs).unref()
  })
}
