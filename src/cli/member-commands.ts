/** `countersign member …`: what each takes. */

import { type Command, Option } from 'commander'
import { common, type End, example } from './declare.ts'
import type { Terminal } from './terminal.ts'

export function declareMemberCommands(root: Command, terminal: Terminal, end: End): void {
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
  const givenAway = () =>
    new Option(
      '--given-away',
      'the previous one is somebody else’s by now: it gets no notice, and its holder cannot undo the change',
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
      .addOption(givenAway())
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
        .description('take a contact away; the previous contacts get a notice, and live codes end'),
    )
      .argument('<account>', 'the member')
      .requiredOption('--tenant <id>', 'the tenant')
      .option('--phone', 'the mobile number')
      .option('--email', 'the e-mail address')
      .addOption(givenAway())
      .addOption(language())
      .action(async (account, options) =>
        (await import('./member-contacts.ts')).clearMemberContact(account, options, terminal),
      ),
    'countersign member clear-contact alice --tenant acme --phone --given-away',
  )
  example(
    common(
      member
        .command('set-password')
        .description(
          'set the password from standard input, or a temporary one that is printed; logins end, and the contacts get a notice',
        ),
    )
      .argument('<account>', 'the member')
      .requiredOption('--tenant <id>', 'the tenant')
      .option('--temporary', 'make one, which must be changed at the first login')
      .addOption(language())
      .action(async (account, options) =>
        (await import('./set-password.ts')).setMemberPassword(account, options, terminal),
      ),
    'countersign member set-password alice --tenant acme --temporary',
  )
  example(
    common(
      member
        .command('recover')
        .description(
          'give a new contact to a member who lost the old one, after a wait in which each present contact gets a notice and may stop it',
        ),
    )
      .argument('<account>', 'the member')
      .requiredOption('--tenant <id>', 'the tenant')
      .addOption(new Option('--phone <number>', 'mobile number, e.g. +8613800138000').conflicts('email'))
      .option('--email <address>', 'e-mail address')
      .addOption(
        new Option('--cancel', 'cancel the recovery that is under way').conflicts(['phone', 'email']),
      )
      .addOption(language())
      .action(async (account, options) =>
        (await import('./recover-member.ts')).recoverMember(account, options, terminal),
      ),
    'countersign member recover alice --tenant acme --phone +8613800138000',
  )
  example(
    common(
      member
        .command('erase')
        .description(
          'delete a member, and all that was kept about them: codes, messages, events, limits, journal',
        ),
    )
      .argument('<account>', 'the member')
      .requiredOption('--tenant <id>', 'the tenant')
      .action(async (account, options) =>
        (await import('./erase-member.ts')).eraseMemberOf(account, options, terminal),
      ),
    'countersign member erase alice --tenant acme',
  )
  example(
    common(
      member
        .command('erase-again')
        .description('after a restore: erase the members that were deleted or erased since the backup'),
    )
      .argument('<file>', 'what "countersign audit export" printed before the restore')
      .action(async (file, options) =>
        (await import('./erase-again.ts')).eraseAgain(file, options, terminal),
      ),
    'countersign member erase-again /backup/audit.jsonl --config /etc/countersign.yaml',
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
}
