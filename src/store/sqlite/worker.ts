/** The engine's thread: takes batches of operations, commits each in one go, answers when it is safe on disk. */

import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { AppError } from '../../errors.ts'
import { answerOf, type Call, callReader } from './calls.ts'
import { openEngine, type SqliteEngine } from './engine.ts'

export type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string }
export type Ready =
  | { readonly ready: true; readonly migrated: readonly [from: number, to: number] | null }
  | { readonly failed: string; readonly code: string | undefined }

export type WorkerData = { readonly path: string; readonly migrates: boolean }

/** The most operations in one transaction, so that the first caller does not wait for the last. */
const largestBatch = 512

const port = parentPort as MessagePort
const read = callReader()
let engine: SqliteEngine | undefined
try {
  const { path, migrates } = workerData as WorkerData
  let migrated: readonly [number, number] | null = null
  const onMigrated = (from: number, to: number) => {
    migrated = [from, to]
  }
  engine = openEngine(path, { migrates, onMigrated })
  port.postMessage({ ready: true, migrated } satisfies Ready)
} catch (error) {
  const code = error instanceof AppError ? error.code : undefined
  port.postMessage({ failed: error instanceof Error ? error.message : String(error), code } satisfies Ready)
}

port.on('message', (first: string) => {
  let calls: Call[] = []
  // Calls that arrived during the last commit join this one: the more load, the more calls share a flush.
  for (let text: string | undefined = first; text !== undefined; ) {
    if (text === 'close') {
      answer(calls)
      engine?.close()
      port.close()
      return
    }
    calls = calls.concat(read(text))
    if (calls.length >= largestBatch) break
    text = (receiveMessageOnPort(port) as { message: string } | undefined)?.message
  }
  answer(calls)
})

function answer(calls: readonly Call[]): void {
  if (calls.length === 0) return
  const outcomes = engine?.run(calls) ?? calls.map(() => ({ error: 'the store is not open' }))
  port.postMessage(
    JSON.stringify(calls.map(({ id, verb }, i): Answer => ({ id, ...answerOf(verb, outcomes[i]!) }))),
  )
}
