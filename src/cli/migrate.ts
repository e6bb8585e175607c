/** `countersign migrate`: brings the schema of the store up to date, or moves a whole installation to another store. */

import { fileStoreOf } from '../config/store-settings.ts'
import { AppError } from '../errors.ts'
import type { StoreChoice } from '../store/engines.ts'
import { isSame, type MovedTable, type MoveProgress, moveStore, undoMove } from '../store/move/move.ts'
import { openMovable, prepareStore } from '../store/open-store.ts'
import { migrateSchema } from './store-commands.ts'
import { exitCodes, type Terminal } from './terminal.ts'
import { type CommonOptions, settingsFor } from './with-store.ts'

type Options = CommonOptions & {
  readonly from?: string
  readonly to?: string
  readonly rehearse?: boolean
  readonly undo?: boolean
}

/** The time between two lines of progress for one table. */
const tellEveryMs = 2_000

/** @returns The exit code, `failed` if the two stores differ in the end. */
export async function migrate(options: Options, terminal: Terminal): Promise<number> {
  const { from, to, rehearse = false, undo = false } = options
  if (from === undefined && to === undefined && !rehearse && !undo) {
    await migrateSchema(options, terminal)
    return exitCodes.done
  }
  if (from !== undefined && to === undefined && undo && !rehearse) {
    await giveUp(choiceOf('--from', from, options, terminal), options, terminal)
    return exitCodes.done
  }
  if (from === undefined || to === undefined || undo)
    throw new AppError(
      'input.invalid',
      'a move takes --from and --to, and may take --rehearse; to give one up takes --from and --undo',
    )
  return move(
    choiceOf('--from', from, options, terminal),
    choiceOf('--to', to, options, terminal),
    options,
    terminal,
  )
}

/** Password and TLS of a database come from the settings; a file needs neither. */
function choiceOf(option: string, stated: string, options: Options, terminal: Terminal): StoreChoice {
  const file = fileStoreOf(stated)
  if (file) return file
  if (!/^postgres(ql)?:\/\//.test(stated))
    throw new AppError(
      'input.invalid',
      `${option}: must be sqlite:FILE or postgres://USER@HOST:PORT/DATABASE`,
    )
  return settingsFor(options, terminal, stated).settings.store
}

async function move(
  from: StoreChoice,
  to: StoreChoice,
  options: Options,
  terminal: Terminal,
): Promise<number> {
  const isRehearsal = options.rehearse === true
  const startedAt = performance.now()
  await using source = await openMovable(from, isRehearsal ? 'snapshot' : 'source')
  prepareStore(to)
  await using target = await openMovable(to, 'target')
  const result = await moveStore(source, target, { isRehearsal, onProgress: progressTo(terminal) })
  const tookMs = Math.round(performance.now() - startedAt)
  if (options.json) terminal.out(JSON.stringify({ from: source.name, to: target.name, tookMs, ...result }))
  else if (result.kind !== 'done') for (const table of result.tables) terminal.out(lineOf(table))
  const say = options.json ? () => undefined : terminal.out
  switch (result.kind) {
    case 'moved':
      say(`Moved in ${seconds(tookMs)}. Start the servers with store: ${target.name} and the same key ring.`)
      return exitCodes.done
    case 'rehearsed':
      say(`Rehearsed in ${seconds(tookMs)}; no server may use the copy. The move itself will begin anew.`)
      return exitCodes.done
    case 'done':
      say(`Was moved before. Start the servers with store: ${target.name} and the same key ring.`)
      return exitCodes.done
    case 'different':
      terminal.err(
        `countersign: ${target.name} is not the same as ${source.name} and may not be used. Run the command again: it begins anew. Or take the move back with --undo.`,
      )
      return exitCodes.failed
  }
}

async function giveUp(from: StoreChoice, { json }: Options, terminal: Terminal): Promise<void> {
  await using source = await openMovable(from, 'source')
  const mark = await undoMove(source)
  const wasMoved = mark?.kind === 'left'
  if (wasMoved)
    terminal.err(`${mark.to} is whole too: let no server use it, or codes and limits are counted twice.`)
  terminal.out(json ? JSON.stringify({ store: source.name, wasMoved }) : `${source.name} may be used again.`)
}

function lineOf(table: MovedTable): string {
  const { name, source, target } = table
  const words = `${name.padEnd(12)} ${String(source.rows).padStart(10)} rows  ${source.checksum.slice(0, 16)}`
  return isSame(table)
    ? `${words}  same`
    : `${words}  DIFFERENT: ${target.rows} rows  ${target.checksum.slice(0, 16)}`
}

/** Prints a line when a table is done, and every two seconds before. */
function progressTo({ err }: Terminal): (progress: MoveProgress) => void {
  let toldAt = performance.now()
  return ({ act, table, rows, of }) => {
    const now = performance.now()
    if (rows < of && now - toldAt < tellEveryMs) return
    toldAt = now
    err(`${act} ${table}: ${rows} of ${of}`)
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
