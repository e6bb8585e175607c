/** `countersign audit …`: what each takes. */

import { type Command, InvalidArgumentError } from 'commander'
import { common, type End, example } from './declare.ts'
import type { Terminal } from './terminal.ts'

export function declareAuditCommands(root: Command, terminal: Terminal, end: End): void {
  const audit = root.command('audit').description('the acts of administrators, apps and the operator')
  example(
    common(
      audit
        .command('verify')
        .description(
          'check that no entry was altered, removed, moved or put in, and print the head of the chain; exit code 1 if one was',
        ),
    )
      .option('--file <file>', 'check an export instead of the store')
      .option('--head <head>', 'a head that was noted before: it must be in the chain')
      .action(async (options) => (await import('./audit.ts')).verifyAudit(options, terminal, end)),
    'countersign audit verify --config /etc/countersign.yaml',
    'countersign audit verify --file audit.jsonl --head 1204:5f0c…',
  )
  example(
    common(audit.command('export').description('print the entries, one JSON object a line, the oldest first'))
      .option('--after <number>', 'only those after this entry', entryNumber)
      .action(async (options) => (await import('./audit.ts')).exportAudit(options, terminal)),
    'countersign audit export > audit.jsonl',
  )
}

function entryNumber(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw new InvalidArgumentError('must be the number of an entry')
  return Number(text)
}
