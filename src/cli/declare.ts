/** What commands have in common where they are declared. */

import { type Command, Option } from 'commander'

/** Takes the exit code of a command that ran to its end and still has something to tell. */
export type End = (code: number | undefined) => void

export const config = () => new Option('--config <file>', 'settings file (YAML)')
export const data = () => new Option('--data <dir>', 'data folder (default: ./data)')
const json = () => new Option('--json', 'print JSON')

/** The options of most commands. */
export function common(command: Command): Command {
  return command.addOption(config()).addOption(data()).addOption(json())
}

export function example(command: Command, ...lines: string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)
}
