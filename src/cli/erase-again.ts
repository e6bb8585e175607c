/** `countersign member erase-again`: after a restore, those members that were deleted or erased since the backup. */

import { readKeyRing } from '../config/read-key-ring.ts'
import { AppError } from '../errors.ts'
import { eraseMember } from '../flows/erase-member.ts'
import type { AuditEntry } from '../store/audit.ts'
import { auditChecker } from '../store/check-audit.ts'
import { entriesIn, secretsOf } from './audit.ts'
import { plain } from './plain.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, settingsFor, withStore } from './with-store.ts'

const endings: readonly string[] = ['member.delete', 'member.erase']

export async function eraseAgain(file: string, options: CommonOptions, terminal: Terminal): Promise<void> {
  const ended = await endedIn(file, options, terminal)
  await withStore(options, terminal, async ({ store, ring, by }) => {
    let erased = 0
    for (const [id, { tenant, at }] of ended) {
      const member = await store.directory.member(id)
      // One who was added again later has the same id, if a command or a login made it from the account.
      if (member?.tenant !== tenant || member.createdAt > at) continue
      const { kind } = await eraseMember(store, ring, member, by('member.erase', tenant, id))
      if (kind === 'default-administrator')
        terminal.err(`Member ${plain(id)} is the default administrator and stays.`)
      if (kind === 'erased') erased++
    }
    terminal.out(
      options.json
        ? JSON.stringify({ ended: ended.size, erased })
        : `Of ${ended.size} members whose end the audit has, ${erased} were here and are erased.`,
    )
  })
}

/** The last end of each member. @throws AppError `input.invalid` unless the entries are those that the server wrote. */
async function endedIn(
  file: string,
  options: CommonOptions,
  terminal: Terminal,
): Promise<ReadonlyMap<string, AuditEntry>> {
  const ring = readKeyRing(settingsFor(options, terminal).settings)
  const checker = auditChecker(secretsOf(ring), { isPart: true })
  const ended = new Map<string, AuditEntry>()
  for await (const entry of entriesIn(file)) {
    checker.take([entry])
    if (endings.includes(entry.act)) ended.set(entry.target, entry)
  }
  const fault = checker.end(null)
  if (fault) throw new AppError('input.invalid', `${file}: ${fault.sentence}; nobody was erased`)
  return ended
}
