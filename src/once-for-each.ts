/** Derives a value from an object once, however often it is asked for. */

/** @returns `make`, called once for each object and forgotten with it. The object must not change. */
export function onceForEach<Key extends object, Made extends object>(
  make: (key: Key) => Made,
): (key: Key) => Made {
  const known = new WeakMap<Key, Made>()
  return (key) => {
    let made = known.get(key)
    if (made === undefined) {
      made = make(key)
      known.set(key, made)
    }
    return made
  }
}
