/** Writes that come within one turn as one. */

/** @returns The write of all of them, and the place of this one among them. */
export function together<T, R>(write: (some: readonly T[]) => Promise<R>) {
  let gathered: T[] = []
  let written: Promise<R>
  return (one: T) => {
    if (gathered.length === 0)
      written = new Promise((resolve) => setImmediate(resolve)).then(() => {
        const some = gathered
        gathered = []
        return write(some)
      })
    return { written, at: gathered.push(one) - 1 }
  }
}
