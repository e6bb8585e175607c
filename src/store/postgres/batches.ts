/** Group commit: one transaction for the calls of a turn and the calls that wait for a connection. */

import type { AppError } from '../../errors.ts'
import { unavailable } from '../calls.ts'
import type { Verb } from '../unit-of-work.ts'
import { commitMs, isOfOneCall, type Transactions } from './transaction.ts'
import { newNeeds } from './unit-of-work.ts'
import { decoyPrefix } from './verification-rows.ts'

/** The most calls in one transaction, so that the first caller does not wait for the last. */
const largestBatch = 512

export type BatchedVerb = Verb<readonly never[], unknown>

type BatchedCall = {
  readonly verb: BatchedVerb
  readonly args: readonly unknown[]
  /** The call must not take effect after this time, by `performance.now()`. */
  readonly until: number
  resolve(value: unknown): void
  reject(error: AppError): void
}

export type Batches = {
  add(call: BatchedCall): void
  /** Resolves when no batch is under way any more. */
  ended(): Promise<void>
}

/**
 * @param lanes  The most batches under way at once. Meanwhile calls gather, so under load more calls share a commit.
 * @param decoySuffix  32 hex digits of this process, without those for the lane.
 */
export function createBatches(transactions: Transactions, lanes: number, decoySuffix: string): Batches {
  const gathered: BatchedCall[] = []
  let isScheduled = false
  const free = Array.from({ length: lanes }, (_, lane) => lane)
  let onEnded: (() => void) | undefined

  function start(): void {
    isScheduled = false
    while (gathered.length > 0 && free.length > 0) {
      const calls = gathered.splice(0, largestBatch).filter(isInTime)
      if (calls.length === 0) continue
      const lane = free.pop()!
      void run(calls, decoyOf(lane)).finally(() => {
        free.push(lane)
        start()
        if (free.length === lanes) onEnded?.()
      })
    }
  }

  /** Drops calls that were given up long ago: a busy server would spend more and more of its time on them. */
  function isInTime(call: BatchedCall): boolean {
    if (call.until >= mustEnd()) return true
    call.reject(tooSlow())
    return false
  }

  const decoyOf = (lane: number) =>
    decoyPrefix + decoySuffix.slice(0, 28) + lane.toString(16).padStart(4, '0')

  /** Runs a batch in one transaction. If a call spoils it, runs each half apart: in the end that call fails alone. */
  async function run(calls: readonly BatchedCall[], decoy: string): Promise<void> {
    try {
      const results = await decided(calls, decoy)
      for (const [i, call] of calls.entries()) {
        const result = results[i]!
        if (result === tooLate) call.reject(tooSlow())
        else call.resolve(result.value)
      }
    } catch (error) {
      if (isOfOneCall(error) && calls.length > 1) {
        const half = calls.length >> 1
        // Both at once: a lock that holds one half up must not use up the time of the other half.
        await Promise.all([run(calls.slice(0, half), decoy), run(calls.slice(half), decoy)])
      } else for (const call of calls) call.reject(unavailable(error))
    }
  }

  function decided(all: readonly BatchedCall[], decoy: string) {
    const latest = Math.max(...all.map((call) => call.until))
    const { needs, reads } = newNeeds(decoy, transactions.readers())
    for (const { verb, args } of all) verb.needs(needs, ...(args as never[]))
    const { statements, unit } = reads()
    return transactions.decide<readonly ({ value: unknown } | typeof tooLate)[]>(
      latest,
      statements,
      (rows, { now }) => {
        const one = unit(rows, now)
        const end = mustEnd()
        let until = latest
        const result = all.map((call) => {
          // Its caller was refused already, or will be before the commit.
          if (call.until < end) return tooLate
          until = Math.min(until, call.until)
          return { value: call.verb.decide(one, ...(call.args as never[])) }
        })
        return { writes: one.writes(), result, until }
      },
      all.length > 1,
    )
  }

  return {
    add(call) {
      gathered.push(call)
      if (isScheduled || free.length === 0) return
      isScheduled = true
      setImmediate(start)
    },
    ended() {
      if (free.length === lanes && gathered.length === 0) return Promise.resolve()
      return new Promise((resolve) => {
        onEnded = resolve
      })
    },
  }
}

const tooLate = Symbol('too late')
const tooSlow = () => unavailable(new Error('the store was too slow'))
/** A call whose time ends before this cannot be committed any more. */
const mustEnd = () => performance.now() + commitMs * 2
