/** The command line: the arguments of each command, and its exit code. */

import { CommanderError } from 'commander'
import { AppError, reasonOf } from '../errors.ts'
import { plainLines } from './plain.ts'
import { createProgram } from './program.ts'
import { exitCodes, type Terminal } from './terminal.ts'

/** @returns The exit code; nothing is thrown. */
export async function runCli(args: readonly string[], given: Terminal): Promise<number> {
  const terminal: Terminal = {
    ...given,
    out: (text) => given.out(plainLines(text)),
    err: (text) => given.err(plainLines(text)),
  }
  let exitCode: number = exitCodes.done
  const end = (code: number | undefined) => {
    exitCode = code ?? exitCodes.done
  }
  try {
    await createProgram(terminal, end).parseAsync([...args], { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.badInput
    // Without a stack: the sentence names the fault and its place, and a stack does not help an operator.
    terminal.err(`countersign: ${reasonOf(error)}`)
    if (!(error instanceof AppError)) return exitCodes.failed
    switch (error.code) {
      case 'store.unavailable':
      case 'store.locked':
        return exitCodes.storeAway
      case 'config.invalid':
      case 'key-ring.invalid':
      case 'template.invalid':
      case 'input.invalid':
      case 'store.absent':
        return exitCodes.badInput
      case 'store.schema-newer':
      case 'store.schema-older':
      case 'store.moved':
      case 'key-ring.unknown-key':
        return exitCodes.failed
    }
  }
}
