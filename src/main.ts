/** The process's way in: hands what only a process has to the command line. */

import { flushCompileCache } from 'node:module'
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
  // Now, for a server may run for months and then be killed. The folder is chosen before anything is loaded.
  keepCompiled: flushCompileCache,
})

// One that failed ends here, whatever it left open: a supervisor must see it end.
if (code !== 0) process.exit(code)
