/** Collects the items of one turn of the event loop, so that a single write carries them all. */

/**
 * @param flush  Gets everything of a turn, after its callbacks have run.
 * @returns A function that adds one.
 */
export function gatherByTurn<T>(flush: (gathered: readonly T[]) => void): (one: T) => void {
  let gathered: T[] = []
  function end(): void {
    const all = gathered
    gathered = []
    flush(all)
  }
  return (one) => {
    if (gathered.push(one) === 1) setImmediate(end)
  }
}
