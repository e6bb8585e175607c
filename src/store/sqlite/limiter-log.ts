/**
 * Limiters changed lately. Each commit appends its changes to a log and keeps them in memory; they move into the table of
 * limiters later, in the order of its keys. Limiters of different people are on pages far apart, and a commit writes each
 * page that it touches whole. Before, a send under all limits wrote six of them for a few hundred bytes of limiters.
 */

import type { DatabaseSync } from 'node:sqlite'
import type { LimiterForm, LimiterState } from '../../throttle/limiter-state.ts'

/** A limiter without numbers was emptied, and leaves the table. */
export type LoggedLimiter = {
  readonly key: string
  readonly form: LimiterForm
  readonly numbers: LimiterState
  readonly forgottenAt: number
}

type Waiting = LoggedLimiter & { readonly row: string; readonly round: number }

const bounds = {
  /** With so much text in the log its limiters begin to move. The more move together, the more share a page. */
  roundBytes: 1_500_000,
  /** At least so many move with a commit, and more if the commit changed more. */
  minMoved: 64,
}
/** At the latest after this time, so that nothing stays in the log of a server at rest. */
const roundMs = 300_000

/**
 * Turns `kind:subject` into `subject:kind`, so that the limiters of one member, address or network are on one page.
 */
export function limiterRow(key: string): string {
  const end = key.indexOf(':')
  return `${key.slice(end + 1)}:${key.slice(0, Math.max(0, end))}`
}

/** Turns `subject:kind` back into `kind:subject`. A kind has no colon, a subject may have some. */
export function keyOfRow(row: string): string {
  const end = row.lastIndexOf(':')
  return `${row.slice(end + 1)}:${row.slice(0, end)}`
}

/** Limiters of so few numbers, which nearly all are, are packed without making arrays anew. */
const fewNumbers = 64
const scratch = new Float64Array(fewNumbers)
const scratchBytes = Array.from(
  { length: fewNumbers + 1 },
  (_, count) => new Uint8Array(scratch.buffer, 0, count * 8),
)

/** @returns Bytes to be bound at once: the next call may write into them. */
export function pack(numbers: LimiterState): Uint8Array {
  if (numbers.length > fewNumbers) return new Uint8Array(Float64Array.from(numbers).buffer)
  for (let i = 0; i < numbers.length; i++) scratch[i] = numbers[i]!
  return scratchBytes[numbers.length]!
}

export function unpack(bytes: Uint8Array): number[] {
  const count = bytes.length / 8
  // Copied in any case, because the address of SQLite's bytes need not be a multiple of eight.
  if (count > fewNumbers) return [...new Float64Array(bytes.slice().buffer)]
  scratchBytes[count]!.set(bytes)
  return [...scratch.subarray(0, count)]
}

/** A change is in memory once its transaction is committed: call `committed` then, and nothing if it was not. */
export function openLimiterLog(db: DatabaseSync, { roundBytes, minMoved } = bounds) {
  const dataVersion = db.prepare('pragma data_version')
  const insert = db.prepare('insert into limiter_log (limiters) values (?)')
  const removeUpTo = db.prepare('delete from limiter_log where seq <= ?')
  const move = limiterWriter(db)
  dataVersion.setReturnArrays(true)

  let seenVersion: unknown
  /** By their keys, all that are in the log. */
  let waiting = new Map<string, Waiting>()
  let lastSeq = 0
  /** Of this round, which collects changes while those of the round before move. */
  let bytes = 0
  let startedAt = 0
  let round = 0
  /** Those of the rounds before, in the order of the table. */
  let moving: readonly Waiting[] = []
  let movedTo = 0
  let movingSeq = 0
  let onCommit: (() => void) | undefined

  function readAll(now: number): void {
    const all = readLimiterLog(db)
    round++
    waiting = new Map([...all.limiters].map(([key, one]) => [key, { ...one, row: limiterRow(key), round }]))
    ;({ lastSeq, bytes } = all)
    startedAt = now
    moving = []
    movedTo = 0
  }

  function startRound(now: number): void {
    moving = [...waiting.values()].sort((a, b) => (a.row < b.row ? -1 : 1))
    movedTo = 0
    movingSeq = lastSeq
    round++
    bytes = 0
    startedAt = now
  }

  /** @returns The limiters that were moved and their number, with those skipped. */
  function moveSome(count: number, changed: ReadonlyMap<string, unknown>, now: number): readonly Waiting[] {
    const some = moving.slice(movedTo, movedTo + count)
    // What was changed since is in the log once more, and moves in its own round.
    const moved = some.filter((one) => waiting.get(one.key) === one && !changed.has(one.key))
    for (const one of moved) move(one.row, one, now)
    return moved
  }

  return {
    /** Before the reads of a transaction. @param now  Engine time. */
    begin(now: number): void {
      const [version] = dataVersion.get() as unknown as [number]
      // Another connection has written, perhaps to the log.
      if (version !== seenVersion) readAll(now)
      seenVersion = version
    },

    /** After the log was emptied by another way. */
    reload: (): void => readAll(startedAt),

    get: (key: string): LoggedLimiter | undefined => waiting.get(key),

    /** Before the commit. @param changed  By their keys. */
    flush(changed: ReadonlyMap<string, LoggedLimiter>, now: number): void {
      const isFull = bytes >= roundBytes || (bytes > 0 && now - startedAt >= roundMs)
      // Each of several processes at work begins its round anew whenever another has written.
      const mustEnd = bytes >= 2 * roundBytes
      if (moving.length === 0 && isFull) startRound(now)
      const count = mustEnd ? moving.length : Math.max(minMoved, 2 * changed.size)
      const moved = moving.length > 0 ? moveSome(count, changed, now) : []
      const isMoved = moving.length > 0 && movedTo + count >= moving.length
      if (isMoved) removeUpTo.run(movingSeq)
      const text = changed.size > 0 ? textOf(changed.values()) : ''
      const seq = text === '' ? lastSeq : Number(insert.run(text).lastInsertRowid)
      onCommit = () => {
        for (const { key } of moved) waiting.delete(key)
        for (const one of changed.values()) waiting.set(one.key, { ...one, row: limiterRow(one.key), round })
        if (bytes === 0 && text !== '') startedAt = now
        bytes += text.length
        lastSeq = seq
        movedTo += count
        if (isMoved) moving = []
      }
    },

    committed(): void {
      onCommit?.()
      onCommit = undefined
    },
  }
}

type Line = readonly [key: string, form: LimiterForm, forgottenAt: number, ...numbers: readonly number[]]

function textOf(limiters: Iterable<LoggedLimiter>): string {
  const lines: Line[] = []
  for (const { key, form, forgottenAt, numbers } of limiters) lines.push([key, form, forgottenAt, ...numbers])
  return JSON.stringify(lines)
}

/** The newest state of each limiter in the log, by its key. */
export function readLimiterLog(db: DatabaseSync) {
  const limiters = new Map<string, LoggedLimiter>()
  let lastSeq = 0
  let bytes = 0
  for (const row of db.prepare('select seq, limiters from limiter_log order by seq').iterate()) {
    const { seq, limiters: text } = row as { seq: number; limiters: string }
    for (const [key, form, forgottenAt, ...numbers] of JSON.parse(text) as readonly Line[])
      limiters.set(key, { key, form, forgottenAt, numbers })
    lastSeq = seq
    bytes += text.length
  }
  return { limiters, lastSeq, bytes }
}

/** Moves all that the log has, for those who read the table alone. */
export function emptyLimiterLog(db: DatabaseSync): void {
  const move = limiterWriter(db)
  for (const one of readLimiterLog(db).limiters.values()) move(limiterRow(one.key), one, 0)
  db.exec('delete from limiter_log')
}

/** Lets a connection that only reads see the table as if all had moved. */
export function coverByLimiterLog(db: DatabaseSync): void {
  db.exec('create temp table logged (key text primary key, form text, numbers blob, forgotten_at integer)')
  const insert = db.prepare('insert into logged values (?, ?, ?, ?)')
  for (const { key, form, numbers, forgottenAt } of readLimiterLog(db).limiters.values())
    insert.run(limiterRow(key), form, pack(numbers), forgottenAt)
  db.exec(`create temp view ledger as
    select key, form, numbers, forgotten_at from main.ledger where key not in (select key from logged)
    union all
    select key, form, numbers, forgotten_at from logged where length(numbers) > 0`)
}

function limiterWriter(db: DatabaseSync) {
  const upsert = db.prepare(
    `insert into ledger values (?, ?, ?, ?)
     on conflict do update set numbers = excluded.numbers, forgotten_at = excluded.forgotten_at`,
  )
  const remove = db.prepare('delete from ledger where key = ?')
  return (row: string, { form, numbers, forgottenAt }: LoggedLimiter, now: number): void => {
    if (numbers.length === 0 || forgottenAt <= now) remove.run(row)
    else upsert.run(row, form, pack(numbers), forgottenAt)
  }
}
