/** `countersign key …`: what each takes. */

import { type Command, Option } from 'commander'
import { apiKeyScopes } from '../directory/api-key.ts'
import { common, example } from './declare.ts'
import type { Terminal } from './terminal.ts'

export function declareKeyCommands(root: Command, terminal: Terminal): void {
  const key = root.command('key').description('keys of apps for the native API')
  example(
    common(key.command('create').description('make a key; prints it only this once'))
      .requiredOption('--app <id>', 'the app that it calls for')
      .requiredOption('--name <name>', 'where it is used, for whoever lists the keys')
      .addOption(
        new Option(
          '--scope <scope...>',
          'what it may do (default: verifications:write verifications:read)',
        ).choices(apiKeyScopes),
      )
      .option('--test', 'only for the sandbox; without the scopes events:read and admin')
      .option('--publishable', 'for pages: may only begin sessions of the hosted page')
      .option('--origin <origin...>', 'pages that may use a publishable key, e.g. https://shop.example')
      .option('--network <network...>', 'addresses or CIDR blocks that it may be used from (default: any)')
      .option('--expires <time>', 'its life, e.g. 90d (default: until it is revoked)')
      .action(async (options) => (await import('./api-keys.ts')).createKey(options, terminal)),
    'countersign key create --app 5f0c… --name "shop backend"',
    'countersign key create --app 5f0c… --name "shop tests" --test --expires 30d',
    'countersign key create --app 5f0c… --name "event reader" --scope events:read --network 10.0.0.0/8',
    'countersign key create --app 5f0c… --name "sign-up page" --publishable --origin https://shop.example',
  )
  example(
    common(key.command('list').description('list keys with their last use'))
      .option('--app <id>', 'only this app’s')
      .option('--all', 'also those that were revoked or expired')
      .action(async (options) => (await import('./api-keys.ts')).listKeys(options, terminal)),
    'countersign key list --app 5f0c…',
    "countersign key list --json | jq -r '.[] | select(.lastUsedAt == null) | .id'",
  )
  example(
    common(key.command('revoke').description('refuse a key, within a second on every server'))
      .argument('<id>', 'the key')
      .option('--in <time>', 'later: until then it works beside its successor')
      .action(async (id, options) => (await import('./api-keys.ts')).revokeKey(id, options, terminal)),
    'countersign key revoke key_3f9c…',
    'countersign key revoke key_3f9c… --in 48h',
  )
}
