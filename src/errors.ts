/** Every exceptional outcome of the program: one table of stable codes, one class. */

/**
 * If `isExposed` is true, callers may see the sentence; all others are for operators.
 * docs/errors.md is checked against this table.
 */
export const appErrors = {
  'store.unavailable': {
    isExposed: false,
    meaning: 'The store did not answer in time or failed. Nothing was accepted.',
  },
  'store.absent': {
    isExposed: false,
    meaning:
      'There is no store yet. Start the server once, run "countersign migrate", or name the folder with --data.',
  },
  'store.schema-newer': {
    isExposed: false,
    meaning: 'The store was written by a newer version. Run that version, or restore a backup.',
  },
  'store.schema-older': {
    isExposed: false,
    meaning:
      'The store has an older schema, which a server of an older version may be using. Only serve and migrate bring it up to date.',
  },
  'store.moved': {
    isExposed: false,
    meaning: 'The store takes part in a move and may not be served from; the message names the other one.',
  },
  'store.locked': { isExposed: false, meaning: 'Another server already runs on this data folder.' },
  'config.invalid': {
    isExposed: true,
    meaning: 'The settings cannot work; the message lists every problem with its remedy.',
  },
  'key-ring.invalid': {
    isExposed: true,
    meaning: 'The key ring could not be read; the message names the line.',
  },
  'key-ring.unknown-key': {
    isExposed: false,
    meaning: 'A record names a key that is not in the ring. Put the old key back.',
  },
  'template.invalid': {
    isExposed: true,
    meaning: 'A message template cannot work; the message lists every problem by file.',
  },
  'input.invalid': {
    isExposed: true,
    meaning: 'A command was given something it cannot use; the message says what it takes.',
  },
} as const

export type AppErrorCode = keyof typeof appErrors

/** An exceptional outcome. Expected outcomes are values, not errors. */
export class AppError extends Error {
  readonly code: AppErrorCode

  /** @param detail  Names the thing and the remedy; never a code, key, token or whole address. */
  constructor(code: AppErrorCode, detail?: string, options?: ErrorOptions) {
    super(detail ?? appErrors[code].meaning, options)
    this.name = 'AppError'
    this.code = code
  }
}

/** The reason in words, for a thrown value of any kind. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
