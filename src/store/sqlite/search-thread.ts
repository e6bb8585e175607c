/** The thread of searches: it has a connection of its own, so that no send waits behind one. */

import { DatabaseSync } from 'node:sqlite'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { MemberQuery } from '../member-search.ts'
import { monotonicMs } from './engine-clock.ts'
import { openMemberSearch } from './listings.ts'
import type { Answer } from './worker.ts'

/** @param until  The deadline of its caller, by `monotonicMs`. */
export type Search = { readonly id: number; readonly query: MemberQuery; readonly until: number }

const port = parentPort as MessagePort
const db = new DatabaseSync((workerData as { path: string }).path, { readOnly: true, timeout: 400 })
const search = openMemberSearch(db)
/** One after the other: a connection has one transaction. */
let last: Promise<void> = Promise.resolve()

async function answer({ id, query, until }: Search): Promise<void> {
  const post = (answer: Answer) => port.postMessage(JSON.stringify(answer))
  if (until < monotonicMs()) return post({ id, error: 'too late' })
  try {
    post({ id, value: await search(query) })
  } catch (error) {
    post({ id, error: String(error) })
  }
}

port.on('message', (message: Search | 'close') => {
  last = last.then(async () => {
    if (message !== 'close') return answer(message)
    db.close()
    port.close()
  })
})
