/** Merges the calls of a turn to one shard into one call of a function, so that the shard's keys and limits are sent once. */

import type { Call, Reply } from './call.ts'
import type { ShardKeys } from './layout.ts'
import type { RedisFunction } from './library.ts'
import { listOf, tagsOf } from './limit-lists.ts'

/** One invocation of a function, with all its keys and arguments. */
export type Invocation<One extends Call = Call> = {
  readonly name: RedisFunction
  readonly keys: readonly string[]
  readonly args: readonly (string | number)[]
  readonly calls: readonly One[]
  /** The answers to the calls, in their order. */
  split(reply: Reply): readonly Reply[]
}

type Merged = { readonly shared: readonly (keyof ShardKeys)[]; readonly hasLimits: boolean }

/** The functions that take many calls at once, with the keys of the shard that they begin with. */
const mergedFunctions: Partial<Record<RedisFunction, Merged>> = {
  issue: {
    shared: ['records', 'live', 'ends', 'bodies', 'entries', 'due', 'waiting', 'events', 'eventCount'],
    hasLimits: true,
  },
  take_submission: { shared: ['records', 'live', 'events', 'eventCount'], hasLimits: true },
  use: { shared: ['records', 'live', 'events', 'eventCount'], hasLimits: false },
  reserve: { shared: [], hasLimits: true },
}

/** The most calls in one invocation. Redis does nothing else meanwhile, and so many take it at most two milliseconds. */
const maxMerged = 32

/**
 * @param calls  The calls to one node.
 * @param keysOf  Gives the keys of a shard.
 * @param notAfterOf  The engine time after which a call must have no effect; 0 if it is not known.
 */
export function invocationsOf<One extends Call>(
  calls: readonly One[],
  keysOf: (shard: number) => ShardKeys,
  notAfterOf: (call: One) => number,
): readonly Invocation<One>[] {
  return grouped(calls).map((some) => {
    const { name, shard, keys, args } = some[0]!
    const how = mergedFunctions[name]
    if (!how)
      return { name, keys, args: [notAfterOf(some[0]!), ...args], calls: some, split: (reply) => [reply] }
    const shardKeys = keysOf(shard)
    return {
      name,
      keys: [...how.shared.map((one) => shardKeys[one]), ...some.flatMap((call) => call.keys)],
      args: how.hasLimits
        ? withLimits(some, notAfterOf)
        : some.flatMap((call) => [notAfterOf(call), ...call.args]),
      calls: some,
      split: ([, now, ...answers]) =>
        some.map((_, i) => [answers[2 * i] as string, now, answers[2 * i + 1]!]),
    }
  })
}

/** Calls that go together, in their order. */
function grouped<One extends Call>(calls: readonly One[]): readonly (readonly One[])[] {
  const groups: One[][] = []
  const open = new Map<string, One[]>()
  for (const call of calls) {
    const key = `${call.name} ${call.shard}`
    const group = mergedFunctions[call.name] && open.get(key)
    if (group && group.length < maxMerged) group.push(call)
    else {
      const started = [call]
      groups.push(started)
      open.set(key, started)
    }
  }
  return groups
}

/** The lists of limits that the calls name, each once, and then the calls. */
function withLimits<One extends Call>(
  calls: readonly One[],
  notAfterOf: (call: One) => number,
): (string | number)[] {
  const numbers = new Map<string, number>()
  const args: (string | number)[] = []
  for (const call of calls) {
    const { limits = [] } = call
    const number = limits.length === 0 ? 0 : numberOf(listOf(limits), numbers)
    args.push(notAfterOf(call), number, tagsOf(limits), ...call.args)
  }
  return [numbers.size, ...numbers.keys(), ...args]
}

function numberOf(list: string, numbers: Map<string, number>): number {
  let number = numbers.get(list)
  if (number === undefined) {
    number = numbers.size + 1
    numbers.set(list, number)
  }
  return number
}
