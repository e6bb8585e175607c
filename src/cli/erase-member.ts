/** `countersign member erase`: for a person who asks that nothing about them is kept. */

import { AppError } from '../errors.ts'
import { type ErasureOutcome, eraseMember } from '../flows/erase-member.ts'
import { plain } from './plain.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, withStore } from './with-store.ts'

const refusals: Readonly<Record<Exclude<ErasureOutcome['kind'], 'erased'>, string>> = {
  unknown: 'the member is gone',
  'default-administrator': 'the default administrator stays; make another one first',
}

export async function eraseMemberOf(
  account: string,
  options: CommonOptions & { readonly tenant: string },
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store, ring, by }) => {
    const member = await store.directory.memberByAccount(options.tenant, account)
    if (!member)
      throw new AppError('input.invalid', `there is no member ${plain(account)} in ${plain(options.tenant)}`)
    const { kind } = await eraseMember(store, ring, member, by('member.erase', options.tenant, member.id))
    if (kind !== 'erased') throw new AppError('input.invalid', `${plain(account)}: ${refusals[kind]}`)
    terminal.out(
      options.json
        ? JSON.stringify({ id: member.id, isErased: true })
        : `Member ${member.id} is erased. Backups keep what they have until they are deleted.`,
    )
  })
}
