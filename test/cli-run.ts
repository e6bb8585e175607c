/** Commands run in the process of a test, with what they print kept. */

import { after, before } from 'node:test'
import { runCli } from '../src/cli/cli.ts'
import type { Terminal } from '../src/cli/terminal.ts'
import { type Server, startServer } from './server.ts'

type Run = { readonly code: number; readonly out: string; readonly err: string }

export async function run(args: readonly string[], given: Partial<Terminal> = {}): Promise<Run> {
  const out: string[] = []
  const err: string[] = []
  const code = await runCli(args, {
    env: {},
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    readInput: async () => new Uint8Array(),
    onStop() {},
    ...given,
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

/** Starts a server for the tests of a file. @returns It, and `beside`, which runs a command on its store. */
export function besideServer() {
  let server: Server
  before(async () => {
    server = await startServer()
  })
  after(() => server[Symbol.asyncDispose]())
  return {
    get server() {
      return server
    },
    beside: (...args: readonly string[]) => run([...args, '--data', server.dataFolder], { env: server.env }),
  }
}
