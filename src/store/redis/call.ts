/** One call of a function in Redis, and its answer. */

import type { Limit } from '../../throttle/acquire.ts'
import type { RedisFunction } from './library.ts'

export type Call = {
  readonly name: RedisFunction
  /** The shard of all its keys. */
  readonly shard: number
  /** The keys of this call alone, even if the function takes all calls of a turn. */
  readonly keys: readonly string[]
  /** Likewise; see the files in functions/. */
  readonly args: readonly (string | number)[]
  /** The limits whose limiters its keys begin with, or follow its repeat; only of functions that acquire. */
  readonly limits?: readonly Limit[]
  /** The call must not take effect after this time, by `performance.now()`. */
  readonly until: number
}

/** Kind of the answer, engine time of the node, and the function's other results. */
export type Reply = readonly [kind: string, now: number, ...rest: (string | number)[]]
