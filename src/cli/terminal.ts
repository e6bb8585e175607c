/** The parts of the process that a command may use, passed in so that tests can replace them. */

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Prints a line of the result. */
  readonly out: (text: string) => void
  /** Prints a line of progress, or a problem. */
  readonly err: (text: string) => void
  /** Reads all of standard input. */
  readonly readInput: () => Promise<Uint8Array>
  /** Calls back once when the process is asked to stop. */
  readonly onStop: (stop: () => void) => void
  /** Calls back each time the process gets SIGHUP. */
  readonly onReload?: (reload: () => void) => void
  /** Writes down what was compiled so far, so that the next start is quicker. */
  readonly keepCompiled?: () => void
}

/** Exit codes, for scripts. */
export const exitCodes = {
  done: 0,
  /** The command could not be done, or a check failed. */
  failed: 1,
  /** The command line, the settings or an input file are wrong; nothing was changed. */
  badInput: 2,
  /** The store is away or another server holds it; try again. */
  storeAway: 3,
} as const
