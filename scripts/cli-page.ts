/** docs/cli.md: the help of every command, as the command line itself prints it. */

import type { Command } from 'commander'
import { createProgram } from '../src/cli/program.ts'

export function cliPage(): string {
  let help = ''
  const write = (text: string) => {
    help += `${text}\n`
  }
  const program = createProgram(
    { env: {}, out: write, err: write, readInput: async () => new Uint8Array(), onStop() {} },
    () => {},
  )
  const helpOf = (command: Command) => {
    help = ''
    // Whatever the width of the terminal that makes the page.
    command.configureOutput({ getOutHelpWidth: () => 80 })
    command.outputHelp()
    return help.trim()
  }
  const name = (command: Command): string =>
    command.parent ? `${name(command.parent)} ${command.name()}` : command.name()
  const section = (command: Command): string[] => [
    `## ${name(command)}\n\n\`\`\`\n${helpOf(command)}\n\`\`\`\n`,
    ...command.commands.flatMap(section),
  ]
  return [
    '<!-- Made by "npm run docs"; do not edit. -->\n\n# Commands\n',
    'In a checkout, `npx countersign …`. Commands may run while a server does, on the same store.\n',
    ...section(program),
  ].join('\n')
}
