/** `countersign provider …`: what each takes. */

import { type Command, Option } from 'commander'
import { common, type End, example } from './declare.ts'
import type { Terminal } from './terminal.ts'

export function declareProviderCommands(root: Command, terminal: Terminal, end: End): void {
  const provider = root.command('provider').description('carriers and their routes')
  example(
    common(provider.command('list').description('list carriers with their channels and routes'))
      .option('--check', 'ask each whether it is there and takes the credentials')
      .action(async (options) =>
        end(await (await import('./providers.ts')).listProviders(options, terminal)),
      ),
    'countersign provider list --check --config /etc/countersign.yaml',
  )
  const aimed = (command: Command) =>
    common(command)
      .argument('<address>', 'number with its plus, or e-mail address')
      .option('--tenant <id>', 'as if asked by this tenant')
      .option('--app <id>', 'as if asked by this app')
      .addOption(
        new Option('--channel <channel>', 'another than the usual').choices([
          'sms',
          'email',
          'voice',
          'whatsapp',
        ]),
      )
  example(
    aimed(
      provider.command('explain').description('show which route and carriers an address takes, and why'),
    ).action(async (address, options) =>
      end(await (await import('./providers.ts')).explainProvider(address, options, terminal)),
    ),
    'countersign provider explain +8613800138000 --config /etc/countersign.yaml',
  )
  example(
    aimed(
      provider
        .command('test')
        .description('send a code that belongs to nobody to an address, and print each step'),
    )
      .option('--provider <name>', 'this carrier only, whatever the routes say')
      .option('--locale <locale>', 'language of the message', 'en-US')
      .action(async (address, options) =>
        end(await (await import('./provider-test.ts')).testProvider(address, options, terminal)),
      ),
    'countersign provider test +8613800138000 --provider twilio --config /etc/countersign.yaml',
  )
}
