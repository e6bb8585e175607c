/** The entry point: gives the command line the parts that only a process has. */

import { flushCompileCache } from 'node:module'
import { runCli } from './cli/cli.ts'

// All files that are written are for their owner alone: the store, its log and backups, too.
process.umask(0o077)
// A reader that ends early, such as head, is no failure.
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
    // Handled every time: Ctrl-C reaches a process from its terminal and from the program that started it, and the
    // second signal must not cut short the stop that the first one began.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
  },
  onReload(reload) {
    // Not with a terminal: when it is closed it sends the same signal, which then means an end.
    if (!process.stdin.isTTY) process.on('SIGHUP', reload)
  },
  // Flushed now, because a server may run for months and then be killed. bin/ chose the folder before anything was loaded.
  keepCompiled: flushCompileCache,
})

// After a failure the process ends here, whatever it left open, because a supervisor must see it end.
if (code !== 0) process.exit(code)
