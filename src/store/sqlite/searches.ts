/** Starts the thread of searches when the first one comes, and hands them over. */

import { Worker } from 'node:worker_threads'
import type { Search } from './search-thread.ts'
import type { Answer } from './worker.ts'

export type Searches = AsyncDisposable & {
  /** Answered by `settle`. */
  begin(search: Search): void
}

/** @param settle  Called with each answer; a search whose thread has ended gets an error. */
export function createSearches(path: string, settle: (answer: Answer) => void): Searches {
  let thread: Worker | undefined
  const underWay = new Set<number>()

  function start(): Worker {
    const started = new Worker(new URL('./search-thread.ts', import.meta.url), { workerData: { path } })
    started.unref()
    const end = (reason: string) => {
      if (thread !== started) return
      // The next search starts another.
      thread = undefined
      for (const id of underWay) settle({ id, error: reason })
      underWay.clear()
    }
    started.on('message', (text: string) => {
      const answer = JSON.parse(text) as Answer
      underWay.delete(answer.id)
      settle(answer)
    })
    started.on('error', (error) => end(`the thread of searches failed: ${error}`))
    started.on('exit', () => end('the thread of searches has ended'))
    return started
  }

  return {
    begin(search) {
      thread ??= start()
      underWay.add(search.id)
      thread.postMessage(search)
    },
    async [Symbol.asyncDispose]() {
      if (!thread) return
      const ended = new Promise((resolve) => thread!.once('exit', resolve))
      thread.ref()
      thread.postMessage('close')
      await ended
    },
  }
}
