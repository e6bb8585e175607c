/** The functions that run inside Redis, as one library. Its name is made from its text, so that versions exist side by side. */

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The files in order: each uses only definitions of those before it. */
const files = [
  'clock',
  'limiter-state',
  'acquire',
  'events',
  'record',
  'once',
  'issue',
  'take-submission',
  'use',
  'reserve',
  'proof',
  'claim',
  'settle',
  'archive',
  'erase',
  'write-proof',
  'look',
] as const

/** The functions that may be called, with their flags: those that free memory must work when there is none left. */
const functions = {
  issue: [],
  take_submission: [],
  use: [],
  restore: ['allow-oom'],
  cancel: [],
  solve: [],
  hasten: [],
  end_unused: ['allow-oom'],
  reserve: [],
  refund: ['allow-oom'],
  put_proof: [],
  has_proof: ['no-writes'],
  claim: ['allow-oom'],
  settle: ['allow-oom'],
  begin: ['allow-oom'],
  postpone: ['allow-oom'],
  release: ['allow-oom'],
  end_waits: ['allow-oom'],
  add_events: [],
  behind: ['no-writes'],
  over: ['no-writes'],
  archived: ['allow-oom'],
  find: ['no-writes'],
  find_people: ['no-writes'],
  end_at_once: ['allow-oom'],
  drop_messages: ['allow-oom'],
  asked: ['no-writes'],
  prove: [],
  look: ['no-writes'],
} as const

export type RedisFunction = keyof typeof functions

export type Library = {
  /** For FUNCTION LOAD. */
  readonly source: string
  /** The name to call it by. */
  nameOf(name: RedisFunction): string
}

export function readLibrary(): Library {
  const body = files
    .map((file) => readFileSync(join(import.meta.dirname, 'functions', `${file}.lua`), 'utf8'))
    .join('\n')
  const version = createHash('sha256')
    .update(body)
    .update(JSON.stringify(functions))
    .digest('hex')
    .slice(0, 12)
  const nameOf = (name: RedisFunction) => `countersign_${name}_${version}`
  const registered = Object.entries(functions).map(
    ([name, flags]) =>
      `redis.register_function{ function_name = '${nameOf(name as RedisFunction)}', callback = ${name},` +
      ` flags = { ${flags.map((flag) => `'${flag}'`).join(', ')} } }`,
  )
  return { source: `#!lua name=countersign_${version}\n${body}\n${registered.join('\n')}\n`, nameOf }
}
