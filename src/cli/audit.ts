/** `countersign audit verify|export`: checks that the record of acts is whole, and writes it out. */

import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { KeyRing } from '../code/key-ring.ts'
import { readKeyRing } from '../config/read-key-ring.ts'
import { AppError } from '../errors.ts'
import type { AuditEntry } from '../store/audit.ts'
import { auditChecker, type NotedHead } from '../store/check-audit.ts'
import type { Store } from '../store/store.ts'
import { exitCodes, type Terminal } from './terminal.ts'
import { type CommonOptions, settingsFor, withStore } from './with-store.ts'

const pageEntries = 1000

type Checker = ReturnType<typeof auditChecker>

export async function verifyAudit(
  options: CommonOptions & { readonly file?: string; readonly head?: string },
  terminal: Terminal,
  end: (code: number) => void,
): Promise<void> {
  const noted = options.head === undefined ? undefined : headOf(options.head)
  const { file } = options
  const told = (checker: Checker, fault: ReturnType<Checker['end']>) => {
    const last = checker.last()
    const head = last ? `${last.seq}:${last.mac}` : null
    if (options.json)
      terminal.out(JSON.stringify({ isWhole: !fault, entries: last?.seq ?? 0, head, fault: fault ?? null }))
    else if (fault) terminal.out(`Broken: ${fault.sentence}.`)
    else if (head === null) terminal.out('The audit has no entries.')
    else terminal.out(`Whole up to entry ${last!.seq}.\nHead  ${head}\nNote it in another place.`)
    if (fault) end(exitCodes.failed)
  }
  if (file !== undefined) {
    const ring = readKeyRing(settingsFor(options, terminal).settings)
    const checker = auditChecker(secretsOf(ring), { noted, isPart: true })
    for await (const entry of entriesIn(file)) checker.take([entry])
    return told(checker, checker.end(null))
  }
  await withStore(options, terminal, async ({ store, ring }) => {
    const checker = auditChecker(secretsOf(ring), { noted })
    told(checker, await checkStore(store, checker))
  })
}

/** Reads until the head that was read after the entries is reached, because servers may add more meanwhile. */
async function checkStore({ audit }: Store, checker: Checker) {
  for (;;) {
    const before = checker.last()?.seq ?? 0
    for (;;) {
      const page = await audit.read({ after: checker.last()?.seq ?? 0, most: pageEntries })
      checker.take(page)
      if (page.length < pageEntries || checker.fault()) break
    }
    const head = await audit.head()
    const seen = checker.last()?.seq ?? 0
    if (checker.fault() || !head || head.seq <= seen || seen === before) return checker.end(head)
  }
}

export async function exportAudit(
  options: CommonOptions & { readonly after?: number },
  terminal: Terminal,
): Promise<void> {
  await withStore(options, terminal, async ({ store }) => {
    for (let after = options.after ?? 0; ; ) {
      const page = await store.audit.read({ after, most: pageEntries })
      for (const entry of page) terminal.out(JSON.stringify(entry))
      if (page.length < pageEntries) return
      after = page.at(-1)!.seq
    }
  })
}

export function secretsOf(ring: KeyRing): (keyId: string) => string | undefined {
  const secrets = new Map([...ring.keys].map(([id, key]) => [id, key.auditSecret()]))
  return (keyId) => secrets.get(keyId)
}

export async function* entriesIn(file: string): AsyncGenerator<AuditEntry> {
  const lines = createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  })
  let nth = 0
  try {
    for await (const line of lines) {
      nth++
      if (line !== '') yield entryOf(line)
    }
  } catch (error) {
    const { code = 'no entry of an export' } = error as { code?: string }
    throw new AppError('input.invalid', `${file}:${nth}: cannot be read (${code})`)
  }
}

function entryOf(line: string): AuditEntry {
  const entry = JSON.parse(line) as AuditEntry
  if (typeof entry?.seq !== 'number' || typeof entry.actor !== 'object' || typeof entry.details !== 'object')
    throw new SyntaxError('not an entry')
  return entry
}

function headOf(text: string): NotedHead {
  const match = /^([1-9][0-9]{0,15}):([0-9a-f]{64})$/.exec(text)
  if (!match) throw new AppError('input.invalid', '--head: takes what "countersign audit verify" printed')
  return { seq: Number(match[1]), mac: match[2]! }
}
