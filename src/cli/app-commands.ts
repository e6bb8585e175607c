/** `countersign app …`: what each takes. */

import type { Command } from 'commander'
import { common, example } from './declare.ts'
import type { Terminal } from './terminal.ts'

export function declareAppCommands(root: Command, terminal: Terminal): void {
  const app = root.command('app').description('calling programs')
  example(
    common(app.command('create').description('create an app; prints its id and key, the key only this once'))
      .requiredOption('--name <name>', 'what the app is called')
      .requiredOption('--tenant <id>', 'its tenant; made if there is none of this id')
      .option('--tenant-name <name>', 'name of a tenant that is made')
      .option('--service-provider', 'may log in for members of every tenant')
      .option('--policy <json>', 'overrides of the policy, as in the settings file')
      .option('--long-signatures', 'take App ID signatures that live over 7 days, or for ever')
      .option('--profile <profile>', 'default, or strict: eight digits')
      .option('--sms-life <time>', 'life of a code by SMS, e.g. 60s')
      .option('--email-life <time>', 'life of a code by e-mail, e.g. 5m')
      .option('--per-second <n>', 'codes a second, on average', Number)
      .option('--burst <n>', 'codes at once', Number)
      .option('--per-day <n>', 'codes in 24 hours', Number)
      .action(async (options) => (await import('./apps.ts')).createApp(options, terminal)),
    'countersign app create --tenant acme --tenant-name "Acme Ltd" --name website',
    'countersign app create --tenant acme --name kiosk --profile strict --policy \'{"needsProof":false}\'',
  )
  example(
    common(app.command('list').description('list apps'))
      .option('--tenant <id>', 'only this tenant’s')
      .action(async (options) => (await import('./apps.ts')).listApps(options, terminal)),
    'countersign app list --tenant acme',
    "countersign app list --json | jq -r '.[].id'",
  )
  example(
    common(app.command('rotate-key').description('give an app a new key; the old one ends at once'))
      .argument('<id>', 'the app')
      .option('--end-logins', 'end all logins of the app too; their tokens are dead within a second')
      .action(async (id, options) => (await import('./apps.ts')).rotateKey(id, options, terminal)),
    'countersign app rotate-key 5f0c…',
    'countersign app rotate-key 5f0c… --end-logins',
  )
  example(
    common(app.command('disable').description('refuse an app’s calls'))
      .argument('<id>', 'the app')
      .option('--undo', 'allow them again')
      .action(async (id, options) => (await import('./apps.ts')).disableApp(id, options, terminal)),
    'countersign app disable 5f0c…',
    'countersign app disable 5f0c… --undo',
  )
  example(
    common(app.command('delete').description('delete an app, with its logins, API keys and webhooks'))
      .argument('<id>', 'the app')
      .action(async (id, options) => (await import('./apps.ts')).deleteApp(id, options, terminal)),
    'countersign app delete 5f0c…',
  )
}
