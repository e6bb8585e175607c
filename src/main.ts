/** The process's way in: hands what only a process has to the command line. */

import { runCli } from './cli/cli.ts'

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(`${text}\n`),
  err: (text) => process.stderr.write(`${text}\n`),
  readInput: async () => Buffer.concat(await process.stdin.toArray()).toString('utf8'),
  onStop(stop) {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop)
  },
})
