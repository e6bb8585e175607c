/** The engine's thread: takes batches of operations, commits each in one go, answers when it is safe on disk. */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { AppError } from '../../errors.ts'
import { type Operation, openEngine, type SqliteEngine } from './engine.ts'

/** A call with its number, and until when its caller waits, in ms since the epoch of `performance`. */
export type Call = Operation & { readonly id: number; readonly until: number }
export type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string }
export type Ready = { readonly ready: true } | { readonly failed: string; readonly code: string | undefined }

/** The most operations in one transaction, so that the first caller does not wait for the last. */
const largestBatch = 512

const port = parentPort as MessagePort
let engine: SqliteEngine | undefined
try {
  engine = openEngine((workerData as { path: string }).path)
  port.postMessage({ ready: true } satisfies Ready)
} catch (error) {
  const code = error instanceof AppError ? error.code : undefined
  port.postMessage({ failed: error instanceof Error ? error.message : String(error), code } satisfies Ready)
}

port.on('message', (first: readonly Call[] | 'close') => {
  let calls: readonly Call[] | 'close' = first
  // What arrived during the last commit joins this one: the busier it is, the more share a flush.
  while (calls !== 'close' && calls.length < largestBatch) {
    const next = receiveMessageOnPort(port) as { message: readonly Call[] | 'close' } | undefined
    if (!next) break
    if (next.message === 'close') {
      answer(calls)
      calls = 'close'
    } else calls = [...calls, ...next.message]
  }
  if (calls !== 'close') return answer(calls)
  engine?.close()
  port.close()
})

function answer(calls: readonly Call[]): void {
  const time = performance.timeOrigin + performance.now()
  // Nobody waits for these any more; their callers were told that nothing was accepted.
  const waiting = calls.filter((call) => call.until > time)
  const outcomes = engine?.run(waiting) ?? waiting.map(() => ({ error: 'the store is not open' }))
  port.postMessage(waiting.map((call, i): Answer => ({ id: call.id, ...outcomes[i]! })))
}
