/** The command line: the arguments of each command, and its exit code. */

import { Command, CommanderError, Option } from 'commander'
import { AppError, reasonOf } from '../errors.ts'
import { plainLines } from './plain.ts'
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

/** @param end  Called with the exit code of a command that ran to its end; undefined for success. */
export function createProgram(terminal: Terminal, end: (code: number | undefined) => void): Command {
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
  const config = () => new Option('--config <file>', 'settings file (YAML)')
  const data = () => new Option('--data <dir>', 'data folder (default: ./data)')
  const json = () => new Option('--json', 'print JSON')
  const common = (command: Command) => command.addOption(config()).addOption(data()).addOption(json())
  const example = (command: Command, ...lines: string[]) =>
    command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}`)

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

  const member = root.command('member').description('persons of a tenant')
  const language = () =>
    new Option('--language <language>', 'of the notices to the contacts a member had')
      .choices(['zh-CN', 'en-US'])
      .default('zh-CN')
  example(
    common(member.command('add').description('add a member; without --no-password prints a new password'))
      .requiredOption('--tenant <id>', 'the tenant')
      .requiredOption('--account <account>', 'account, unique in the tenant')
      .option('--name <name>', 'name (default: the account)')
      .option('--phone <number>', 'verified mobile number, e.g. +8613800138000')
      .option('--email <address>', 'verified e-mail address')
      .addOption(
        new Option('--role <role>', 'administrator role')
          .choices(['none', 'admin', 'default'])
          .default('none'),
      )
      .option('--no-password', 'no account login; App ID logins only')
      .action(async (options) => (await import('./members.ts')).addMember(options, terminal)),
    'countersign member add --tenant acme --account alice --phone +8613800138000',
  )
  example(
    common(member.command('list').description('list members, contacts masked; with --json one object a line'))
      .requiredOption('--tenant <id>', 'the tenant')
      .action(async (options) => (await import('./members.ts')).listMembers(options, terminal)),
    'countersign member list --tenant acme',
  )
  example(
    common(member.command('import').description('add or update members from a CSV file; safe to repeat'))
      .argument(
        '<file>',
        'CSV with a header line, columns from account, name, phone, email, role, deptCode, password; - is standard input',
      )
      .requiredOption('--tenant <id>', 'the tenant')
      .option(
        '--replace-contacts',
        'replace contacts that members have, perhaps by their own change; an empty cell takes one away; without it an empty cell changes nothing',
      )
      .addOption(language())
      .action(async (file, options) =>
        (await import('./import-members.ts')).importMembers(file, options, terminal, end),
      ),
    'countersign member import staff.csv --tenant acme',
  )
  example(
    common(
      member
        .command('set-contact')
        .description(
          'store a contact that you have checked by other means; the previous contacts get a notice, and live codes end',
        ),
    )
      .argument('<account>', 'the member')
      .requiredOption('--tenant <id>', 'the tenant')
      .option('--phone <number>', 'mobile number, e.g. +8613800138000')
      .option('--email <address>', 'e-mail address')
      .addOption(language())
      .action(async (account, options) =>
        (await import('./member-contacts.ts')).setMemberContact(account, options, terminal),
      ),
    'countersign member set-contact alice --tenant acme --phone +8613800138000',
  )
  example(
    common(
      member
        .command('clear-contact')
        .description(
          'take a contact away, e.g. a number that went to somebody else; the previous contacts get a notice, and live codes end',
        ),
    )
      .argument('<account>', 'the member')
      .requiredOption('--tenant <id>', 'the tenant')
      .option('--phone', 'the mobile number')
      .option('--email', 'the e-mail address')
      .addOption(language())
      .action(async (account, options) =>
        (await import('./member-contacts.ts')).clearMemberContact(account, options, terminal),
      ),
    'countersign member clear-contact alice --tenant acme --phone',
  )
  example(
    common(member.command('disable').description('end a member’s logins and refuse new ones'))
      .argument('<account>', 'the member')
      .requiredOption('--tenant <id>', 'the tenant')
      .option('--undo', 'allow them again')
      .action(async (account, options) =>
        (await import('./members.ts')).disableMember(account, options, terminal),
      ),
    'countersign member disable alice --tenant acme',
  )

  example(
    common(root.command('token').description('log in as an app and print an access token'))
      .requiredOption('--app <id>', 'the app')
      .option('--user <account>', 'the member (default: the tenant’s default administrator)')
      .action(async (options) => (await import('./token.ts')).token(options, terminal)),
    'countersign token --app 5f0c… --user alice',
  )

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
        new Option('--channel <channel>', 'another than the usual').choices(['sms', 'email', 'voice']),
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
