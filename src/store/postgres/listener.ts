/** A connection that only listens for word of due messages; without it they are found by polling, a little later. */

import type { ClientConfig } from 'pg'
import { openConnection, type PostgresConnection } from './connection.ts'
import { dueChannel } from './notices.ts'

export type Listener = {
  /** @returns Stops telling. */
  onDue(callback: () => void): () => void
  close(): Promise<void>
}

const connectMs = 2_000
const retryMs = 1_000

/** @param client  Straight to the server: a pooler of transactions has nobody to give a notification to. */
export function createListener(client: ClientConfig): Listener {
  const callbacks = new Set<() => void>()
  let connection: PostgresConnection | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const tell = () => {
    for (const callback of callbacks) callback()
  }

  async function open(): Promise<void> {
    try {
      connection = await openConnection(client, false, connectMs, again)
      await connection.listen(dueChannel, tell, performance.now() + connectMs)
      tell() // of what came while nobody listened
    } catch {
      if (connection && !connection.isBroken) connection.destroy()
      again()
    }
    if (isClosed) await connection?.close()
  }

  function again(): void {
    if (isClosed) return
    clearTimeout(timer)
    timer = setTimeout(open, retryMs)
    timer.unref()
  }

  return {
    onDue(callback) {
      if (callbacks.size === 0 && !connection) void open()
      callbacks.add(callback)
      return () => callbacks.delete(callback)
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      callbacks.clear()
      await connection?.close()
    },
  }
}
