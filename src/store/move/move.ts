/** Moves an installation from one store to another: page by page, resumable at any moment, compared at the end. */

import { setTimeout as pause } from 'node:timers/promises'
import { AppError } from '../../errors.ts'
import { randomHex } from '../../random.ts'
import type { Cursor, Mark } from './mark.ts'
import type { MovableStore } from './movable-store.ts'
import { createDigest, type Digest, movedTables, type Table } from './tables.ts'

export type MoveProgress = {
  readonly act: 'copy' | 'compare'
  readonly table: string
  readonly rows: number
  /** The number of rows at the source. */
  readonly of: number
}

export type MovedTable = { readonly name: string; readonly source: Digest; readonly target: Digest }

export type MoveResult =
  | { readonly kind: 'moved' | 'rehearsed'; readonly tables: readonly MovedTable[] }
  /** It was moved before, and nothing was done. */
  | { readonly kind: 'done' }
  /** The stores differ. The target must not be used, and the next move begins anew. */
  | { readonly kind: 'different'; readonly tables: readonly MovedTable[] }

export type MoveOptions = {
  /** The source stays in use: the run leaves no mark on it, and no server may use the target. */
  readonly isRehearsal: boolean
  readonly onProgress: (progress: MoveProgress) => void
}

/** If clocks differ by at most this, the move waits. If they differ by more, one of them is wrong. */
const maxWaitMs = 10_000

/**
 * The order of the marks makes it safe to be killed anywhere: before the first row is read no server may use the source any
 * more, and only after all rows are compared may a server use the target.
 * @throws AppError `input.invalid` if these two cannot be moved, with the remedy; `store.unavailable`.
 */
export async function moveStore(
  source: MovableStore,
  target: MovableStore,
  { isRehearsal, onProgress }: MoveOptions,
): Promise<MoveResult> {
  const left = await source.mark()
  const found = await target.mark()
  if (left?.kind === 'left' && left.to === target.name) return { kind: 'done' }
  const leaving = { kind: 'leaving', move: moveOf(source, target, left), to: target.name } as const
  const done = { ...leaving, kind: 'left' } as const
  if (found?.kind === 'arrived' && found.move === leaving.move) {
    await source.setMark(done)
    return { kind: 'done' }
  }
  if (found?.kind !== 'copy' && found?.kind !== 'filling') await refuseOtherData(target, found)
  await refuseWrongClock(source, target)

  if (!isRehearsal) await source.setMark(leaving)
  const filling = (table: string, after: Cursor | null): Mark =>
    isRehearsal
      ? { kind: 'copy', from: source.name }
      : { kind: 'filling', move: leaving.move, from: source.name, table, after }
  const isResumed = !isRehearsal && found?.kind === 'filling' && found.move === leaving.move
  const start = isResumed ? found : { table: movedTables[0]!.name, after: null }
  if (!isResumed) await target.clear(filling(start.table, null))
  await copy(source, target, start, filling, onProgress)

  const tables = await compare(source, target, onProgress)
  if (!tables.every(isSame)) {
    await target.setMark({ kind: 'copy', from: source.name })
    return { kind: 'different', tables }
  }
  await target.settle()
  if (isRehearsal) return { kind: 'rehearsed', tables }
  await catchUp(source, target)
  await target.setMark({ kind: 'arrived', move: leaving.move, from: source.name })
  await source.setMark(done)
  return { kind: 'moved', tables }
}

/** Lets servers use the source again. @returns Its mark until now. */
export async function undoMove(source: MovableStore): Promise<Mark | null> {
  const mark = await source.mark()
  if (mark?.kind === 'leaving' || mark?.kind === 'left') await source.setMark(null)
  return mark
}

export function isSame({ source, target }: MovedTable): boolean {
  return source.rows === target.rows && source.checksum === target.checksum
}

/** @returns The name of the move that has begun already, or of a new one. */
function moveOf(source: MovableStore, target: MovableStore, mark: Mark | null): string {
  if (source.name === target.name)
    throw new AppError('input.invalid', `${source.name}: cannot be moved to itself`)
  switch (mark?.kind) {
    case undefined:
    case 'arrived':
      return randomHex(16)
    case 'leaving':
      if (mark.to === target.name) return mark.move
      throw new AppError(
        'input.invalid',
        `${source.name}: is being moved to ${mark.to} already. Finish that move, or take it back with --undo.`,
      )
    case 'left':
      throw new AppError('input.invalid', `${source.name}: was moved to ${mark.to}. Move from that store.`)
    case 'filling':
    case 'copy':
      throw new AppError(
        'input.invalid',
        `${source.name}: is itself not filled to its end, from ${mark.from}. Move from that store.`,
      )
  }
}

async function refuseOtherData(target: MovableStore, mark: Mark | null): Promise<void> {
  let isUsed = mark !== null
  for (const table of movedTables) isUsed ||= (await target.count(table)) > 0
  if (isUsed)
    throw new AppError(
      'input.invalid',
      `${target.name}: has data of its own. Name a store that is empty, or not made yet.`,
    )
}

/** Checked before anything is copied, because a clock that is wrong by minutes is still wrong at the end. */
async function refuseWrongClock(source: MovableStore, target: MovableStore): Promise<void> {
  const behindMs = await target.behindMs(await source.timeReached())
  if (behindMs <= maxWaitMs) return
  throw new AppError(
    'input.invalid',
    `${target.name}: its clock is ${Math.ceil(behindMs / 1000)} s behind the time that ${source.name} has come to, which never goes back. Set the clock of its machine right, or wait so long.`,
  )
}

async function catchUp(source: MovableStore, target: MovableStore): Promise<void> {
  const reached = await source.timeReached()
  for (;;) {
    const behindMs = await target.behindMs(reached)
    if (behindMs === 0) return
    if (behindMs > maxWaitMs) await refuseWrongClock(source, target)
    await pause(behindMs)
  }
}

async function copy(
  source: MovableStore,
  target: MovableStore,
  start: { readonly table: string; readonly after: Cursor | null },
  filling: (table: string, after: Cursor | null) => Mark,
  onProgress: MoveOptions['onProgress'],
): Promise<void> {
  if (start.table === '') return
  const first = movedTables.findIndex(({ name }) => name === start.table)
  for (const [nth, table] of movedTables.entries()) {
    if (nth < first) continue
    let after = nth === first ? start.after : null
    const of = await source.count(table)
    let rows = after === null ? 0 : await target.count(table)
    const report = () => onProgress({ act: 'copy', table: table.name, rows, of })
    report()
    for (;;) {
      const page = await source.page(table, after)
      const mark = page.next
        ? filling(table.name, page.next)
        : filling(movedTables[nth + 1]?.name ?? '', null)
      await target.add(table, page.rows, mark)
      rows += page.rows.length
      report()
      if (page.next === null) break
      after = page.next
    }
  }
}

async function compare(
  source: MovableStore,
  target: MovableStore,
  onProgress: MoveOptions['onProgress'],
): Promise<readonly MovedTable[]> {
  const tables: MovedTable[] = []
  for (const table of movedTables) {
    const of = await source.count(table)
    const [atSource, atTarget] = await Promise.all([
      digestOf(source, table, (rows) => onProgress({ act: 'compare', table: table.name, rows, of })),
      digestOf(target, table, () => undefined),
    ])
    tables.push({ name: table.name, source: atSource, target: atTarget })
  }
  return tables
}

async function digestOf(store: MovableStore, table: Table, onPage: (rows: number) => void): Promise<Digest> {
  const digest = createDigest(table)
  let after: Cursor | null = null
  do {
    const page = await store.page(table, after)
    for (const row of page.rows) digest.add(row)
    after = page.next
    onPage(digest.rows())
  } while (after !== null)
  return digest.value()
}
