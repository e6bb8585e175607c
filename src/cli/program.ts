/** All commands of the command line, and what each takes. The code of a command is loaded when it runs. */

import { Command, Option } from 'commander'
import { declareAppCommands } from './app-commands.ts'
import { declareAuditCommands } from './audit-commands.ts'
import { common, config, data, type End, example } from './declare.ts'
import { declareKeyCommands } from './key-commands.ts'
import { declareMemberCommands } from './member-commands.ts'
import { declareProviderCommands } from './provider-commands.ts'
import type { Terminal } from './terminal.ts'

export function createProgram(terminal: Terminal, end: End): Command {
  const root = new Command('countersign')
    .description('Proves who holds a phone number or an e-mail address, by one-time codes.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
    })
    .addHelpText(
      'after',
      '\nCommands find the store by --config or COUNTERSIGN_CONFIG, else by --data or COUNTERSIGN_DATA, else in ./data.' +
        '\nExit codes: 0 done; 1 it failed or a check did; 2 bad command line, settings or input; 3 the store is away or in use.',
    )
  example(
    root
      .command('serve')
      .description('start the server')
      .option('--dev', 'development: sandbox carrier, inbox page, demo accounts, self-signed certificate')
      .addOption(config())
      .addOption(data())
      .option('--https <host:port>', 'where to listen for HTTPS, or off')
      .option('--http <host:port>', 'where to listen for plain HTTP, or off')
      .addOption(
        new Option('--limits <none>', 'lift the limits, for load tests; only with --dev').choices([
          'none',
          'on',
        ]),
      )
      .option('--workers <n>', 'processes on the same listeners; more than one needs a store of postgres://')
      .option('--json', 'print addresses and demo accounts as one JSON line')
      .action(async (options) => end(await (await import('./serve.ts')).serve(options, terminal))),
    'countersign serve --dev',
    'countersign serve --config /etc/countersign.yaml',
    'countersign serve --config /etc/countersign.yaml --workers 4',
  )

  declareAppCommands(root, terminal)
  declareKeyCommands(root, terminal)
  declareMemberCommands(root, terminal, end)
  declareAuditCommands(root, terminal, end)
  example(
    common(root.command('token').description('log in as an app and print an access token'))
      .requiredOption('--app <id>', 'the app')
      .option('--user <account>', 'the member (default: the tenant’s default administrator)')
      .action(async (options) => (await import('./token.ts')).token(options, terminal)),
    'countersign token --app 5f0c… --user alice',
  )

  declareProviderCommands(root, terminal, end)

  const verification = root.command('verification').description('what became of codes')
  example(
    common(verification.command('show').description('print each step of a verification and its messages'))
      .argument('<id>', 'the verification, as the log and "find" name it')
      .action(async (id, options) =>
        (await import('./verifications.ts')).showVerification(id, options, terminal),
      ),
    'countersign verification show 019f…',
    "countersign verification show 019f… --json | jq '.dispatches[].providerCode'",
  )
  example(
    common(verification.command('find').description('list the verifications of an address, newest first'))
      .argument('<address>', 'number with its plus, or e-mail address')
      .option('--since <time>', 'how far to look back', '24h')
      .action(async (address, options) =>
        (await import('./verifications.ts')).findByAddress(address, options, terminal),
      ),
    'countersign verification find +8613800138000 --since 7d',
  )

  const keys = root.command('keys').description('the key ring')
  example(
    common(keys.command('rotate').description('add a new key, or make the ring')).action(async (options) =>
      (await import('./keys.ts')).rotate(options, terminal),
    ),
    'countersign keys rotate --config /etc/countersign.yaml',
  )

  example(
    common(
      root.command('doctor').description('check settings, store, keys, certificate, clock and providers'),
    )
      .option('--dev', 'as serve --dev would run')
      .action(async (options) => end(await (await import('./doctor.ts')).doctor(options, terminal))),
    'countersign doctor --config /etc/countersign.yaml',
    "countersign doctor --dev --json | jq '.findings[] | select(.isGood | not)'",
  )
  example(
    common(
      root
        .command('migrate')
        .description('bring the store’s schema up to date, or move everything to another store'),
    )
      .option('--from <store>', 'move from here: sqlite:FILE or postgres://USER@HOST/DATABASE')
      .option('--to <store>', 'to here; must be empty or not made yet. Safe to kill and to run again')
      .option('--rehearse', 'copy and compare only, also while a server runs on --from')
      .option('--undo', 'let servers use --from again, of a move that is given up')
      .action(async (options) => end(await (await import('./migrate.ts')).migrate(options, terminal))),
    'countersign migrate --config /etc/countersign.yaml',
    'countersign migrate --from sqlite:/var/lib/countersign/countersign.db --to postgres://countersign@db/countersign --rehearse',
  )
  example(
    common(root.command('backup').description('copy the store while a server runs on it'))
      .argument('<file>', 'where to; must not exist')
      .action(async (file, options) => (await import('./store-commands.ts')).backup(file, options, terminal)),
    'countersign backup /backup/countersign-$(date +%F).db',
  )
  example(
    common(
      root
        .command('restore')
        .description('put a backup in the place of the store; the server must be stopped'),
    )
      .argument('<file>', 'the backup; the store that is there is kept under another name')
      .action(async (file, options) =>
        (await import('./store-commands.ts')).restore(file, options, terminal),
      ),
    'countersign restore /backup/countersign-2026-11-30.db --config /etc/countersign.yaml',
  )
  return root
}
