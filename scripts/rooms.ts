/** The rooms of src/ and their permitted imports, as the table in CONTRIBUTING.md has them. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Room = {
  readonly name: string
  /** The thing that the room knows, in a few words. */
  readonly knows: string
  /** A room (`address`), a room whose types alone may be imported (`store (types)`), or a file (`flows/policy.ts`). */
  readonly imports: readonly string[]
}

/** @returns The rooms in the order of the table: a room that imports none of ours comes first. */
export function readRooms(): Room[] {
  return [...contributing().matchAll(/^\| `(\w+)\/` \| (.+) \| (.+) \|$/gm)].map(
    ([, name, knows, imports]) => ({
      name: name!,
      knows: knows!,
      imports: imports === 'nothing of ours' ? [] : imports!.replaceAll('`', '').split(', '),
    }),
  )
}

/** @returns The files beside the rooms that every room may import, such as `errors.ts`. */
export function readOpenFiles(): string[] {
  const [, list = ''] = /^((?:`[\w.-]+\.ts`[\s,and]*)+) are open to all/m.exec(contributing()) ?? []
  return [...list.matchAll(/`([^`]+)`/g)].map(([, file]) => file!)
}

function contributing(): string {
  return readFileSync(join(import.meta.dirname, '..', 'CONTRIBUTING.md'), 'utf8')
}
