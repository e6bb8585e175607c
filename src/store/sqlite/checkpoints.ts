/** Decides when the write-ahead log is worth moving into the database, and starts the thread that moves it. */

import { statSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

/** While batches are sent, the log is looked at this often. At rest it is not. */
const everyMs = 100
/** A log that is shorter can stay: it is moved when the store is closed. */
const worthBytes = 4 * 1024 * 1024
/** Batches sent since the last pass that make the next one worth its two flushes to the disk. */
const worthBatches = 25

/** pass: moves what it can · truncate: moves all and leaves an empty log. Answered by the same word when it is done. */
export type Pass = 'pass' | 'truncate'

export type Checkpoints = AsyncDisposable & {
  /** A batch that may write is sent to the engine. */
  noteBatch(): void
  /** Waits until the log holds nothing of what was before. */
  truncate(): Promise<void>
}

/** @param start  Makes the thread; it answers each `pass` with one, and ends at `close`. */
export function createCheckpoints(path: string, start: () => Worker = () => startThread(path)): Checkpoints {
  let thread: Worker | undefined
  let ended: Promise<unknown> | undefined
  let batches = 0
  let looking: NodeJS.Timeout | undefined
  let isUnderWay = false
  let isClosed = false

  function look(): void {
    looking = undefined
    if (isUnderWay || isClosed || batches < worthBatches || !isWorthIt()) return
    batches = 0
    isUnderWay = true
    running().postMessage('pass' satisfies Pass)
  }

  function running(): Worker {
    if (thread) return thread
    thread = start()
    thread.on('error', () => undefined) // the engine then moves its log itself
    thread.on('message', (done: Pass) => {
      if (done === 'pass') isUnderWay = false
    })
    thread.unref()
    ended = new Promise((resolve) => thread!.once('exit', resolve))
    return thread
  }

  function isWorthIt(): boolean {
    return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) >= worthBytes
  }

  return {
    noteBatch() {
      batches++
      looking ??= setTimeout(look, everyMs).unref()
    },
    async truncate() {
      if (isClosed) return
      const one = running()
      const { promise, resolve } = Promise.withResolvers<void>()
      const take = (done: Pass) => done === 'truncate' && resolve()
      one.on('message', take)
      one.postMessage('truncate' satisfies Pass)
      // A thread that ended leaves the log to the close of the store, which empties it.
      await Promise.race([promise, ended])
      one.off('message', take)
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      clearTimeout(looking)
      if (!thread) return
      thread.ref()
      thread.postMessage('close')
      await ended
    },
  }
}

function startThread(path: string): Worker {
  return new Worker(new URL('./checkpointer.ts', import.meta.url), {
    workerData: { path },
    resourceLimits: { maxYoungGenerationSizeMb: 1 },
  })
}
