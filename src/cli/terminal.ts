/** What a command may touch of its process, handed in so that tests can stand in for it. */

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Results; a line each. */
  readonly out: (text: string) => void
  /** Progress and problems. */
  readonly err: (text: string) => void
  /** All of standard input. */
  readonly readInput: () => Promise<Uint8Array>
  /** Calls back once when the process is told to stop. */
  readonly onStop: (stop: () => void) => void
  /** Calls back each time the process gets SIGHUP. */
  readonly onReload?: (reload: () => void) => void
  /** Writes down what was compiled so far, so that the next start is quicker. */
  readonly keepCompiled?: () => void
}

/** Exit codes, for scripts. */
export const exitCodes = {
  done: 0,
  /** It could not be done, or a check failed. */
  failed: 1,
  /** The command line, the settings or an input file are wrong; nothing was changed. */
  badInput: 2,
  /** The store is away or another server holds it; try again. */
  storeAway: 3,
} as const
