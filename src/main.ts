/** The process's way in: hands what only a process has to the command line. */

import { statSync } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { runCli } from './cli/cli.ts'

// What is written is for its owner alone: the store, its log and backups, too.
process.umask(0o077)
// A reader that has seen enough, such as head, is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

const code = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  readInput: async () => Buffer.concat(await process.stdin.toArray()),
  onStop(stop) {
    // Again and again: Ctrl-C reaches a process from its terminal and from what started it, and the
    // second one must not cut short what the first one began.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
  },
  onReload(reload) {
    // A terminal that is closed says the same, and means an end.
    if (!process.stdin.isTTY) process.on('SIGHUP', reload)
  },
  // Only in a folder that is there and ours: a command that is refused leaves nothing behind, and what root
  // compiles the service could not write over.
  keepCompiled(dataFolder) {
    if (statSync(dataFolder, { throwIfNoEntry: false })?.uid !== userInfo().uid) return
    const folder = join(dataFolder, 'cache')
    enableCompileCache(folder)
    // Threads and workers have caches of their own, and learn of the folder only so.
    process.env.NODE_COMPILE_CACHE ??= folder
  },
})

// One that failed ends here, whatever it left open: a supervisor must see it end.
if (code !== 0) process.exit(code)
